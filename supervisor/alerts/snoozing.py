"""Until when an alert is snoozed, as chosen in the form of the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from calls.alerts.handling import BadSnooze

MINUTES = ("15", "60")


def read_until(form: Mapping[str, Any], *, now: datetime) -> datetime:
    """Return the time that a form asks for: ``minutes`` from now, or ``until`` a time of day.

    ``zone`` names the time zone of the reader, if a script knows it. Raises BadSnooze.
    """
    if (minutes := form.get("minutes")) in MINUTES:
        return now + timedelta(minutes=int(minutes))
    try:
        wanted = time.fromisoformat(str(form.get("until", "")))
    except ValueError:
        raise BadSnooze("Choose a time, such as 17:30.") from None
    local = now.astimezone(_zone(str(form.get("zone", ""))))
    until = local.replace(
        hour=wanted.hour, minute=wanted.minute, second=wanted.second, microsecond=0
    )
    return until if until > local else until + timedelta(days=1)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else timezone.get_current_timezone()
    except (ValueError, OSError, KeyError):
        return timezone.get_current_timezone()
