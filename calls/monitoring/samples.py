"""Samples how busy the site is, once per minute: a few indexed counts, stored in one row."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet, Sum
from django.utils import timezone

from calls.lifecycle import CallState
from calls.models import Call, MinuteSample

MINUTE = timedelta(minutes=1)
# Several workers sweep close together. Samples of a few seconds would be useless.
SHORTEST = timedelta(seconds=30)
KEPT = timedelta(days=2)


def take_sample(now: datetime | None = None) -> MinuteSample | None:
    """Store a sample of the last minute. Returns None if the previous sample is recent.

    Packets are computed from counters: the packets of live calls and of calls that ended since the
    previous sample, minus the packets that live calls had then. Packets that arrive after the end
    of their call are therefore in no sample.
    """
    now = now or timezone.now()
    before = MinuteSample.objects.order_by("-at").first()
    if before is not None and now - before.at < SHORTEST:
        return None
    MinuteSample.objects.filter(at__lt=now - KEPT).delete()
    since = before.at if before else now - MINUTE
    packets, missing = _totals(Call.objects.live())
    ended_packets, ended_missing = _totals(
        Call.objects.filter(ended_at__gt=since, ended_at__lte=now)
    )
    known = (packets + ended_packets, missing + ended_missing)  # for the first sample
    if before is not None:
        known = (before.live_packets, before.live_missing)
    return MinuteSample.objects.create(
        at=now,
        seconds=(now - since).total_seconds(),
        live=Call.objects.live().count(),
        packets=max(0, packets + ended_packets - known[0]),
        missing=max(0, missing + ended_missing - known[1]),
        archived=_reached(CallState.ARCHIVED, since, now),
        failed=_reached(CallState.FAILED, since, now),
        live_packets=packets,
        live_missing=missing,
    )


def _totals(calls: QuerySet[Call]) -> tuple[int, int]:
    sums = calls.aggregate(
        packets=Sum("packet_count", default=0), missing=Sum("missing_count", default=0)
    )
    return sums["packets"], sums["missing"]


def _reached(state: CallState, since: datetime, now: datetime) -> int:
    reached = Call.objects.filter(state=state, state_changed_at__gt=since)
    return reached.filter(state_changed_at__lte=now).count()
