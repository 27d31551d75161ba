"""How dates and times look, in the format that the reader chose. times.js writes the same."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from calls.models import Preferences
from supervisor import preferences


class Format(NamedTuple):
    """Formats of ``strftime``: a time of day, a day with its time, all of it, and a date."""

    time: str
    day: str
    whole: str
    date: str


Dates = Preferences.Dates
FORMATS: dict[str, Format] = {
    Dates.BRITISH: Format("%H:%M:%S", "%d %b %H:%M", "%d %b %Y, %H:%M:%S", "%d %b %Y"),
    Dates.AMERICAN: Format("%I:%M:%S %p", "%b %d %I:%M %p", "%b %d, %Y, %I:%M:%S %p", "%b %d, %Y"),
    Dates.GERMAN: Format("%H:%M:%S", "%d.%m. %H:%M", "%d.%m.%Y, %H:%M:%S", "%d.%m.%Y"),
    Dates.FRENCH: Format("%H:%M:%S", "%d/%m %H:%M", "%d/%m/%Y, %H:%M:%S", "%d/%m/%Y"),
    Dates.ISO: Format("%H:%M:%S", "%m-%d %H:%M", "%Y-%m-%d, %H:%M:%S", "%Y-%m-%d"),
}


def short_time(local: datetime) -> str:
    return local.strftime(_format().time)


def short_minute(local: datetime) -> str:
    return local.strftime(_format().time.replace(":%S", ""))


def short_day(local: datetime) -> str:
    return local.strftime(_format().day)


def whole(local: datetime) -> str:
    return local.strftime(_format().whole)


def long_day(day: date) -> str:
    return day.strftime(_format().date)


def _format() -> Format:
    # A row may hold a format that a later version no longer has.
    return FORMATS.get(preferences.active().dates, FORMATS[Dates.BRITISH])
