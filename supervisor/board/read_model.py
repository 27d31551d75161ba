"""The read model of the wallboard: the rows of a page, and its tabs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, QuerySet, Subquery
from django.utils import timezone

from calls.analysis.media.roles import OTHER
from calls.holds.services import mark_held
from calls.models import (
    Alert,
    Analysis,
    Attempt,
    Call,
    CallViewing,
    FieldValue,
    LiveTranscription,
)
from calls.models.alert import level_of
from supervisor.figures import Figures
from supervisor.ordering import SORTED_LIMIT, Place, after
from supervisor.phases import Phase, next_number, phase_of
from supervisor.selection import Filter

ROWS_LIMIT = 100
_ON_BOARD = Prefetch(
    "field_values",
    FieldValue.objects.filter(field__on_board=True).select_related("field"),
    to_attr="board_fields",
)


@dataclass(frozen=True)
class LastWords:
    """What was said last in a live call, without personal data."""

    speaker: str
    text: str


@dataclass(frozen=True)
class BoardRow:
    """A call as a row of the wallboard."""

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
    def retries(self) -> int:
        """How often the last stage of the analysis was tried again."""
        return max((self.attempt or 1) - 1, 0)

    @property
    def alert_level(self) -> str:
        """The highest severity among its open alerts, or an empty string."""
        return level_of(getattr(self.call, "worst_alert", 0))

    @property
    def last_words(self) -> LastWords | None:
        """What was said last in a live call that has an open alert or is open in a browser."""
        call: Any = self.call
        is_watched = call.is_live and (call.open_alerts or call.is_open)
        if not is_watched or not call.last_words:
            return None
        speaker = OTHER[call.last_speaker] if call.speakers_swapped else call.last_speaker
        return LastWords(speaker, call.last_words)

    @property
    def tags(self) -> list[str]:
        return [tag.name for tag in self.call.tags.all()]

    @property
    def loss_percent(self) -> float:
        """The percentage of expected packets that are missing."""
        expected = self.call.packet_count + self.call.missing_count
        return 100 * self.call.missing_count / expected if expected else 0.0

    @property
    def duration_s(self) -> float:
        return self.call.lasted_s(self.now)


@dataclass(frozen=True)
class Tab:
    """A state to filter by.

    ``figure`` names the figure that counts its calls. It is empty if the count is not known.
    """

    label: str
    address: str
    is_current: bool
    figure: str
    count: int | None


@dataclass(frozen=True)
class BoardPage:
    """The rows of a page. ``next`` is the address of the next page, or empty.

    ``first`` is the position of its first row among all that match, starting at 1. ``total`` is the
    number of calls that match. It is None if counting would scan the archive, and SORTED_LIMIT with
    ``is_more`` if there are more than that.
    """

    rows: list[BoardRow]
    next: str
    first: int | None = None
    total: int | None = None
    is_more: bool = False

    @property
    def last(self) -> int | None:
        return self.first + len(self.rows) - 1 if self.first and self.rows else None


def read_page(wanted: Filter) -> BoardPage:
    # Choose the calls first, then read their details. In a single query, the database would
    # evaluate the subqueries for every call that it sorts.
    pks = wanted.page_of(wanted.apply(Call.objects.all()))
    # IN returns rows in any order.
    places = {pk: place for place, pk in enumerate(pks)}
    rows = _rows(Call.objects.with_open_alerts().filter(pk__in=pks))
    rows.sort(key=lambda row: places[row.call.pk])
    more, rows = len(pks) > wanted.size, rows[: wanted.size]
    following = _following(wanted, rows[-1]) if more else ""
    total = _total(wanted, rows, more=more)
    is_more = total is not None and total > SORTED_LIMIT
    total = SORTED_LIMIT if is_more else total
    return BoardPage(rows, following, _first(wanted), total, is_more)


def _following(wanted: Filter, last: BoardRow) -> str:
    if wanted.is_by_age:
        return replace(wanted, before=Place.of(last.call)).address()
    following = replace(wanted, page=wanted.page + 1)
    return following.address() if wanted.page < wanted.pages_limit else ""


def _total(wanted: Filter, rows: list[BoardRow], *, more: bool) -> int | None:
    """Count the matching calls. None for a search, which would scan the archive."""
    if not more and wanted.is_first_page:
        return len(rows)
    if wanted.query:
        return None
    return _count(wanted.apply(Call.objects.all()))


def _first(wanted: Filter) -> int | None:
    if not wanted.is_by_age or wanted.before is None:
        return (wanted.page - 1) * wanted.size + 1
    if wanted.query:
        return None
    # The place is that of the last call on the page before: it is one of those to count.
    calls = wanted.apply(Call.objects.all())
    before = sum(map(_count, after(wanted.before, calls, wanted.sort, backwards=True)))
    return before + 2 if before < SORTED_LIMIT else None


def _count(calls: QuerySet[Call]) -> int:
    # Counting a slice stops at its end, so the cost does not grow with the archive.
    return calls.order_by()[: SORTED_LIMIT + 1].count()


def read_rows(call_ids: Iterable[str], wanted: Filter) -> list[BoardRow]:
    """Return the rows of those of these calls that match the filter, ROWS_LIMIT at most."""
    asked = Call.objects.with_open_alerts().filter(call_id__in=list(call_ids)[:ROWS_LIMIT])
    return _rows(wanted.apply(asked))


def _newest_analysis() -> QuerySet[Analysis]:
    return Analysis.objects.filter(call=OuterRef("pk")).order_by("-version")


def _worst_alert() -> QuerySet[Alert]:
    return Alert.objects.open().filter(call=OuterRef("pk")).order_by("-severity", "-id")


def _rows(calls: QuerySet[Call]) -> list[BoardRow]:
    now = timezone.now()
    latest = Attempt.objects.filter(call=OuterRef("pk")).order_by("-id")
    heard = LiveTranscription.objects.filter(call=OuterRef("pk"))
    opened = CallViewing.objects.filter(call=OuterRef("pk"), alive_until__gte=now)
    found = calls.annotate(
        attempt=Subquery(latest.values("number")[:1]),
        stage=Subquery(latest.values("stage")[:1]),
        outcome=Subquery(latest.values("outcome")[:1]),
        summary=Subquery(_newest_analysis().values("summary")[:1]),
        worst_alert_name=Subquery(_worst_alert().values("name")[:1]),
        last_speaker=Subquery(heard.values("last_speaker")[:1]),
        last_words=Subquery(heard.values("last_words")[:1]),
        is_open=Exists(opened),
    ).prefetch_related("tags", _ON_BOARD)
    mark_held(found)
    return [
        BoardRow(call, call.attempt, call.stage or "", call.outcome or "", now) for call in found
    ]


# Archived calls are too many to count, and so are all calls.
_FIGURE_OF = {
    Phase.LIVE: "live",
    Phase.WAITING: "waiting",
    Phase.ANALYSING: "analysing",
    Phase.RETRYING: "retrying",
    Phase.FAILED: "failed",
}


def tabs(wanted: Filter, figures: Figures) -> list[Tab]:
    """Return a tab for each state. Counts are of the whole site, so a filter hides them."""
    is_counted = not replace(wanted, phase="").narrows
    choices: Sequence[tuple[str, str]] = [("", "All calls"), *Phase.choices]
    tabs = []
    for value, label in choices:
        figure = _FIGURE_OF.get(Phase(value), "") if value and is_counted else ""
        address = wanted.first_page(phase=value).address()
        count = getattr(figures, figure) if figure else None
        tabs.append(Tab(label, address, wanted.phase == value, figure, count))
    return tabs
