"""The database's clock, on which processes of several machines agree, and the site's time zone."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.utils import timezone


def database_now() -> datetime:
    """Return the time by the clock of PostgreSQL; SQLite has that of the machine."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def site_time(moment: datetime) -> datetime:
    """Return a moment in the time zone of the site, also for a person who has another one."""
    return timezone.localtime(moment, timezone.get_default_timezone())


def site_midnight(now: datetime) -> datetime:
    """Return when today began in the time zone of the site."""
    return site_time(now).replace(hour=0, minute=0, second=0, microsecond=0)
