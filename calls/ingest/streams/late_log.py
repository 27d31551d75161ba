"""Warns of packets that come after the end of their call, at most once a minute for each call.

A sender that does not notice the end sends fifty packets a second for as long as it likes.
"""

from __future__ import annotations

import logging

from calls.ingest.tables import CallRow

log = logging.getLogger(__name__)

PAUSE_S = 60.0
MAX_CALLS = 10_000


class LateLog:
    """The calls that this process has named within the last minute."""

    def __init__(self) -> None:
        # When each call may be named again, the earliest first.
        self._quiet_until: dict[str, float] = {}

    def warn(self, call: CallRow, *, now_s: float) -> None:
        """Log how many late packets a call has so far. Call after the commit."""
        self._forget(now_s)
        if call.call_id in self._quiet_until:
            return
        self._quiet_until[call.call_id] = now_s + PAUSE_S
        log.warning(
            "call %s: late packets, %d so far; the call is %s",
            call.call_id, call.late_count, call.state,
        )  # fmt: skip

    def clear(self) -> None:
        self._quiet_until.clear()

    def _forget(self, now_s: float) -> None:
        while self._quiet_until:
            call_id, until = next(iter(self._quiet_until.items()))
            if until > now_s and len(self._quiet_until) < MAX_CALLS:
                return
            del self._quiet_until[call_id]
