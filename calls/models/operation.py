"""API keys, heartbeats, figures of processes, the pause of the analysis, samples of the load."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import models
from django.utils import timezone

ADDRESS_LENGTH = 45  # of an IPv6 address that contains an IPv4 address
EXPIRY_NOTICE = timedelta(days=14)
FRESH = timedelta(seconds=10)  # an older report of overload comes from a process that is gone


class ApiKey(models.Model):
    """A key for a program. Only its digest is stored; the key itself is shown once."""

    class Scope(models.TextChoices):
        INGEST = "ingest", "Send packets, start and end calls"
        READ = "read", "Read calls, transcripts, recordings, alerts, reports and events"
        SUPERVISE = (
            "supervise",
            "Act on calls and alerts: retry, dismiss, reanalyse, tag, annotate, acknowledge",
        )
        ADMIN = "admin", "Set up alert rules, webhooks and API keys"

    name = models.CharField(max_length=100)
    # Shown in lists, so that a key can be recognised without its secret part.
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    networks = models.JSONField(default=list, blank=True)
    # The keys of teams whose calls it sees. None: all calls. Not a relation: a key whose last team
    # is deleted must see nothing, not everything.
    teams = models.JSONField(null=True, blank=True, default=None)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    # In requests a second and process. None: the limit of the site; 0: no limit.
    rate_limit = models.PositiveIntegerField(null=True, blank=True)
    rate_burst = models.PositiveIntegerField(null=True, blank=True)
    limited_count = models.PositiveBigIntegerField(default=0, editable=False)
    # The secret from before the last rotation, which is valid for a while.
    previous_digest = models.CharField(max_length=64, blank=True, default="", editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    rotated_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_from = models.CharField(
        max_length=ADDRESS_LENGTH, blank=True, default="", editable=False
    )

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def expires_soon(self, now: datetime) -> bool:
        return self.expires_at is not None and now < self.expires_at <= now + EXPIRY_NOTICE

    def has_previous(self, now: datetime) -> bool:
        """Whether the secret from before the last rotation is still valid."""
        return self.previous_until is not None and now < self.previous_until


class WorkerHeartbeat(models.Model):
    """The last sign of life of a worker cluster."""

    name = models.CharField(max_length=100, primary_key=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class IngestReport(models.Model):
    """What a web process has reported about its ingest, in and after a time of overload.

    ``refused`` counts requests and streams since the start of the process, by interface.
    """

    process = models.CharField(max_length=300, primary_key=True)
    seen_at = models.DateTimeField()
    shedding_since = models.DateTimeField(null=True)
    oldest_age_s = models.FloatField()
    refused = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.process

    @classmethod
    def find_shedding_since(cls, now: datetime) -> datetime | None:
        """Return since when a process of this site has been refusing packets, or None."""
        fresh = cls.objects.filter(seen_at__gte=now - FRESH).exclude(shedding_since=None)
        first = fresh.order_by("shedding_since").first()
        return first.shedding_since if first else None


class ProcessFigures(models.Model):
    """What a web or worker process has counted since its start, and its state.

    The row GONE holds the counts of all processes that have ended, so that sums never fall.
    """

    GONE = UUID(int=0)

    id = models.UUIDField(primary_key=True, editable=False)
    process = models.CharField(max_length=300)
    role = models.CharField(max_length=20)
    seen_at = models.DateTimeField()
    counts = models.JSONField(default=dict)
    gauges = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.process


class AnalysisPause(models.Model):
    """The pause of the analysis. There is one row while it is paused, and none while it runs."""

    # A fixed key: of two people who pause at the same time, the database refuses the second.
    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    paused_at = models.DateTimeField(editable=False)
    by = models.CharField(max_length=150, blank=True, editable=False)
    reason = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"paused since {self.paused_at:%Y-%m-%d %H:%M}"


class MinuteSample(models.Model):
    """The load of the site, sampled once a minute by ``calls.monitoring.samples``.

    ``packets``, ``missing``, ``archived`` and ``failed`` count the ``seconds`` before ``at``.
    ``live_packets`` and ``live_missing`` are totals of the calls that were live at that time. The
    next sample is computed from them.
    """

    at = models.DateTimeField(unique=True)
    seconds = models.FloatField()
    live = models.PositiveIntegerField()
    packets = models.PositiveBigIntegerField()
    missing = models.PositiveBigIntegerField()
    archived = models.PositiveIntegerField()
    failed = models.PositiveIntegerField()
    live_packets = models.PositiveBigIntegerField()
    live_missing = models.PositiveBigIntegerField()

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"

    @property
    def packets_per_s(self) -> float:
        return self.packets / self.seconds if self.seconds else 0.0

    @property
    def loss_percent(self) -> float:
        expected = self.packets + self.missing
        return 100 * self.missing / expected if expected else 0.0
