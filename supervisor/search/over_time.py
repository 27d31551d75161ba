"""How many calls a search finds over time, as bars of a chart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from math import ceil

from calls.search.find import COUNT_LIMIT, Search

LEAST_BARS, MOST_BARS = 14, 62
UNITS = (1, 7, 28)  # days of a bar
WIDTH, HEIGHT = 10, 60


@dataclass(frozen=True)
class Bar:
    """The calls of some days, and the place of the bar in the chart."""

    first: date
    last: date
    calls: int
    x: int
    height: float

    @property
    def y(self) -> float:
        return HEIGHT - self.height

    @property
    def middle(self) -> float:
        return self.x + WIDTH / 2


@dataclass(frozen=True)
class OverTime:
    """The bars up to the last day with a call. ``is_cut``: older calls are left out.

    ``unit`` is the number of days of a bar.
    """

    bars: list[Bar]
    unit: int
    is_cut: bool
    height: int = HEIGHT

    @property
    def width(self) -> int:
        return WIDTH * len(self.bars)

    @property
    def most(self) -> int:
        return max((bar.calls for bar in self.bars), default=0)


def read_over_time(search: Search, zone: tzinfo) -> OverTime:
    """Count the newest COUNT_LIMIT calls that are found by the days on which they were opened."""
    moments = list(search.matching.values_list("opened_at", flat=True)[: COUNT_LIMIT + 1])
    days = [moment.astimezone(zone).date() for moment in moments[:COUNT_LIMIT]]
    if not days:
        return OverTime([], 1, is_cut=False)
    last = max(days)
    first = min(*days, last - timedelta(days=LEAST_BARS - 1))
    span = (last - first).days + 1
    usual = (unit for unit in UNITS if span <= unit * MOST_BARS)
    unit = next(usual, ceil(span / MOST_BARS))
    counts = Counter((day - first).days // unit for day in days)
    bars = [
        _bar(first + timedelta(days=at * unit), unit, counts[at], at, most=max(counts.values()))
        for at in range(ceil(span / unit))
    ]
    return OverTime(bars, unit, is_cut=len(moments) > COUNT_LIMIT)


def _bar(first: date, unit: int, calls: int, at: int, *, most: int) -> Bar:
    height = round(calls / most * HEIGHT, 1)
    # One call among many is still to be seen.
    height = max(height, 2.0) if calls else 0.0
    return Bar(first, first + timedelta(days=unit - 1), calls, at * WIDTH, height)
