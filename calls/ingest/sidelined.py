"""The side queue: packets of calls that another transaction holds, retried apart from all others.

A call leaves it when its packets are stored. Its clients are told after HOLD_S to send again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from django.db import connection

from calls.ingest.patience import in_a_hurry
from calls.ingest.requests import Record, StoreRequest, Unavailable, in_hand, settle
from calls.outage import is_contention, is_outage

log = logging.getLogger(__name__)

HOLD_S = 1.5
RETRY_S = 0.02
LINGER_S = 5.0  # how long a call stays here after its last packet was refused
CALL_CAPACITY = 2_000  # packets
LOCKED = "Another transaction holds this call."


@dataclass(slots=True)
class _Held:
    """A call's waiting requests. ``refused_at`` is None until one has waited for HOLD_S."""

    requests: deque[StoreRequest] = field(default_factory=deque)
    size: int = 0
    refused_at: float | None = None


class Sidelined:
    """Retries the requests of each call in order, in a thread of its own."""

    def __init__(
        self,
        record: Record,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._record = record
        self._clock = clock
        self._calls: dict[str, _Held] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def is_empty(self) -> bool:
        return not self._calls

    def take(self, request: StoreRequest) -> bool:
        """Queue the request if its call is here: its packets must not overtake earlier ones."""
        with self._changed:
            if request.call_id not in self._calls:
                return False
            self._queue(request)
        return True

    def add(self, request: StoreRequest) -> None:
        """Queue a request whose call is locked."""
        with self._changed:
            self._queue(request)

    def _queue(self, request: StoreRequest) -> None:
        held = self._calls.setdefault(request.call_id, _Held())
        if held.size >= CALL_CAPACITY:
            settle([request], Unavailable(LOCKED))
            return
        held.requests.append(request)
        held.size += len(request.packets)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="ingest-side", daemon=True)
            self._thread.start()
        self._changed.notify()

    def close(self, timeout_s: float) -> None:
        """Write or refuse what waits, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread:
            self._thread.join(timeout=timeout_s)

    def _run(self) -> None:
        with in_a_hurry():
            while self._wait():
                for call_id in list(self._calls):
                    self._retry(call_id)
        connection.close()

    def _wait(self) -> bool:
        """Wait until it is time for another round. Returns whether there will be one."""
        with self._changed:
            if self._calls:
                self._changed.wait(timeout=RETRY_S)
            else:
                self._changed.wait_for(lambda: self._calls or self._closing)
            return not self._closing or any(held.requests for held in self._calls.values())

    def _retry(self, call_id: str) -> None:
        held = self._calls[call_id]
        waiting = list(held.requests)
        if waiting:
            self._write(call_id, held, waiting)
        self._refuse_old(call_id, held)
        with self._changed:
            is_quiet = held.refused_at is None or self._clock() - held.refused_at > LINGER_S
            if not held.requests and is_quiet:
                del self._calls[call_id]

    def _write(self, call_id: str, held: _Held, requests: list[StoreRequest]) -> None:
        """Store the requests together or, if one cannot be stored at all, the first one alone."""
        try:
            with in_hand(requests):
                locked = self._record([packet for each in requests for packet in each.packets])
        except Exception as error:
            if is_contention(error):
                return
            if is_outage(error):
                connection.close()
                self._settle(held, requests, Unavailable(LOCKED))
            elif len(requests) > 1:
                self._write(call_id, held, requests[:1])
            else:
                log.exception("packets refused")
                self._settle(held, requests, error)
            return
        if not locked:
            if held.refused_at is not None:
                log.warning("call %s is no longer locked", call_id)
            held.refused_at = None
            self._settle(held, requests, None)

    def _refuse_old(self, call_id: str, held: _Held) -> None:
        limit = self._clock() - HOLD_S
        old = list(takewhile(lambda request: request.arrived_at <= limit, list(held.requests)))
        if not old:
            return
        if held.refused_at is None:
            log.warning("call %s is locked by another transaction, its packets wait", call_id)
        held.refused_at = self._clock()
        self._settle(held, old, Unavailable(LOCKED))

    def _settle(
        self, held: _Held, requests: Sequence[StoreRequest], error: Exception | None
    ) -> None:
        """Complete the requests, which are the oldest of their call."""
        with self._changed:
            for request in requests:
                held.requests.popleft()
                held.size -= len(request.packets)
        settle(requests, error)
