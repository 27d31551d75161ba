"""What each web process reports about its ingest, so that all of them and the board can show it.

A process writes a row while it refuses packets, and once afterwards. Otherwise it writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error as DatabaseError
from django.db import connection

from calls.clock import database_now
from calls.models import IngestReport
from calls.outage import is_outage
from calls.process import this_process

EVERY_S = 2.0
KEPT = timedelta(hours=1)


@dataclass(frozen=True)
class Pressure:
    """The state of a buffer. ``shedding_s``: for how long it has been refusing, None if not."""

    oldest_age_s: float
    shedding_s: float | None
    refused: Mapping[str, int]


def report(pressure: Pressure) -> None:
    now = database_now()
    IngestReport.objects.filter(seen_at__lt=now - KEPT).delete()
    since = None
    if pressure.shedding_s is not None:
        since = now - timedelta(seconds=pressure.shedding_s)
    IngestReport.objects.update_or_create(
        process=this_process(),
        defaults={
            "seen_at": now,
            "shedding_since": since,
            "oldest_age_s": pressure.oldest_age_s,
            "refused": dict(pressure.refused),
        },
    )


class Reporter:
    """Reports the state of one buffer while it refuses packets, and once more afterwards."""

    def __init__(self, report: Callable[[Pressure], None], clock: Callable[[], float]) -> None:
        self._report = report
        self._clock = clock
        self._due_at = 0.0
        self._refused = 0  # in the last report
        self.is_pending = False  # the last report says that packets are refused

    def report(self, measure: Callable[[], Pressure]) -> None:
        """Report what ``measure`` returns, if a report is due and there is something to say."""
        if self._clock() < self._due_at:
            return
        pressure = measure()
        refused, is_shedding = sum(pressure.refused.values()), pressure.shedding_s is not None
        if refused == self._refused and not is_shedding and not self.is_pending:
            return
        self._due_at = self._clock() + EVERY_S
        try:
            self._report(pressure)
        except DatabaseError as error:
            if is_outage(error):
                connection.close()
                return
            raise
        self._refused, self.is_pending = refused, is_shedding


def read(*, now: datetime | None = None) -> dict[str, Pressure]:
    """Return what the processes have reported lately."""
    now = now or database_now()
    return {
        each.process: Pressure(
            each.oldest_age_s,
            (now - each.shedding_since).total_seconds() if each.shedding_since else None,
            each.refused,
        )
        for each in IngestReport.objects.filter(seen_at__gte=now - KEPT)
    }
