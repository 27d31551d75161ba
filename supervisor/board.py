"""The read model of the wallboard: its rows, and what its filter and headings offer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from calls import events
from calls.models import Attempt, Call
from calls.models.alert import level_of
from supervisor.selection import NEWEST, PAGE_SIZE, PAGES_LIMIT, Filter, Phase, phase_of

SNAPSHOT_LIMIT = 500
ROWS_LIMIT = 100
# A queue or an agent that none of the newest calls had is not offered, but can be written.
CHOICES_FROM = 2000
CHOICES_LIMIT = 500
COUNTED = (Attempt.Outcome.FAILED, Attempt.Outcome.CRASHED)


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
    def alert_level(self) -> str:
        """The severity of its worst open alert, empty without one."""
        return level_of(getattr(self.call, "worst_alert", 0))

    @property
    def loss_percent(self) -> float:
        """The share of the packets that never came."""
        expected = self.call.packet_count + self.call.missing_count
        return 100 * self.call.missing_count / expected if expected else 0.0

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
    """Up to PAGE_SIZE rows. ``next`` is where the following ones are, or empty."""

    rows: list[Row]
    next: str


def read_page(wanted: Filter) -> Page:
    rows = _rows(wanted.cut(wanted.apply(Call.objects.with_open_alerts())))
    more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    return Page(rows, _following(wanted, rows[-1]) if more else "")


def _following(wanted: Filter, last: Row) -> str:
    if wanted.is_by_age:
        return replace(wanted, before=last.call.pk).address()
    return replace(wanted, page=wanted.page + 1).address() if wanted.page < PAGES_LIMIT else ""


def read_rows(call_ids: Iterable[str], wanted: Filter) -> list[Row]:
    """Return the rows of these calls, newest first, without those that the filter leaves out."""
    asked = Call.objects.with_open_alerts().filter(call_id__in=list(call_ids)[:ROWS_LIMIT])
    return _rows(wanted.apply(asked))


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
        Tab(label, wanted.first_page(phase=value).address(), wanted.phase == value)
        for value, label in choices
    ]


@dataclass(frozen=True)
class Heading:
    """A column, and the address that sorts by it; ``order`` is what aria-sort calls it."""

    name: str
    label: str
    address: str
    order: str


# Column, heading, and the order that a first click asks for: the worst first, names from A.
_COLUMNS = (
    ("state", "State", ""),
    ("call", "Call", ""),
    ("opened", "Opened", NEWEST),
    ("duration", "Duration", "-duration"),
    ("agent", "Agent", "agent"),
    ("queue", "Queue", "queue"),
    ("caller", "Caller", "caller"),
    ("packets", "Packets", "-packets"),
    ("loss", "Loss", "-loss"),
    ("customer", "Customer", "customer"),
    ("mood", "Agent mood", "mood"),
    ("analysis", "Analysis", "next"),
)


def headings(wanted: Filter) -> list[Heading]:
    return [_heading(wanted, *column) for column in _COLUMNS]


def _heading(wanted: Filter, name: str, label: str, first: str) -> Heading:
    if not first:
        return Heading(name, label, "", "")
    turned = first.removeprefix("-") if first.startswith("-") else f"-{first}"
    sort = turned if wanted.sort == first else first
    order = ""
    if wanted.sort in (first, turned):
        order = "descending" if wanted.sort.startswith("-") else "ascending"
    return Heading(name, label, wanted.first_page(sort=sort).address(), order)


@dataclass(frozen=True)
class Choices:
    """What the lists of queues and agents offer."""

    queues: list[str]
    agents: list[str]


def read_choices(wanted: Filter) -> Choices:
    """Return the queues and agents of the newest calls, and those that are wanted already."""
    newest = list(Call.objects.order_by("-id").values_list("queue", "agent")[:CHOICES_FROM])
    return Choices(
        queues=_offer({queue for queue, _ in newest}, wanted.queue),
        agents=_offer({agent for _, agent in newest}, wanted.agent),
    )


def _offer(names: set[str], chosen: str) -> list[str]:
    known = sorted(names - {""}, key=str.casefold)[:CHOICES_LIMIT]
    return known if not chosen or chosen in known else [chosen, *known]


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
