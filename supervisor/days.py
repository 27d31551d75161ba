"""Days in the address of a page: a date, or a relative day such as ``today`` or ``-6``."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.utils import timezone

AGO = {"today": 0, "yesterday": 1}
_DAYS_AGO = re.compile(r"-[0-9]{1,4}\Z", re.ASCII)


def is_day(text: str) -> bool:
    return text in AGO or bool(_DAYS_AGO.match(text)) or _date(text) is not None


def day_of(text: str, zone: tzinfo) -> date | None:
    """Return the date that a text means today: a date, ``today``, ``yesterday`` or ``-6``."""
    if text in AGO or _DAYS_AGO.match(text):
        ago = AGO[text] if text in AGO else -int(text)
        return timezone.localdate(timezone=zone) - timedelta(days=ago)
    return _date(text)


def start_of(day: date, zone: tzinfo, *, days: int = 0) -> datetime:
    """Return the first moment of a day, or of the day this many ``days`` later."""
    return datetime.combine(day + timedelta(days=days), time.min, zone)


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name, or the current one if there is none of that name."""
    try:
        return ZoneInfo(name) if name else timezone.get_current_timezone()
    except (ValueError, OSError, KeyError):
        return timezone.get_current_timezone()


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    # At the ends of the calendar, time zones lead out of it.
    return found if date(1970, 1, 1) <= found <= date(9000, 1, 1) else None
