"""Records in the database which live calls the clients of this process have open.

Workers transcribe such calls first. A process that dies leaves its rows behind. They expire, and
the next process that writes deletes them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import DatabaseError, IntegrityError

from calls.clock import database_now
from calls.models import Call, CallViewing
from calls.process import this_process

ALIVE = timedelta(seconds=20)
RENEW_S = 8.0
# However many clients come and go, the database is told at most this often.
CHANGE_S = 1.0


class Viewings:
    """The rows of one run of the feed. Another run in this process writes rows of its own."""

    def __init__(self) -> None:
        self.process = f"{this_process()}:{secrets.token_hex(4)}"
        self._written: dict[int, int] = {}
        self._at = float("-inf")

    def __bool__(self) -> bool:
        return bool(self._written)

    def are_due(self, viewers: Mapping[int, int], *, clock: float) -> bool:
        """Whether to write now. ``clock`` is that of the event loop."""
        if not viewers and not self._written:
            return False
        return clock - self._at >= (RENEW_S if viewers == self._written else CHANGE_S)

    def write(self, viewers: Mapping[int, int], clock: float) -> None:
        """Store the number of viewers of each call, by its key."""
        self._at = clock
        now = database_now()
        if gone := self._written.keys() - viewers.keys():
            CallViewing.objects.filter(process=self.process, call__in=gone).delete()
        with suppress(IntegrityError):  # a call was deleted meanwhile; the next write leaves it out
            self._upsert(viewers, now + ALIVE)
        CallViewing.objects.filter(alive_until__lt=now).delete()
        self._written = dict(viewers)

    def remove(self) -> None:
        """Remove all rows. During a database outage, they expire."""
        if self._written:
            with suppress(DatabaseError):
                CallViewing.objects.filter(process=self.process).delete()

    def _upsert(self, viewers: Mapping[int, int], alive_until: datetime) -> None:
        # The order in which packets lock calls: each new row locks its call, so any other order
        # could deadlock with them.
        calls = Call.objects.filter(pk__in=viewers).order_by("call_id")
        CallViewing.objects.bulk_create(
            [
                CallViewing(
                    call_id=pk, process=self.process, viewers=viewers[pk], alive_until=alive_until
                )
                for pk in calls.values_list("pk", flat=True)
            ],
            update_conflicts=True,
            unique_fields=["call", "process"],
            update_fields=["viewers", "alive_until"],
        )
