"""The state of the analysis: pauses, providers that are down, live workers, waiting calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, Min, Q, QuerySet, When

from calls.analysis import breaker
from calls.analysis.pausing import find_pause
from calls.clock import database_now
from calls.lifecycle import CallState
from calls.models import AnalysisPause, Call, IngestReport, Stage, WorkerHeartbeat

HEARTBEAT_LIMIT = timedelta(seconds=30)


@dataclass(frozen=True)
class Outage:
    """A provider that is down in a stage, and the number of calls that wait for it."""

    provider: str
    stage: str
    since: datetime
    probe_at: datetime | None
    error: str
    waiting: int


@dataclass(frozen=True)
class AnalysisStatus:
    """``silent_s`` is the time since the last heartbeat of any worker, None without one.

    ``shedding_since``: since when packets have been refused, None if they are accepted.
    """

    pause: AnalysisPause | None
    outages: tuple[Outage, ...]
    workers: int
    silent_s: float | None
    shedding_since: datetime | None = None

    @property
    def is_calm(self) -> bool:
        is_well = not self.outages and self.shedding_since is None
        return self.pause is None and is_well and self.workers > 0

    @property
    def held(self) -> int:
        """The number of calls that wait for a provider that is down."""
        return sum(outage.waiting for outage in self.outages)

    @property
    def mark(self) -> str:
        """A text that changes when pages have news to show, but not with every waiting call."""
        outages = [f"{each.provider}/{each.stage}/{each.probe_at}" for each in self.outages]
        paused = self.pause.paused_at.isoformat() if self.pause else ""
        since = self.shedding_since
        shedding = [since.isoformat("T", "minutes")] if since else []
        return "|".join([paused, *outages, "" if self.workers else "no worker", *shedding])


def read_status(*, now: datetime | None = None) -> AnalysisStatus:
    now = now or database_now()
    beats = WorkerHeartbeat.objects.order_by("-seen_at").values_list("seen_at", flat=True)
    seen = list(beats)
    return AnalysisStatus(
        pause=find_pause(),
        outages=tuple(
            Outage(
                provider=health.provider,
                stage=health.stage,
                since=health.down_since,
                probe_at=health.probe_at,
                error=health.error,
                waiting=breaker.asking(waiting_calls(), health.stage).count(),
            )
            for health in breaker.down_of_late(now=now)
            if health.down_since
        ),
        workers=sum(at >= now - HEARTBEAT_LIMIT for at in seen),
        silent_s=round((now - seen[0]).total_seconds(), 1) if seen else None,
        shedding_since=IngestReport.find_shedding_since(now),
    )


def waiting_calls() -> Any:
    """Return the calls whose analysis is not finished, claimed or not."""
    return Call.objects.filter(state__in=(CallState.COMPLETED, CallState.PROCESSING_AI))


@dataclass(frozen=True)
class Load:
    """The queue of one stage. ``oldest_s`` is the age of the oldest request for analysis in it."""

    stage: str
    ready: int
    retrying: int
    running: int
    oldest_s: float


def read_load(*, now: datetime | None = None) -> list[Load]:
    now = now or database_now()
    return [_load(breaker.needing(waiting_calls(), stage), stage, now=now) for stage in Stage]


def _load(calls: QuerySet[Call], stage: str, *, now: datetime) -> Load:
    running, later = Q(lease_expires_at__gt=now), Q(next_attempt_at__gt=now)
    idle = Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)
    soon = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    counted = calls.order_by().aggregate(
        ready=Count("pk", filter=idle & soon),
        retrying=Count("pk", filter=idle & later),
        running=Count("pk", filter=running),
        # A later round starts long after the call has ended.
        oldest=Min(Case(When(analysis_round=0, then=F("ended_at")), default=F("state_changed_at"))),
    )
    oldest = counted.pop("oldest")
    waited_s = (now - oldest).total_seconds() if oldest else 0.0
    return Load(stage=str(stage), oldest_s=max(0.0, waited_s), **counted)
