"""The figures of a group of calls: number, length, sentiment and alerts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any, Literal, Self

from django.db.models import Count, DateField, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate

from calls.conversation import SPEAKERS
from calls.models import LASTED, Alert, Call
from calls.reports.period import Period
from calls.visibility import in_sight

By = Literal["agent", "queue"]


@dataclass(frozen=True)
class Scope:
    """The calls that a report is about: those opened in ``period``.

    ``agent`` and ``queue`` narrow it to one. An empty name means calls that have none.
    """

    period: Period
    agent: str | None = None
    queue: str | None = None

    def calls(self) -> QuerySet[Call]:
        return in_sight(Call.objects.filter(self.condition()).order_by())

    def alerts(self) -> QuerySet[Alert]:
        """The alerts of these calls, open or not."""
        return in_sight(Alert.objects.filter(self.condition("call__")).order_by(), "call__")

    def condition(self, prefix: str = "") -> Q:
        """Return the condition on calls, or on rows that reach them by ``prefix``."""
        wanted: dict[str, Any] = {
            "opened_at__gte": self.period.begin,
            "opened_at__lt": self.period.end,
        }
        for name in ("agent", "queue"):
            if (value := getattr(self, name)) is not None:
                wanted[name] = value
        return Q(**{f"{prefix}{name}": value for name, value in wanted.items()})


@dataclass(frozen=True)
class Figures:
    """Counts of calls. ``handled`` calls have ended, and took ``handled_s`` seconds in all."""

    calls: int = 0
    handled: int = 0
    handled_s: float = 0.0
    customer_positive: int = 0
    customer_neutral: int = 0
    customer_negative: int = 0
    agent_positive: int = 0
    agent_neutral: int = 0
    agent_negative: int = 0
    alerts: int = 0

    def __add__(self, other: Self) -> Self:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return type(self)(**{name: had + getattr(other, name) for name, had in values.items()})

    @property
    def average_handling_s(self) -> float | None:
        """The average handling time of the calls that have ended."""
        return self.handled_s / self.handled if self.handled else None

    @property
    def judged(self) -> int:
        """The number of calls in which the customer's sentiment is known."""
        return self.customer_positive + self.customer_neutral + self.customer_negative

    @property
    def negative_percent(self) -> float | None:
        """The share of negative customers among calls whose sentiment is known."""
        return 100 * self.customer_negative / self.judged if self.judged else None


def _felt(side: str, sentiment: Call.Sentiment) -> Count:
    return Count("pk", filter=Q(**{f"{side}_sentiment": sentiment}))


_HAS_ENDED = Q(ended_at__isnull=False)
_AGGREGATES = {
    "calls": Count("pk"),
    "handled": Count("pk", filter=_HAS_ENDED),
    "lasted": Sum(LASTED, filter=_HAS_ENDED),
    **{
        f"{side}_{sentiment.label.lower()}": _felt(side, sentiment)
        for side in SPEAKERS
        for sentiment in Call.Sentiment
    },
}


def figures_by(by: By, scope: Scope) -> dict[str, Figures]:
    """Return the figures of each agent or queue that had calls. The empty name stands for none."""
    return _grouped(scope, F(by), F(f"call__{by}"))


def figures_by_day(scope: Scope) -> dict[date, Figures]:
    """Return the figures of every day of the range, those without calls included."""
    zone = scope.period.zone
    found = _grouped(scope, _day("opened_at", zone), _day("call__opened_at", zone))
    return {day: found.get(day, Figures()) for day in scope.period.days}


def figures_of(scope: Scope) -> Figures:
    """Return the figures of all the calls together."""
    row = scope.calls().aggregate(**_AGGREGATES)
    return _figures(row, alerts=scope.alerts().count())


def _day(field: str, zone: Any) -> Any:
    return TruncDate(field, tzinfo=zone, output_field=DateField())


def _grouped(scope: Scope, of_call: Any, of_alert: Any) -> dict[Any, Figures]:
    # Alerts are counted separately: a join would repeat a call for each of its alerts.
    counted = scope.alerts().annotate(group=of_alert).values("group").annotate(n=Count("pk"))
    alerts = defaultdict(int, counted.values_list("group", "n"))
    rows = scope.calls().annotate(group=of_call).values("group").annotate(**_AGGREGATES)
    return {row["group"]: _figures(row, alerts=alerts[row["group"]]) for row in rows}


def _figures(row: Mapping[str, Any], *, alerts: int) -> Figures:
    counts = {each.name: row[each.name] for each in fields(Figures) if each.name in row}
    lasted: timedelta = row["lasted"] or timedelta(0)
    return Figures(**counts, handled_s=lasted.total_seconds(), alerts=alerts)
