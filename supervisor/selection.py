"""The filter and order of the wallboard, read from and written to the address of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any, Self
from urllib.parse import urlencode

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

from calls.annotations import AnnotationRefused, known_tags, normal_tag
from calls.description import DESCRIBED
from calls.models import LASTED, Alert, Call, Severity, Tag
from supervisor.phases import Phase, in_phase

PAGE_SIZE = 50
PAGE_SIZES = (25, 50, 100, 250, 500)
QUERY_LENGTH = 512  # as long as an external id
NAME_LENGTH = 200
# Only the order by age has an index. Any other order sorts this many calls at most, because the
# archive grows without limit.
SORTED_LIMIT = 5000
SEARCHED = ("call_id", *(each.name for each in DESCRIBED if each.is_searched))
# Query parameters of the address, by the field of Filter.
NAMES = {
    "phase": "state",
    "query": "q",
    "queue": "queue",
    "agent": "agent",
    "alert": "alert",
    "tag": "tag",
    "sort": "sort",
    "before": "before",
    "page": "page",
    "size": "rows",
    "wall": "wall",
}


def _alerting(level: str) -> QuerySet[Alert, Any]:
    alerts = Alert.objects.open().order_by()
    if level != ANY_ALERT:
        alerts = alerts.filter(severity=Severity[level.upper()])
    return alerts.values("call")


def _known(field: str) -> Any:
    # As NULL, unknown values can be sorted last in both directions.
    return NullIf(field, Value(""))


_EXPECTED = Cast(F("packet_count") + F("missing_count"), FloatField())
# The sort expression of each name in the address. A leading `-` reverses the order.
SORTS: dict[str, Any] = {
    "opened": F("id"),
    # Live calls last until now, by the clock of the database.
    "duration": Coalesce(LASTED, ExpressionWrapper(Now() - F("opened_at"), models.DurationField())),
    "agent": _known("agent"),
    "queue": _known("queue"),
    "caller": _known("caller"),
    "packets": F("packet_count"),
    "loss": F("missing_count") * 100.0 / NullIf(_EXPECTED, Value(0.0)),
    # Alphabetically, NEGATIVE comes before NEUTRAL and that before POSITIVE.
    "customer": _known("customer_sentiment"),
    "mood": _known("agent_sentiment"),
    "next": F("next_attempt_at"),
    "alert": Subquery(
        Alert.objects.open()
        .filter(call=OuterRef("pk"))
        .order_by("-severity")
        .values("severity")[:1]
    ),
}
NEWEST, WORST_FIRST = "-opened", "-alert"
ANY_ALERT = "1"
ALERTS = (ANY_ALERT, *(level.name.lower() for level in Severity))
BY_AGE = (NEWEST, "opened")


@dataclass(frozen=True)
class Filter:
    """The calls that the address of the page asks for."""

    phase: str = ""
    query: str = ""
    queue: str = ""
    agent: str = ""
    alert: str = ""  # only calls with an open alert: any, or one of this severity
    tag: str = ""
    sort: str = NEWEST
    before: int | None = None
    page: int = 1
    size: int = PAGE_SIZE  # rows on a page
    wall: bool = False

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Self:
        """Read the address. Ignore invalid values."""
        phase, sort = str(query.get("state", "")), str(query.get("sort", ""))
        alert = str(query.get("alert", ""))
        size = _whole_number(str(query.get("rows", "")))
        size = size if size in PAGE_SIZES else PAGE_SIZE
        return cls(
            phase=phase if phase in Phase.values else "",
            query=_text(query, "q", QUERY_LENGTH),
            queue=_text(query, "queue", NAME_LENGTH),
            agent=_text(query, "agent", NAME_LENGTH),
            alert=alert if alert in ALERTS else "",
            tag=_tag(_text(query, "tag", NAME_LENGTH)),
            sort=sort if sort.removeprefix("-") in SORTS else NEWEST,
            before=_whole_number(str(query.get("before", ""))),
            page=min(_whole_number(str(query.get("page", ""))) or 1, _pages_limit(size)),
            size=size,
            wall=str(query.get("wall", "")) == "1",
        )

    @property
    def narrows(self) -> bool:
        return bool(self.phase or self.query or self.queue or self.agent or self.alert or self.tag)

    @property
    def is_by_age(self) -> bool:
        return self.sort in BY_AGE

    @property
    def pages_limit(self) -> int:
        return _pages_limit(self.size)

    @property
    def is_first_page(self) -> bool:
        return self.before is None and self.page == 1

    def apply(self, calls: QuerySet[Call]) -> QuerySet[Call]:
        """Filter the calls, without paging."""
        if self.phase:
            calls = calls.filter(in_phase(self.phase))
        for name in ("queue", "agent"):
            if value := getattr(self, name):
                calls = calls.filter(**{name: value})
        if self.alert:
            # Not a join, which would return a call once for each of its alerts.
            calls = calls.filter(pk__in=_alerting(self.alert))
        if self.tag:
            calls = calls.filter(pk__in=Tag.objects.filter(name=self.tag).order_by().values("call"))
        if self.query:
            matches = (Q(**{f"{name}__icontains": self.query}) for name in SEARCHED)
            calls = calls.filter(reduce(or_, matches))
        return calls

    def cut(self, calls: QuerySet[Call]) -> QuerySet[Call]:
        """Sort, and return this page's calls, plus one more if there is a next page."""
        if self.is_by_age:
            is_newest = self.sort == NEWEST
            if self.before is not None:
                calls = calls.filter(**{"pk__lt" if is_newest else "pk__gt": self.before})
            return calls.order_by("-id" if is_newest else "id")[: self.size + 1]
        first = (self.page - 1) * self.size
        return self._sorted(calls)[first : first + self.size + 1]

    def _sorted(self, calls: QuerySet[Call]) -> QuerySet[Call]:
        """Sort the newest SORTED_LIMIT calls by a column, unknown values last."""
        ids = calls.order_by("-id").values_list("id", flat=True)
        # A limit on keys instead of a slice: a queryset that was sliced cannot be sorted again.
        if oldest := ids[SORTED_LIMIT - 1 : SORTED_LIMIT].first():
            calls = calls.filter(pk__gte=oldest)
        order = models.expressions.OrderBy(
            SORTS[self.sort.removeprefix("-")],
            descending=self.sort.startswith("-"),
            nulls_last=True,
        )
        # The key breaks ties. Without it, rows with equal values could appear on two pages.
        return calls.order_by(order, "-id")

    def newer(self, calls: QuerySet[Call]) -> QuerySet[Call]:
        """Return the calls on the pages before this one, in an order by age."""
        if self.before is None:
            return calls.none()
        return calls.filter(**{f"pk__{'gte' if self.sort == NEWEST else 'lte'}": self.before})

    def first_page(self, **changes: Any) -> Self:
        """Return this filter with changes, at its first page."""
        return replace(self, **{"before": None, "page": 1, **changes})

    def address(self) -> str:
        """Return the query string. Leave out default values."""
        usual = type(self)()
        named = {
            name: int(value) if value is True else value
            for field, name in NAMES.items()
            if (value := getattr(self, field)) != getattr(usual, field)
        }
        return f"?{urlencode(named)}" if named else "?"


