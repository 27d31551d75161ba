"""The figures above the wallboard, read from indexes without a scan of the archive.

Each web process reads them once a second while somebody looks, so they are counters and few rows.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Avg, Count, Max, Min, Q, Sum
from django.utils import timezone

from calls.analysis.live.status import LiveStatus, read_live_status
from calls.analysis.status import AnalysisStatus, read_status
from calls.clock import site_midnight
from calls.lifecycle import CallState
from calls.models import LASTED, Alert, Call, Severity
from calls.models.alert import level_of
from calls.visibility import Sight, active, in_sight
from supervisor.phases import Phase, in_phase

PACE_S = 60
MEDIAN_OVER = timedelta(minutes=30)
MEDIAN_LIMIT = 500


@dataclass(frozen=True)
class Figures:
    """The figures of the whole site.

    Packets and loss cover live calls, and so does ``negative``, which counts those with an unhappy
    customer. ``longest_since`` is when the longest of them was opened. ``handling_s`` is the mean
    duration of the calls that ended today. ``archive_s`` is the median time from the end of a call
    to the archive over the last half hour. ``held`` calls wait for a provider that is down.
    ``open_alerts`` counts up to COUNTED, the worst first; ``critical`` and the others are parts.
    ``live_transcription`` says how many live calls are transcribed, and how far behind.
    ``standing`` changes whenever the status of the analysis does; pages then fetch it again.
    """

    live: int
    negative: int
    longest_since: datetime | None
    waiting: int
    analysing: int
    retrying: int
    failed: int
    archived_today: int
    handling_s: float | None
    packets_per_s: float
    missing: int
    loss_percent: float
    archive_s: float | None
    held: int
    standing: str
    open_alerts: int
    critical: int
    warning: int
    notice: int
    worst_alert: str
    live_transcription: LiveStatus

    def as_json(self) -> dict[str, Any]:
        since = self.longest_since and self.longest_since.isoformat()
        return {**asdict(self), "longest_since": since}


def read_figures(status: AnalysisStatus | None = None) -> Figures:
    now, status = timezone.now(), status or read_status()
    # `state IN` can use the index; `NOT state =` cannot.
    open_states = [state for state in CallState.values if state != CallState.ARCHIVED]
    live = in_phase(Phase.LIVE)
    # One pass for all of them: each web process counts once a second.
    counted = in_sight(Call.objects.filter(state__in=open_states)).aggregate(
        live=Count("pk", filter=live),
        negative=Count("pk", filter=live & Q(customer_sentiment=Call.Sentiment.NEGATIVE)),
        longest_since=Min("opened_at", filter=live),
        waiting=Count("pk", filter=in_phase(Phase.WAITING)),
        analysing=Count("pk", filter=in_phase(Phase.ANALYSING)),
        retrying=Count("pk", filter=in_phase(Phase.RETRYING)),
        failed=Count("pk", filter=in_phase(Phase.FAILED)),
        missing=Sum("missing_count", filter=live, default=0),
        received=Sum("packet_count", filter=live, default=0),
    )
    expected = counted.pop("received") + counted["missing"]
    alerts = read_open()
    return Figures(
        **counted,
        loss_percent=round(100 * counted["missing"] / expected, 2) if expected else 0.0,
        archived_today=_archived(since=site_midnight(now)).count(),
        handling_s=_handling_of(active()).read(now),
        packets_per_s=_pace(now),
        archive_s=_median_archive_s(now),
        held=status.held if active().is_all else 0,
        standing=status.mark,
        open_alerts=alerts.count,
        critical=alerts.critical,
        warning=alerts.warning,
        notice=alerts.notice,
        worst_alert=alerts.level,
        live_transcription=read_live_status(now=now) if active().is_all else LiveStatus(),
    )


def _archived(*, since: datetime) -> Any:
    return in_sight(Call.objects.filter(state=CallState.ARCHIVED, state_changed_at__gte=since))


def _median_archive_s(now: datetime) -> float | None:
    """Return the median seconds from end to archive, over the newest MEDIAN_LIMIT calls."""
    newest = _archived(since=now - MEDIAN_OVER).exclude(ended_at=None).order_by("-state_changed_at")
    times = newest.values_list("ended_at", "state_changed_at")[:MEDIAN_LIMIT]
    spans = [(archived_at - ended_at).total_seconds() for ended_at, archived_at in times]
    return round(median(spans), 1) if spans else None


class HandlingTime:
    """The mean duration of the calls that ended today.

    Unlike the other figures it reads a row for each of them. It is therefore kept for EVERY_S, and
    for longer where reading takes longer, so that it costs 1 % of a core at most.
    """

    EVERY_S = 15.0
    SHARE = 0.01

    def __init__(self) -> None:
        self._value: float | None = None
        self._due_at = 0.0

    def read(self, now: datetime) -> float | None:
        began = time.monotonic()
        if began >= self._due_at:
            ended = in_sight(Call.objects.filter(ended_at__gte=site_midnight(now)))
            mean = ended.aggregate(mean=Avg(LASTED))["mean"]
            self._value = None if mean is None else round(mean.total_seconds())
            took = time.monotonic() - began
            self._due_at = began + max(self.EVERY_S, took / self.SHARE)
        return self._value

    def forget(self) -> None:
        self._due_at = 0.0


_handling = HandlingTime()
_handling_of_some: dict[Sight, HandlingTime] = {}
SIGHTS_KEPT = 200


def _handling_of(sight: Sight) -> HandlingTime:
    """Return the cached mean for everybody with this sight."""
    if sight.is_all:
        return _handling
    if len(_handling_of_some) >= SIGHTS_KEPT:
        _handling_of_some.clear()
    return _handling_of_some.setdefault(sight, HandlingTime())


def _pace(now: datetime) -> float:
    """Return an estimate of packets per second over the last minute, from counters alone.

    A call that is older than a minute counts with its mean rate, because its counter does not say
    when its packets arrived. Counting the packets themselves would be too slow.
    """
    heard = in_sight(Call.objects.live()).filter(
        last_packet_at__gte=now - timedelta(seconds=PACE_S)
    )
    counts = heard.values_list("packet_count", "opened_at")
    total = sum(
        count / max((now - opened_at).total_seconds(), PACE_S) for count, opened_at in counts
    )
    return round(total, 1)


COUNTED = 1_000  # from here on, pages show this number with a "+"


@dataclass(frozen=True)
class OpenAlerts:
    """The open alerts, up to COUNTED: how many of each severity, and the highest one."""

    count: int
    critical: int
    warning: int
    notice: int
    level: str


def read_open() -> OpenAlerts:
    # Worst first, so that the worst is counted even if there are more than COUNTED.
    worst_first = in_sight(Alert.objects.open(), "call__").order_by("-severity", "-id")[:COUNTED]
    by_level = {level.name.lower(): Count("pk", filter=Q(severity=level)) for level in Severity}
    found = worst_first.aggregate(count=Count("pk"), worst=Max("severity"), **by_level)
    return OpenAlerts(level=level_of(found.pop("worst")), **found)
