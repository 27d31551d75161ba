"""The health of the site at a glance: the facts of /readyz and /metrics, and what went wrong last.

The number of queries does not depend on how much is stored or wrong.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from axes.models import AccessAttempt
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import QuerySet
from django_q.models import Failure, OrmQ

from calls.analysis import breaker
from calls.analysis.live.status import LiveStatus, read_live_status
from calls.analysis.pausing import find_pause
from calls.analysis.recording.files import find_storage_problem
from calls.analysis.status import HEARTBEAT_LIMIT, Load, read_load
from calls.clock import database_now
from calls.models import (
    Alert,
    AnalysisPause,
    ApiKey,
    Attempt,
    Call,
    IngestReport,
    ProviderHealth,
    WebhookEndpoint,
    WorkerHeartbeat,
)
from calls.monitoring import alerts

SHOWN = 5
# There is no index on outcomes, so failures are looked for among the newest attempts only.
ATTEMPTS_READ = 1_000


@dataclass(frozen=True)
class Space:
    """Free and total bytes of a file system."""

    free: int
    total: int


@dataclass(frozen=True)
class Webhooks:
    """``failing`` have failed at their last attempt, ``disabled`` were switched off for failing."""

    enabled: int
    failing: tuple[WebhookEndpoint, ...]
    disabled: tuple[WebhookEndpoint, ...]
    waiting: int
    oldest_s: float


@dataclass(frozen=True)
class Overview:
    """The state of the site at ``now``. ``failed_*`` are the newest of their kind.

    ``keys`` are not revoked, but may have expired.
    """

    now: datetime
    workers: tuple[WorkerHeartbeat, ...]
    pause: AnalysisPause | None
    shedding_since: datetime | None
    providers: tuple[ProviderHealth, ...]
    load: Sequence[Load]
    live: LiveStatus
    live_calls: int
    dead_calls: int
    failed_calls: tuple[Call, ...]
    failed_attempts: tuple[Attempt, ...]
    queued_jobs: int
    failed_job_count: int
    failed_jobs: tuple[Failure, ...]
    webhooks: Webhooks
    open_alerts: dict[str, int]
    locked_out: int
    keys: tuple[ApiKey, ...]
    media: Space | None
    storage_problem: str
    database_bytes: int

    @property
    def alive(self) -> int:
        return sum(beat.seen_at >= self.now - HEARTBEAT_LIMIT for beat in self.workers)

    @property
    def waiting(self) -> int:
        """Calls that wait for the analysis and are not being analysed."""
        return sum(one.ready + one.retrying for one in self.load)

    @property
    def running(self) -> int:
        return sum(one.running for one in self.load)

    @property
    def oldest_s(self) -> float:
        return max((one.oldest_s for one in self.load), default=0.0)


def read_overview(now: datetime | None = None) -> Overview:
    now = now or database_now()
    dead = Call.objects.dead()
    return Overview(
        now=now,
        workers=tuple(WorkerHeartbeat.objects.order_by("-seen_at")),
        pause=find_pause(),
        shedding_since=IngestReport.find_shedding_since(now),
        providers=tuple(breaker.known_of_late(now=now)),
        load=read_load(now=now),
        live=read_live_status(now=now),
        live_calls=Call.objects.live().count(),
        dead_calls=dead.count(),
        failed_calls=tuple(dead.order_by("-state_changed_at")[:SHOWN]),
        failed_attempts=tuple(_failed_attempts()),
        queued_jobs=OrmQ.objects.count(),
        failed_job_count=count_failed_jobs(),
        failed_jobs=tuple(Failure.objects.order_by("-stopped")[:SHOWN]),
        webhooks=_read_webhooks(now),
        open_alerts=alerts.by_severity(Alert.State.OPEN),
        locked_out=_count_locked_out(now),
        keys=tuple(ApiKey.objects.filter(revoked_at=None).order_by("expires_at")),
        media=read_media_space(),
        storage_problem=find_storage_problem(),
        database_bytes=measure_database(),
    )


def _failed_attempts() -> QuerySet[Attempt]:
    newest = Attempt.objects.order_by("-pk").values("pk")[:ATTEMPTS_READ]
    failed = Attempt.objects.used_up().filter(pk__in=newest)
    return failed.select_related("call").order_by("-pk")[:SHOWN]


def _read_webhooks(now: datetime) -> Webhooks:
    endpoints = list(WebhookEndpoint.objects.order_by("name"))
    enabled = [each for each in endpoints if each.enabled]
    return Webhooks(
        enabled=len(enabled),
        failing=tuple(each for each in enabled if each.failing_since),
        disabled=tuple(each for each in endpoints if not each.enabled and each.disabled_reason),
        waiting=alerts.waiting(),
        oldest_s=alerts.oldest_s(now),
    )


def _count_locked_out(now: datetime) -> int:
    since = now - timedelta(hours=settings.AXES_COOLOFF_TIME)
    tried = AccessAttempt.objects.filter(attempt_time__gte=since)
    locked = tried.filter(failures_since_start__gte=settings.AXES_FAILURE_LIMIT)
    return int(locked.count())


def count_failed_jobs() -> int:
    return int(Failure.objects.count())


def read_media_space() -> Space | None:
    """Return the space where recordings are stored; None if that is not a local folder."""
    try:
        folder = Path(default_storage.path(""))
    except NotImplementedError:
        return None
    while not folder.exists():  # MEDIA_ROOT is created with the first recording
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return Space(free=usage.free, total=usage.total)


def measure_database() -> int:
    """Return the size of the database in bytes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])
    name = str(connection.settings_dict["NAME"])
    return _size_of(name) + _size_of(f"{name}-wal")


def _size_of(file: str) -> int:
    try:
        return Path(file).stat().st_size
    except FileNotFoundError:  # the log of changes comes and goes
        return 0
