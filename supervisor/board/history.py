"""The samples of the last half hour, one per minute, for the charts of the wallboard."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from calls.models import MinuteSample
from calls.visibility import active

SPAN = timedelta(minutes=30)


def read_history(now: datetime | None = None) -> list[MinuteSample]:
    """Return the samples of the last half hour, oldest first.

    They count all calls of the site, so people who do not see all calls get none.
    """
    if not active().is_all:
        return []
    since = (now or timezone.now()) - SPAN
    return list(MinuteSample.objects.filter(at__gte=since).order_by("at"))
