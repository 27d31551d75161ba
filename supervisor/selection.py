"""The filter and order of the wallboard, read from and written to the address of the page."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import chain, islice
from operator import or_
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Replace
from django.http import QueryDict

from calls.annotations import AnnotationRefused, known_tags, normal_tag
from calls.description import DESCRIBED
from calls.holds.selection import on_hold
from calls.models import Alert, BulkItem, Call, CustomField, FieldValue, Severity, Tag
from calls.visibility import in_sight
from supervisor.days import day_of, is_day, start_of, zone_of
from supervisor.ordering import (
    BY_AGE,
    LIVE_FIRST,
    ORDERS,
    RENAMED,
    SORTED_LIMIT,
    Place,
    after,
    sort_newest,
)
from supervisor.phases import Phase, in_phase
from supervisor.preferences import active

PAGE_SIZE = 50
PAGE_SIZES = (25, 50, 100, 250, 500)
QUERY_LENGTH = 512  # as long as an external id
NAME_LENGTH = 200
ANY_ALERT = "1"
ALERTS = (ANY_ALERT, *(level.name.lower() for level in Severity))
ANY_TROUBLE = "any"
TROUBLES = (ANY_TROUBLE, *Call.SoundTrouble.values)
SEARCHED = ("call_id", *(each.name for each in DESCRIBED if each.is_searched))
NUMBERS = ("caller",)  # searched without the spaces in them
# Query parameters of the address, by the field of Filter.
NAMES = {
    "phase": "state",
    "query": "q",
    "queue": "queue",
    "mine": "mine",
    "agent": "agent",
    "alert": "alert",
    "tag": "tag",
    "trouble": "trouble",
    "hold": "hold",
    "customer": "customer",
    "day_from": "from",
    "day_to": "to",
    "zone": "tz",
    "bulk": "bulk",
    "sort": "sort",
    "before": "before",
    "page": "page",
    "size": "rows",
    "columns": "columns",
}
NARROWING = (
    "phase", "query", "queue", "agent", "alert", "tag", "trouble", "hold", "customer", "day_from",
    "day_to", "bulk", "mine",
)  # fmt: skip
# What people write between the digits of a phone number.
_SEPARATORS = " -.()/"
_NUMBER = re.compile(rf"\+?[0-9{re.escape(_SEPARATORS)}]+\Z", re.ASCII)
_COLUMNS = re.compile(r"[a-z_,]{1,200}\Z", re.ASCII)


@dataclass(frozen=True)
class Filter:
    """The calls that the address of the page asks for, and how it shows them."""

    phase: str = ""
    query: str = ""
    queue: str = ""
    mine: str = ""  # "1": only calls of the reader's own queues
    agent: str = ""
    alert: str = ""  # only calls with an open alert: any, or one of this severity
    tag: str = ""
    trouble: str = ""  # only calls with trouble with the sound: any, or one of this kind
    hold: str = ""  # "1": only calls that a legal hold keeps
    customer: str = ""  # the sentiment of the customer
    day_from: str = ""
    day_to: str = ""
    zone: str = ""  # of the days
    bulk: int | None = None  # only calls on which this bulk action was carried out
    sort: str = LIVE_FIRST
    before: Place | None = None
    page: int = 1
    size: int = PAGE_SIZE  # rows on a page
    columns: str = ""  # separated by commas; empty: the usual ones

    @classmethod
    def from_query(cls, query: Mapping[str, Any]) -> Self:
        """Read the address. Ignore invalid values."""
        size = _whole_number(_text(query, "rows", 20))
        size = size if size in PAGE_SIZES else PAGE_SIZE
        columns, sort = _columns(query), _text(query, "sort", 40)
        sort = RENAMED.get(sort, sort)
        days = [_text(query, name, 20) for name in ("from", "to")]
        return cls(
            phase=_one_of(query, "state", Phase.values),
            query=_text(query, "q", QUERY_LENGTH),
            queue=_text(query, "queue", NAME_LENGTH),
            mine=_one_of(query, "mine", ["1"]),
            agent=_text(query, "agent", NAME_LENGTH),
            alert=_one_of(query, "alert", ALERTS),
            trouble=_one_of(query, "trouble", TROUBLES),
            hold=_one_of(query, "hold", ["1"]),
            tag=_tag(_text(query, "tag", NAME_LENGTH)),
            customer=_one_of(query, "customer", Call.Sentiment.values),
            day_from=days[0] if is_day(days[0]) else "",
            day_to=days[1] if is_day(days[1]) else "",
            zone=_text(query, "tz", 64) if any(is_day(day) for day in days) else "",
            bulk=_whole_number(_text(query, "bulk", 20)),
            sort=sort if sort in ORDERS else LIVE_FIRST,
            before=Place.read(_text(query, "before", 50)),
            page=min(_whole_number(_text(query, "page", 20)) or 1, _pages_limit(size)),
            size=size,
            columns=columns,
        )

    @property
    def narrows(self) -> bool:
        return any(getattr(self, name) for name in NARROWING)

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
        """Filter the calls, without paging. Calls out of sight are left out."""
        calls = in_sight(calls)
        if self.phase:
            calls = calls.filter(in_phase(self.phase))
        # Keys from subqueries instead of joins, which would return a call once for each match.
        if self.alert:
            calls = calls.filter(pk__in=_alerting(self.alert))
        if self.mine:
            calls = calls.filter(queue__in=active().queues)
        if self.tag:
            calls = calls.filter(pk__in=_tagged(self.tag))
        if self.trouble:
            kind = "" if self.trouble == ANY_TROUBLE else self.trouble
            calls = calls.filter(pk__in=Call.objects.with_sound_trouble(kind).values("pk"))
        if self.hold:
            calls = calls.filter(self._on_hold)
        if self.bulk is not None:
            calls = calls.filter(call_id__in=_acted_on(self.bulk))
        if self.customer:
            calls = calls.filter(customer_sentiment=self.customer)
        if _digits(self.query):
            calls = calls.alias(**{f"bare_{name}": _bare(name) for name in NUMBERS})
        return calls.filter(self._named, self._opened, self._searched)

    @cached_property
    def _named(self) -> Q:
        # Kept, because an exact name is looked up first, and a page applies the filter repeatedly.
        wanted = {name: getattr(self, name) for name in ("queue", "agent") if getattr(self, name)}
        return reduce(Q.__and__, (named(name, text) for name, text in wanted.items()), Q())

    @cached_property
    def _on_hold(self) -> Q:
        return on_hold()

    @property
    def _opened(self) -> Q:
        zone, found = zone_of(self.zone), Q()
        if first := day_of(self.day_from, zone):
            found &= Q(opened_at__gte=start_of(first, zone))
        if last := day_of(self.day_to, zone):
            found &= Q(opened_at__lt=start_of(last, zone, days=1))
        return found

    @cached_property
    def _searched_fields(self) -> list[str]:
        """The custom fields that are searched. Usually there are none, and no table is read."""
        return list(CustomField.objects.filter(is_searched=True).values_list("name", flat=True))

    @property
    def _searched(self) -> Q:
        if not self.query:
            return Q()
        matches = [Q(**{f"{name}__icontains": self.query}) for name in SEARCHED]
        if searched := self._searched_fields:
            values = FieldValue.objects.filter(
                field__name__in=searched, value__icontains=self.query
            )
            matches.append(Q(pk__in=values.order_by().values("call")))
        if digits := _digits(self.query):
            matches += [Q(**{f"bare_{name}__contains": digits}) for name in NUMBERS]
        return reduce(or_, matches)

    def page_of(self, calls: QuerySet[Call]) -> list[int]:
        """Sort, and return the keys of this page, plus one more if there is a next page."""
        if self.is_by_age:
            portions = (
                portion.values_list("pk", flat=True)[: self.size + 1]
                for portion in after(self.before, calls, self.sort)
            )
            # Lazily: the next portion is not read if the first one fills the page.
            return list(islice(chain.from_iterable(portions), self.size + 1))
        first = (self.page - 1) * self.size
        keys = sort_newest(calls, self.sort).values_list("pk", flat=True)
        return list(keys[first : first + self.size + 1])

    def first_page(self, **changes: Any) -> Self:
        """Return this filter with changes, at its first page."""
        return replace(self, **{"before": None, "page": 1, **changes})

    def address(self) -> str:
        """Return the query string. Leave out default values."""
        return f"?{self.query_string}"

    @property
    def query_string(self) -> str:
        return urlencode(self.pairs())

    def pairs(self, *, without: Container[str] = ()) -> list[tuple[str, str]]:
        """Return the parameters of the address, except those of some fields."""
        usual = type(self)()
        return [
            (name, str(value))
            for field, name in NAMES.items()
            if field not in without and (value := getattr(self, field)) != getattr(usual, field)
        ]


def named(field: str, text: str) -> Q:
    """Match calls by a name that somebody typed: exactly, or else any that contains it.

    An exact name is the usual case, because lists offer them, and it has an index.
    """
    return Q(**{field if is_name(field, text) else f"{field}__icontains": text})


def is_name(field: str, text: str) -> bool:
    """Return whether a call has exactly this name."""
    return in_sight(Call.objects.filter(**{field: text})).exists()


def _alerting(level: str) -> QuerySet[Alert, Any]:
    alerts = Alert.objects.open().order_by()
    if level != ANY_ALERT:
        alerts = alerts.filter(severity=Severity[level.upper()])
    return alerts.values("call")


def _tagged(text: str) -> QuerySet[Tag, Any]:
    exact = Tag.objects.filter(name=text).order_by()
    found = exact if exact.exists() else Tag.objects.filter(name__icontains=text).order_by()
    return found.values("call")


def _acted_on(action: int) -> QuerySet[BulkItem, Any]:
    done = BulkItem.objects.filter(action=action, outcome=BulkItem.Outcome.DONE)
    return done.order_by().values("call_id")


def _digits(text: str) -> str:
    """Return the digits of a text that looks like part of a phone number, or nothing."""
    digits = "".join(filter(str.isdigit, text)) if _NUMBER.match(text) else ""
    return digits if len(digits) >= 3 else ""


def _bare(field: str) -> Any:
    """A phone number without separators."""
    text: Any = F(field)
    for sign in _SEPARATORS:
        text = Replace(text, Value(sign))
    return text


def _pages_limit(size: int) -> int:
    return max(1, SORTED_LIMIT // size)


def _text(query: Mapping[str, Any], name: str, length: int) -> str:
    return str(query.get(name, "")).replace("\0", "").strip()[:length]


def _one_of(query: Mapping[str, Any], name: str, choices: Iterable[str]) -> str:
    text = str(query.get(name, ""))
    return text if text in choices else ""


def _columns(query: Mapping[str, Any]) -> str:
    """Return the names of columns, separated by commas. A form sends each as a value of its own."""
    given = query.getlist("columns") if isinstance(query, QueryDict) else [query.get("columns", "")]
    text = ",".join(map(str, given))
    return text if _COLUMNS.match(text) else ""


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
    """The names that the filters of queue, agent and tag offer."""

    queues: list[str]
    agents: list[str]
    tags: list[str]


def read_choices() -> Choices:
    """Return the queues and agents of the newest calls, and the known tags."""
    recent = in_sight(Call.objects.order_by("-id"))
    newest = list(recent.values_list("queue", "agent")[:CHOICES_FROM])
    return Choices(
        queues=_offer({queue for queue, _ in newest}),
        agents=_offer({agent for _, agent in newest}),
        tags=_offer(set(known_tags())),
    )


def _offer(names: set[str]) -> list[str]:
    return sorted(names - {""}, key=str.casefold)[:CHOICES_LIMIT]