def _pages_limit(size: int) -> int:
    return max(1, SORTED_LIMIT // size)


def _text(query: Mapping[str, Any], name: str, length: int) -> str:
    return str(query.get(name, "")).replace("\0", "").strip()[:length]


def _tag(written: str) -> str:
    """Return the normal form of a tag. Keep an invalid tag as written; it matches nothing."""
    try:
        return normal_tag(written)
    except AnnotationRefused:
        return written


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


# Only queues and agents of this many newest calls are offered. Others still work in the address.
CHOICES_FROM = 2000
CHOICES_LIMIT = 500


@dataclass(frozen=True)
class Choices:
    """The options of the lists of queues, agents and tags."""

    queues: list[str]
    agents: list[str]
    tags: list[str]


def read_choices(wanted: Filter) -> Choices:
    """Return the queues and agents of the newest calls, the known tags, and the current choices."""
    newest = list(Call.objects.order_by("-id").values_list("queue", "agent")[:CHOICES_FROM])
    return Choices(
        queues=_offer({queue for queue, _ in newest}, wanted.queue),
        agents=_offer({agent for _, agent in newest}, wanted.agent),
        tags=_offer(set(known_tags()), wanted.tag),
    )


def _offer(names: set[str], chosen: str) -> list[str]:
    known = sorted(names - {""}, key=str.casefold)[:CHOICES_LIMIT]
    # A filter from a bookmark stays selected, even if no recent call has its value.
    return known if not chosen or chosen in known else [chosen, *known]
