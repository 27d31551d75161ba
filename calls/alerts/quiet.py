"""Quiet hours of rules: their notation, and whether a moment lies in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time

from calls.clock import site_time

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_PERIODS = 20
_LINE = re.compile(
    r"(?P<days>[a-z,\s-]+?)(?:\s+(?P<begin>\d{1,2}:\d\d)\s*-\s*(?P<end>\d{1,2}:\d\d))?"
)
_MIDNIGHT = 24 * 60


@dataclass(frozen=True)
class QuietPeriod:
    """A period that begins on each of ``days`` (Monday is 0), in minutes of the day.

    If ``end`` is not after ``begin``, it ends on the next day.
    """

    days: frozenset[int]
    begin: int = 0
    end: int = _MIDNIGHT

    def covers(self, local: datetime) -> bool:
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        began_today = day in self.days and minute >= self.begin
        return began_today or ((day - 1) % 7 in self.days and minute < self.end)


def read_periods(text: str) -> list[QuietPeriod]:
    """Return the periods, one per line. Raises ValueError with a message for the person."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_PERIODS:
        raise ValueError(f"At most {MAX_PERIODS} periods, one per line.")
    return [_read(line) for line in lines]


def is_quiet(text: str, at: datetime) -> bool:
    """Whether a moment lies in these quiet hours, by the clock of the site."""
    local = site_time(at)
    return any(period.covers(local) for period in read_periods(text))


def _read(line: str) -> QuietPeriod:
    match = _LINE.fullmatch(line.lower())
    if match is None:
        raise ValueError(f"“{line[:40]}” is not a period such as Mon-Fri 18:00-08:00 or Sat-Sun.")
    days = frozenset(day for part in match["days"].split(",") for day in _days(part, line))
    if match["begin"] is None:
        return QuietPeriod(days)
    return QuietPeriod(days, _minute(match["begin"], line), _minute(match["end"], line))


def _days(part: str, line: str) -> list[int]:
    names = [name.strip()[:3] for name in part.split("-")]
    if len(names) > 2 or any(name not in DAYS for name in names):
        raise ValueError(f"The days in “{line[:40]}” must be like Mon, Mon-Fri or Mon,Wed.")
    first, last = DAYS.index(names[0]), DAYS.index(names[-1])
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _minute(text: str, line: str) -> int:
    hour, minute = map(int, text.split(":"))
    if (hour, minute) == (24, 0):
        return _MIDNIGHT
    try:
        return time(hour, minute).hour * 60 + minute
    except ValueError as error:
        raise ValueError(f"The times in “{line[:40]}” must be from 00:00 to 24:00.") from error
