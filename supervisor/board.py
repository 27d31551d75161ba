"""The read model of the wallboard: its figures, its rows, and how they are filtered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.db import models
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from calls import events
from calls.lifecycle import CallState
from calls.models import Attempt, Call

SNAPSHOT_LIMIT = 500
PAGE_SIZE = 50
ROWS_LIMIT = 100
QUERY_LENGTH = 128
PACE_S = 60
COUNTED = (Attempt.Outcome.FAILED, Attempt.Outcome.CRASHED)

_RETRYING = Q(
    state=CallState.PROCESSING_AI, next_attempt_at__isnull=False, lease_expires_at__isnull=True
)


class Phase(models.TextChoices):
    """What a supervisor calls the state of a call: waiting for a retry is a thing of its own."""

    LIVE = "IN_PROGRESS", "Live"
    WAITING = "COMPLETED", "Waiting for AI"
    ANALYSING = "PROCESSING_AI", "Being analysed"
    RETRYING = "RETRYING", "Retrying"
    FAILED = "FAILED", "Failed"
    ARCHIVED = "ARCHIVED", "Archived"


def phase_of(call: Call) -> Phase:
    if call.state == CallState.PROCESSING_AI and call.next_attempt_at and not call.lease_expires_at:
        return Phase.RETRYING
    return Phase(str(call.state))


def _in_phase(phase: str) -> Q:
    if phase == Phase.RETRYING:
        return _RETRYING
    if phase == Phase.ANALYSING:
        # Not `& ~_RETRYING`: SQL's NOT of a comparison with NULL is neither true nor false.
        at_work = Q(next_attempt_at__isnull=True) | Q(lease_expires_at__isnull=False)
        return Q(state=CallState.PROCESSING_AI) & at_work
    return Q(state=phase)


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


@dataclass(frozen=True)
class Filter:
    """Which calls are wanted, as the address of the page says it."""

    phase: str = ""
    query: str = ""
    before: int | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Self:
        """Read the address; what makes no sense there is left out."""
        phase = str(query.get("state", ""))
        return cls(
            phase=phase if phase in Phase.values else "",
            query=str(query.get("q", "")).replace("\0", "").strip()[:QUERY_LENGTH],
            before=_whole_number(str(query.get("before", ""))),
        )

    def apply(self, calls: QuerySet[Call]) -> QuerySet[Call]:
        if self.phase:
            calls = calls.filter(_in_phase(self.phase))
        if self.query:
            calls = calls.filter(
                Q(call_id__icontains=self.query)
                | Q(agent__icontains=self.query)
                | Q(caller__icontains=self.query)
                | Q(queue__icontains=self.query)
            )
        return calls if self.before is None else calls.filter(pk__lt=self.before)

    def address(self, *, phase: str | None = None, before: int | None = None) -> str:
        """Return the query string of this filter, or of one with another phase or page."""
        wanted = {"state": self.phase if phase is None else phase, "q": self.query}
        named = {name: value for name, value in {**wanted, "before": before}.items() if value}
        return f"?{urlencode(named)}" if named else "?"


def next_number(number: int | None, outcome: str) -> int:
    """Return the number of the attempt to come: only some outcomes count."""
    return (number or 0) + (outcome in COUNTED) or 1


@dataclass(frozen=True)
class Row:
    """A call as one row of the wallboard shows it."""

    call: Call
    attempt: int | None
    stage: str
    outcome: str
    now: datetime

    @property
    def phase(self) -> Phase:
        return phase_of(self.call)

    @property
    def next_attempt(self) -> int:
        return next_number(self.attempt, self.outcome)

    @property
    def duration_s(self) -> float:
        return ((self.call.ended_at or self.now) - self.call.opened_at).total_seconds()


@dataclass(frozen=True)
class Tab:
    label: str
    address: str
    is_current: bool


@dataclass(frozen=True)
class Page:
    """Up to PAGE_SIZE rows, newest first. ``older`` is where the next ones are, or empty."""

    rows: list[Row]
    older: str


def read_page(wanted: Filter) -> Page:
    rows = _rows(wanted.apply(Call.objects.all())[: PAGE_SIZE + 1])
    more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    return Page(rows, wanted.address(before=rows[-1].call.pk) if more else "")


def read_rows(call_ids: Iterable[str], wanted: Filter) -> list[Row]:
    """Return the rows of these calls, newest first, without those that the filter leaves out."""
    return _rows(wanted.apply(Call.objects.filter(call_id__in=list(call_ids)[:ROWS_LIMIT])))


def _rows(calls: QuerySet[Call]) -> list[Row]:
    latest = Attempt.objects.filter(call=OuterRef("pk")).order_by("-id")
    found = calls.annotate(
        attempt=Subquery(latest.values("number")[:1]),
        stage=Subquery(latest.values("stage")[:1]),
        outcome=Subquery(latest.values("outcome")[:1]),
    )
    now = timezone.now()
    return [Row(call, call.attempt, call.stage or "", call.outcome or "", now) for call in found]


def tabs(wanted: Filter) -> list[Tab]:
    choices: Sequence[tuple[str, str]] = [("", "All calls"), *Phase.choices]
    return [
        Tab(label, wanted.address(phase=value), wanted.phase == value) for value, label in choices
    ]


@dataclass(frozen=True)
class Figures:
    """The strip above the rows. Packets are those of live calls."""

    live: int
    waiting: int
    analysing: int
    retrying: int
    failed: int
    archived_today: int
    packets_a_minute: int
    missing: int


def read_figures() -> Figures:
    """Count by index: neither packets nor the archive are gone through."""
    now = timezone.now()
    # `state IN` and not `NOT state =`, which no index can answer.
    open_states = [state for state in CallState.values if state != CallState.ARCHIVED]
    counted = Call.objects.filter(state__in=open_states).aggregate(
        live=Count("pk", filter=_in_phase(Phase.LIVE)),
        waiting=Count("pk", filter=_in_phase(Phase.WAITING)),
        analysing=Count("pk", filter=_in_phase(Phase.ANALYSING)),
        retrying=Count("pk", filter=_in_phase(Phase.RETRYING)),
        failed=Count("pk", filter=_in_phase(Phase.FAILED)),
        missing=Sum("missing_count", filter=_in_phase(Phase.LIVE), default=0),
    )
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    archived = Call.objects.filter(state=CallState.ARCHIVED, state_changed_at__gte=midnight)
    return Figures(**counted, archived_today=archived.count(), packets_a_minute=_pace(now))


def _pace(now: datetime) -> int:
    """Return the packets of the last minute; of a call that is older, its mean minute."""
    heard = Call.objects.live().filter(last_packet_at__gte=now - timedelta(seconds=PACE_S))
    counts = heard.values_list("packet_count", "opened_at")
    return round(
        sum(
            count * min(1.0, PACE_S / max((now - opened_at).total_seconds(), 1))
            for count, opened_at in counts
        )
    )


@dataclass(frozen=True)
class Position:
    """Where in the event log a page was read: the feed goes on from there."""

    epoch: str
    offset: int


def read_position() -> Position:
    """Read it before the page's data: what comes twice is harmless, what is skipped is not."""
    return Position(epoch=events.epoch(), offset=events.head())


def snapshot() -> list[dict[str, Any]]:
    """Return the newest calls as the feed describes them, for a client that starts anew."""
    columns = Call.objects.values(
        "call_id",
        "state",
        "version",
        "packet_count",
        "last_sequence",
        "missing_count",
        "late_count",
    )
    return [dict(call) for call in columns.order_by("-id")[:SNAPSHOT_LIMIT]]
