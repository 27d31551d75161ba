"""The orders of the wallboard: what each name in the address sorts by, and how its pages follow.

Orders by age have an index, so their pages continue from the place of the last call. Any other
order sorts the newest SORTED_LIMIT calls, because the archive grows without limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import (
    ExpressionWrapper,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Now, NullIf

from calls.lifecycle import CallState
from calls.models import LASTED, Alert, Call

SORTED_LIMIT = 5000


def _known(field: str) -> Any:
    # As NULL, unknown values can be sorted last in both directions.
    return NullIf(field, Value(""))


_EXPECTED = Cast(F("packet_count") + F("missing_count"), FloatField())
# The sort expression of each name in the address. A leading `-` reverses the order.
SORTS: dict[str, Any] = {
    "opened": F("opened_at"),
    # Live calls have lasted until now, by the clock of the database.
    "duration": Coalesce(LASTED, ExpressionWrapper(Now() - F("opened_at"), models.DurationField())),
    "agent": _known("agent"),
    "queue": _known("queue"),
    "caller": _known("caller"),
    "packets": F("packet_count"),
    "loss": F("missing_count") * 100.0 / NullIf(_EXPECTED, Value(0.0)),
    # Alphabetically, NEGATIVE comes before NEUTRAL and that before POSITIVE.
    "customer": _known("customer_sentiment"),
    "sentiment": _known("agent_sentiment"),
    "next": F("next_attempt_at"),
    "alert": Subquery(
        Alert.objects.open()
        .filter(call=OuterRef("pk"))
        .order_by("-severity")
        .values("severity")[:1]
    ),
}
# Names in older bookmarks.
RENAMED = {"mood": "sentiment", "-mood": "-sentiment"}
LIVE_FIRST, NEWEST, OLDEST, WORST_FIRST = "live", "-opened", "opened", "-alert"
BY_AGE = (LIVE_FIRST, NEWEST, OLDEST)
ORDERS = frozenset({LIVE_FIRST, *SORTS, *(f"-{name}" for name in SORTS)})
_LIVE = Q(state=CallState.IN_PROGRESS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """The place of a call in an order by age. It stays the same while the call changes."""

    is_live: bool
    opened_at: datetime
    pk: int

    @classmethod
    def of(cls, call: Call) -> Self:
        return cls(call.is_live, call.opened_at, call.pk)

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read a place from an address; None if it is not valid."""
        opened, _, pk = text.removeprefix("live-").partition("-")
        if not all(each.isascii() and each.isdigit() and len(each) < 19 for each in (opened, pk)):
            return None
        try:
            opened_at = _EPOCH + timedelta(microseconds=int(opened))
        except OverflowError:
            return None
        return cls(text.startswith("live-"), opened_at, int(pk))

    def __str__(self) -> str:
        opened = (self.opened_at - _EPOCH) // timedelta(microseconds=1)
        return f"{'live-' if self.is_live else ''}{opened}-{self.pk}"


def after(
    place: Place | None, calls: QuerySet[Call], sort: str, *, backwards: bool = False
) -> Iterator[QuerySet[Call]]:
    """Yield the calls after a place in an order by age, from the nearest on.

    They come in portions, one for each section of the order. ``backwards`` gives the calls before
    the place instead. Without a place, all calls are after it.
    """
    is_falling = (sort == OLDEST) == backwards
    sections = [None] if sort != LIVE_FIRST else [False, True] if backwards else [True, False]
    is_reached = place is None
    for is_live in sections:
        # Not `state IN`, for which SQLite would leave the index by age and sort the archive.
        section = calls if is_live is None else calls.filter(_LIVE if is_live else ~_LIVE)
        if place is not None and is_live in (None, place.is_live):
            is_reached = True
            section = section.filter(_beyond(place, is_falling=is_falling))
        if is_reached:
            yield section.order_by(*(("-opened_at", "-id") if is_falling else ("opened_at", "id")))


def _beyond(place: Place, *, is_falling: bool) -> Q:
    to = "lt" if is_falling else "gt"
    # The first condition alone can use the index.
    return Q(**{f"opened_at__{to}e": place.opened_at}) & (
        Q(**{f"opened_at__{to}": place.opened_at}) | Q(**{f"pk__{to}": place.pk})
    )


def sort_newest(calls: QuerySet[Call], sort: str) -> QuerySet[Call]:
    """Sort the newest SORTED_LIMIT calls by a column, unknown values last."""
    ids = calls.order_by("-id").values_list("id", flat=True)
    # A limit on keys instead of a slice: a queryset that was sliced cannot be sorted again.
    if oldest := ids[SORTED_LIMIT - 1 : SORTED_LIMIT].first():
        calls = calls.filter(pk__gte=oldest)
    order = models.expressions.OrderBy(
        SORTS[sort.removeprefix("-")], descending=sort.startswith("-"), nulls_last=True
    )
    # The key breaks ties. Without it, rows with equal values could appear on two pages.
    return calls.order_by(order, "-id")
