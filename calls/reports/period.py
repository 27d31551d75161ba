"""A range of days in a time zone: its limits in time, its days, and the range before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

MOST_DAYS = 366
USUAL_DAYS = 7
# Databases compare times in UTC, from year 1 to 9999. A range must have a range before it, too.
EARLIEST, LATEST = date(1970, 1, 1), date(9000, 12, 31)
DAY = timedelta(days=1)


class PeriodRefused(ValueError):
    """``field`` names the part of the range that is wrong: ``from``, ``to`` or ``tz``."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True)
class Period:
    """The days from ``first`` to ``last``, both included, as they are in ``zone``."""

    first: date
    last: date
    zone: tzinfo

    @property
    def begin(self) -> datetime:
        return datetime.combine(self.first, time.min, self.zone)

    @property
    def end(self) -> datetime:
        """The start of the day after the last."""
        return datetime.combine(self.last + DAY, time.min, self.zone)

    @property
    def length(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def days(self) -> list[date]:
        return [self.first + DAY * number for number in range(self.length)]

    @property
    def before(self) -> Period:
        """The range of the same length that ends where this one starts."""
        return Period(self.first - DAY * self.length, self.first - DAY, self.zone)


def last_days(days: int, *, now: datetime, zone: tzinfo) -> Period:
    """Return the range of this many days that ends today."""
    today = now.astimezone(zone).date()
    return Period(today - DAY * (days - 1), today, zone)


def read_period(first: str, last: str, *, now: datetime, zone: tzinfo) -> Period:
    """Read a range from two dates. Without dates, it is the last USUAL_DAYS days.

    Raises PeriodRefused with the part that is wrong.
    """
    today = now.astimezone(zone).date()
    end = _read_date("to", last) if last else today
    start = _read_date("from", first) if first else end - DAY * (USUAL_DAYS - 1)
    if start > end:
        raise PeriodRefused("to", f"Must not be before `from`, {start}.")
    if (end - start).days >= MOST_DAYS:
        raise PeriodRefused("from", f"A range has at most {MOST_DAYS} days.")
    return Period(start, end, zone)


def _read_date(field: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise PeriodRefused(field, "Must be a date, such as 2026-01-31.") from None
    if not EARLIEST <= day <= LATEST:
        raise PeriodRefused(field, f"Must be a date from {EARLIEST} to {LATEST}.")
    return day


def read_zone(name: str) -> ZoneInfo:
    """Return the time zone of this name. Raises PeriodRefused."""
    if name not in zone_names():
        raise PeriodRefused("tz", "Must be a time zone, such as Europe/Berlin.")
    return ZoneInfo(name)


@cache
def zone_names() -> frozenset[str]:
    """Return the names of all time zones. The first call reads hundreds of small files."""
    return frozenset(available_timezones())
