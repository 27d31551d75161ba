"""How many alerts each rule has raised, by day, over the last two weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from calls.models import IS_OPEN, Alert
from calls.models.alert import level_of
from calls.visibility import in_sight

DAYS = 14
BAR, HEIGHT = 10, 28  # units of the drawing


@dataclass(frozen=True)
class Bar:
    """The alerts of a day, as a bar of the drawing."""

    day: date
    count: int
    x: int
    height: int

    @property
    def y(self) -> int:
        return HEIGHT - self.height


@dataclass
class Trend:
    """The alerts of one rule. ``by_day`` has only days with alerts."""

    rule: str
    level: str
    days: Sequence[date]
    by_day: dict[date, int] = field(default_factory=dict)
    open_now: int = 0
    acknowledged: int = 0
    resolved: int = 0

    @property
    def total(self) -> int:
        return sum(self.by_day.values())

    @cached_property
    def counts(self) -> list[int]:
        return [self.by_day.get(day, 0) for day in self.days]

    @property
    def bars(self) -> list[Bar]:
        most = max(self.counts, default=0) or 1
        return [
            # A single alert is visible next to a day with a thousand.
            Bar(day, count, place * BAR, max(2, round(HEIGHT * count / most)) if count else 0)
            for place, (day, count) in enumerate(zip(self.days, self.counts, strict=True))
        ]


@dataclass(frozen=True)
class Trends:
    days: list[date]
    rules: list[Trend]

    @property
    def width(self) -> int:
        return len(self.days) * BAR

    @property
    def height(self) -> int:
        return HEIGHT

    @property
    def totals(self) -> list[int]:
        return [sum(day) for day in zip(*(rule.counts for rule in self.rules), strict=True)]

    @property
    def total(self) -> int:
        return sum(self.totals)


def read_trends() -> Trends:
    """Count the alerts of the last days, the rules with the most of them first."""
    today = timezone.localdate()
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS))]
    begin = timezone.make_aware(datetime.combine(days[0], time.min))
    rows = (
        in_sight(Alert.objects.filter(raised_at__gte=begin), "call__")
        .order_by()
        .annotate(day=TruncDate("raised_at"))
        .values_list("name", "severity", "day")
        .annotate(
            raised=Count("pk"),
            waiting=Count("pk", filter=IS_OPEN),
            acknowledged=Count("pk", filter=Q(acknowledged_at__isnull=False)),
            resolved=Count("pk", filter=Q(acknowledged_at=None, resolved_at__isnull=False)),
        )
    )
    trends: dict[tuple[str, int], Trend] = {}
    for name, severity, day, count, open_now, acknowledged, resolved in rows:
        trend = trends.setdefault((name, severity), Trend(name, level_of(severity), days))
        trend.by_day[day] = count
        trend.open_now += open_now
        trend.acknowledged += acknowledged
        trend.resolved += resolved
    return Trends(days, sorted(trends.values(), key=lambda each: (-each.total, each.rule)))
