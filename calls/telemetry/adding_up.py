"""Adds up the counts of all processes, and keeps those of processes that have ended.

Every process reports from the rows alone, this one included: the same sum for everybody, which
never falls. A process that is killed loses the counts of its last seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from calls.clock import database_now
from calls.models import ProcessFigures
from calls.process import this_process
from calls.telemetry import publishing
from calls.telemetry.meters import Stored, read_counts, read_gauges

KEPT = timedelta(minutes=5)
AT_ONCE = 500


@dataclass
class SiteFigures:
    """The sums over all processes, and the state of each that is alive."""

    counts: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    gauges: dict[str, Stored] = field(default_factory=dict)  # by process
    roles: dict[str, str] = field(default_factory=dict)  # by process


def read_site(*, now: datetime | None = None) -> SiteFigures:
    """Return the figures of the site. This costs one query."""
    now, site = now or database_now(), SiteFigures()
    for row in ProcessFigures.objects.all():
        add_counts(site.counts, row.counts)
        if row.pk != ProcessFigures.GONE and row.seen_at > now - publishing.FRESH:
            site.gauges[row.process] = row.gauges
            site.roles[row.process] = row.role
    if not publishing.is_running():  # a command, or a test
        add_counts(site.counts, read_counts())
        site.gauges[this_process()] = read_gauges()
    return site


def add_counts(total: dict[str, dict[str, list[float]]], counts: Stored) -> None:
    """Add the counts of one process."""
    for name, series in counts.items():
        known = total.setdefault(name, {})
        for key, found in series.items():
            known[key] = _sum(known.get(key), found)


def _sum(known: list[float] | None, found: list[float]) -> list[float]:
    # The length differs: the buckets have changed between versions.
    if known is None or len(known) != len(found):
        return list(found)
    return [a + b for a, b in zip(known, found, strict=True)]


def add_gauges(states: Iterable[Stored], name: str) -> Mapping[str, float]:
    """Return the sums of a gauge over all processes that are alive."""
    total: dict[str, float] = {}
    for state in states:
        for key, (value,) in state.get(name, {}).items():
            total[key] = total.get(key, 0.0) + value
    return total


def fold_gone(*, now: datetime | None = None) -> int:
    """Move the counts of processes that have ended into one row. Returns how many they were."""
    now = now or database_now()
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        rows = ProcessFigures.objects.exclude(pk=ProcessFigures.GONE)
        old = rows.filter(seen_at__lt=now - KEPT).select_for_update(skip_locked=skip)
        ended = list(old.order_by("pk")[:AT_ONCE])
        if not ended:
            return 0
        _keep([row.counts for row in ended], now=now)
        rows.filter(pk__in=[row.pk for row in ended]).delete()
    return len(ended)


def _keep(found: Iterable[Stored], *, now: datetime) -> None:
    start = {"process": "gone", "role": "gone", "seen_at": now}
    ProcessFigures.objects.get_or_create(pk=ProcessFigures.GONE, defaults=start)
    gone = ProcessFigures.objects.select_for_update().get(pk=ProcessFigures.GONE)
    for counts in found:
        add_counts(gone.counts, counts)
    gone.seen_at = now
    gone.save(update_fields=["counts", "seen_at"])
