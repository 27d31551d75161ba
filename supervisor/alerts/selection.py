"""The filter of the alerts page, read from and written to its address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils import timezone

from calls.models import Alert, AlertRule, Severity
from calls.visibility import in_sight

NAME_LENGTH = 200
# Lists offer the agents and queues of this many newest alerts. DISTINCT would read all of them.
CHOICES_FROM = 2_000
LEVELS = [(level.name.lower(), level.label) for level in reversed(Severity)]
OPEN, MINE, ALL = "open", "mine", "all"
SHOWN = (OPEN, MINE, "snoozed", "acknowledged", "resolved", ALL)
# Query parameters of the address, by the field of AlertSelection.
NAMES = {
    "show": "show",
    "severity": "severity",
    "rule": "rule",
    "agent": "agent",
    "queue": "queue",
    "call": "call",
    "since": "from",
    "until": "to",
    "before": "before",
}
NARROWING = ("severity", "rule", "agent", "queue", "call", "since", "until")


@dataclass(frozen=True)
class Offers:
    """The rules, agents and queues to choose from."""

    rules: list[str]
    agents: list[str]
    queues: list[str]


@dataclass(frozen=True)
class AlertSelection:
    """The alerts that the address of the page asks for. ``me`` is the current user."""

    me: str = ""
    show: str = OPEN
    severity: str = ""
    rule: str = ""
    agent: str = ""
    queue: str = ""
    call: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None
    offers: Offers | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, Any], *, me: str, offers: Offers) -> Self:
        """Read the address. Ignore invalid values."""
        severity, show = str(query.get("severity", "")), str(query.get("show", ""))
        before = str(query.get("before", ""))
        # isascii: "²" is a digit as well, but not for int(). 18 digits fit any key of 64 bits.
        is_number = before.isascii() and before.isdigit() and len(before) < 19
        return cls(
            me=me,
            show=show if show in SHOWN else OPEN,
            severity=severity if severity in dict(LEVELS) else "",
            rule=_text(query, "rule"),
            agent=_text(query, "agent"),
            queue=_text(query, "queue"),
            call=_text(query, "call"),
            since=_day_text(query, "from"),
            until=_day_text(query, "to"),
            before=int(before) if is_number else None,
            offers=offers,
        )

    @property
    def narrows(self) -> bool:
        return any(getattr(self, name) for name in NARROWING)

    @property
    def narrowed_by(self) -> int:
        """How many fields of the filter are set."""
        return sum(bool(getattr(self, name)) for name in NARROWING)

    def apply(self, alerts: Any) -> QuerySet[Alert]:
        """Filter the alerts, without paging. Those of calls out of sight are left out."""
        alerts = self._in_state(in_sight(alerts, "call__"))
        if self.severity:
            alerts = alerts.filter(severity=Severity[self.severity.upper()])
        offers = self.offers or Offers([], [], [])
        for field, typed, offered in (
            ("name", self.rule, offers.rules),
            ("call__agent", self.agent, offers.agents),
            ("call__queue", self.queue, offers.queues),
        ):
            if typed:
                alerts = alerts.filter(**{f"{field}__in": names_like(typed, offered)})
        if self.call:
            alerts = alerts.filter(call__call_id=self.call)
        if self.since:
            alerts = alerts.filter(raised_at__gte=_start_of(self.since))
        if self.until:
            alerts = alerts.filter(raised_at__lt=_start_of(self.until, days=1))
        return alerts  # type: ignore[no-any-return]

    def _in_state(self, alerts: Any) -> Any:
        if self.show == MINE:
            # SQLite takes the index only for a query that repeats its condition.
            return alerts.unhandled().filter(assigned_to=self.me).exclude(assigned_to="")
        return alerts if self.show == ALL else alerts.in_state(self.show)

    def address(self, **changes: Any) -> str:
        """Return the query string with these changes. Leave out default values."""
        wanted, usual = replace(self, **changes), type(self)()
        named = {
            name: value
            for field, name in NAMES.items()
            if (value := getattr(wanted, field)) != getattr(usual, field)
        }
        return f"?{urlencode(named)}" if named else "?"

    def showing(self, name: str) -> Self:
        """The first page of the alerts in another state, with the same filter."""
        return replace(self, show=name, before=None)

    @property
    def newest_address(self) -> str:
        return self.address(before=None)

    @property
    def cleared_address(self) -> str:
        return type(self)(show=self.show).address()

    @property
    def adjective(self) -> str:
        """The adjective for the word "alerts"."""
        return {MINE: "assigned", ALL: ""}.get(self.show, self.show)

    def in_words(self) -> Iterator[str]:
        """Yield the conditions of the filter in words."""
        if self.show != ALL:
            yield {MINE: "assigned to you"}.get(self.show, f"state is {self.show}")
        for name in ("severity", "rule", "agent", "queue", "call"):
            if value := getattr(self, name):
                yield f"{name} is {value}"
        if self.since:
            yield f"raised on {self.since} or later"
        if self.until:
            yield f"raised on {self.until} or earlier"


def names_like(typed: str, offered: Iterable[str]) -> list[str]:
    """Return the names that a text means: exactly it, or else those that contain it."""
    wanted = typed.casefold()
    names = [name for name in offered if name.casefold() == wanted]
    return names or [name for name in offered if wanted in name.casefold()] or [typed]


def read_offers() -> Offers:
    recent = in_sight(Alert.objects.order_by("-id"), "call__")
    newest = recent.values_list("name", "call__agent", "call__queue")
    rows = list(newest[:CHOICES_FROM])
    rules = AlertRule.objects.values_list("name", flat=True)
    return Offers(
        rules=_sorted([*rules, *(row[0] for row in rows)]),
        agents=_sorted(row[1] for row in rows),
        queues=_sorted(row[2] for row in rows),
    )


def _sorted(names: Iterable[str]) -> list[str]:
    return sorted({*names} - {""}, key=str.casefold)


def _text(query: Mapping[str, Any], name: str) -> str:
    # PostgreSQL cannot store or compare a text with a NUL.
    return str(query.get(name, "")).replace("\0", "").strip()[:NAME_LENGTH]


def _day_text(query: Mapping[str, Any], name: str) -> str:
    try:
        day = date.fromisoformat(_text(query, name))
    except ValueError:
        return ""
    # At the ends of the calendar, time zones lead out of it.
    return str(day) if 1970 <= day.year <= 9000 else ""


def _start_of(day: str, *, days: int = 0) -> datetime:
    begin = datetime.combine(date.fromisoformat(day) + timedelta(days=days), time.min)
    return timezone.make_aware(begin)
