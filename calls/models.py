"""What is stored: calls, their streams and packets, the event log, attempts and results.

Every write outside ingest is a function in ``services`` or ``analysis.ledger``; ingest has one,
``ingest.record``.
"""

import uuid
from datetime import datetime, timedelta
from typing import Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from calls.lifecycle import CallLifecycle, CallState

CALL_ID_PATTERN = r"[A-Za-z0-9._:@+-]{1,128}"
CALL_ID_RULE = "1 to 128 of letters, digits and . _ : @ + -"
RESERVED_CALL_IDS = {"stream"}  # /v1/call/stream/... is where packets go


class Stage(models.TextChoices):
    TRANSCRIBE = "transcribe"
    UNDERSTAND = "understand"


class CallQuerySet(models.QuerySet["Call"]):
    def live(self) -> Self:
        return self.filter(state=CallState.IN_PROGRESS)

    def idle(self, *, before: datetime) -> Self:
        """Live calls that have sent nothing since ``before``."""
        silent = Q(last_packet_at__lt=before)
        never_spoke = Q(last_packet_at=None, opened_at__lt=before)
        return self.live().filter(silent | never_spoke)

    def due(self, *, now: datetime, within: timedelta = timedelta(0)) -> Self:
        """Calls that nobody holds and whose turn has come, or will come ``within`` some time."""
        waiting = Q(state__in=(CallState.COMPLETED, CallState.PROCESSING_AI))
        ready = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now + within)
        free = Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)
        return self.filter(waiting & ready & free)

    def retryable(self, *, before: datetime, rounds: int) -> Self:
        """Failed calls that nobody has touched since ``before``, retried fewer times than that."""
        failed = self.filter(state=CallState.FAILED, state_changed_at__lt=before)
        return failed.filter(automatic_retries__lt=rounds)


class Call(CallLifecycle):
    """One call. The counters are totals over its streams, kept by the write path."""

    class Direction(models.TextChoices):
        INBOUND = "inbound"
        OUTBOUND = "outbound"

    class EndReason(models.TextChoices):
        REQUESTED = "requested", "The telephone system said so"
        IDLE = "idle", "No packet for too long"
        OPERATOR = "operator", "A person said so"

    class Sentiment(models.TextChoices):
        POSITIVE = "POSITIVE", "Positive"
        NEUTRAL = "NEUTRAL", "Neutral"
        NEGATIVE = "NEGATIVE", "Negative"

    class Trend(models.TextChoices):
        IMPROVING = "improving", "Improving"
        STEADY = "steady", "Steady"
        WORSENING = "worsening", "Worsening"

    call_id = models.CharField(
        max_length=128,
        unique=True,
        validators=[RegexValidator(rf"\A{CALL_ID_PATTERN}\Z", f"A call id is {CALL_ID_RULE}.")],
    )
    agent = models.CharField(max_length=200, blank=True, default="")
    caller = models.CharField(max_length=200, blank=True, default="")
    callee = models.CharField(max_length=200, blank=True, default="")
    queue = models.CharField(max_length=200, blank=True, default="")
    direction = models.CharField(max_length=8, blank=True, default="", choices=Direction.choices)
    media = models.CharField(max_length=100, blank=True, default="")

    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    last_packet_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    end_reason = models.CharField(max_length=16, blank=True, default="", choices=EndReason.choices)
    state_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    packet_count = models.PositiveBigIntegerField(default=0)
    last_sequence = models.BigIntegerField(null=True)
    missing_count = models.PositiveBigIntegerField(default=0)
    late_count = models.PositiveBigIntegerField(default=0)
    duplicate_count = models.PositiveBigIntegerField(default=0)

    # A claim is a lease: it runs out unless its owner prolongs it, and every new one has a higher
    # token, so that a write by an owner who lost it can be refused.
    lease_owner = models.CharField(max_length=100, blank=True, default="", editable=False)
    lease_token = models.PositiveBigIntegerField(default=0, editable=False)
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    analysis_round = models.PositiveIntegerField(default=0, editable=False)
    # Where the present round begins: a transcript that is good enough is not made again.
    first_stage = models.CharField(
        max_length=16, choices=Stage.choices, default=Stage.TRANSCRIBE, editable=False
    )
    # Rounds that nobody asked for, since the last one that somebody did.
    automatic_retries = models.PositiveSmallIntegerField(default=0, editable=False)
    next_attempt_at = models.DateTimeField(null=True, editable=False)
    last_error = models.TextField(blank=True, default="")

    customer_sentiment = models.CharField(
        max_length=8, blank=True, default="", choices=Sentiment.choices
    )
    customer_trend = models.CharField(max_length=10, blank=True, default="", choices=Trend.choices)
    agent_sentiment = models.CharField(
        max_length=8, blank=True, default="", choices=Sentiment.choices
    )
    agent_trend = models.CharField(max_length=10, blank=True, default="", choices=Trend.choices)

    packets_pruned_at = models.DateTimeField(null=True, editable=False)

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("operate_call", "Can end, retry and reanalyse calls"),
            ("view_unredacted", "Can read transcripts with personal data in them"),
        ]
        # None of these columns is touched per packet, so that PostgreSQL need not write to any
        # index when a counter moves.
        indexes = [
            models.Index(fields=["state", "next_attempt_at"], name="call_by_state"),
            models.Index(fields=["queue", "-id"], name="call_by_queue"),
            models.Index(fields=["agent", "-id"], name="call_by_agent"),
            # What retention asks for, once a minute: neither may grow with the archive.
            models.Index(fields=["ended_at"], name="call_by_end"),
            models.Index(
                fields=["state_changed_at"],
                condition=Q(packets_pruned_at=None),
                name="call_with_packets",
            ),
        ]

    def __str__(self) -> str:
        return self.call_id

    @property
    def is_live(self) -> bool:
        return bool(self.state == CallState.IN_PROGRESS)

    @property
    def is_over(self) -> bool:
        return self.state in (CallState.ARCHIVED, CallState.FAILED)


def count_missing(first: int | None, last: int | None, stored: int) -> int:
    """Return how many packets never came. Sequences start at 0 or 1: the sender shows which."""
    if first is None or last is None:
        return 0
    return max(0, last - min(first, 1) + 1 - stored)


class Stream(models.Model):
    """One media stream of a call; a reconnecting carrier opens another. Sequences count in it."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="streams")
    name = models.CharField(max_length=128, blank=True, default="")
    media = models.CharField(max_length=100, blank=True, default="")
    opened_at = models.DateTimeField(default=timezone.now)
    packet_count = models.PositiveBigIntegerField(default=0)
    first_sequence = models.BigIntegerField(null=True)
    last_sequence = models.BigIntegerField(null=True)
    late_count = models.PositiveBigIntegerField(default=0)
    duplicate_count = models.PositiveBigIntegerField(default=0)
    reordered_count = models.PositiveBigIntegerField(default=0)

    # A packet from a carrier holds many frames. These are theirs, not the packets'.
    frame_count = models.PositiveBigIntegerField(default=0)
    missing_frames = models.PositiveBigIntegerField(default=0)
    repeated_frames = models.PositiveBigIntegerField(default=0)
    reordered_frames = models.PositiveBigIntegerField(default=0)
    malformed_frames = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "name"], name="one_stream_per_name")]

    def __str__(self) -> str:
        return self.name or "(unnamed)"

    @property
    def missing_count(self) -> int:
        return count_missing(self.first_sequence, self.last_sequence, self.packet_count)


class Packet(models.Model):
    """One packet as it came: ``data`` is words or base64 audio, on the sender's ``timestamp``."""

    stream = models.ForeignKey(
        Stream, on_delete=models.CASCADE, related_name="packets", db_index=False
    )
    sequence = models.BigIntegerField()
    track = models.CharField(max_length=64, blank=True, default="")
    timestamp = models.FloatField()
    received_at = models.DateTimeField()
    late = models.BooleanField(default=False)
    data = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "sequence"], name="one_packet_per_sequence")
        ]

    def __str__(self) -> str:
        return f"packet {self.sequence}"


class PrunedRange(models.Model):
    """Sequences of a stream that were stored once, first to last, and whose packets are pruned.

    A packet in such a range has been here before: it is a duplicate, though there is no row.
    """

    stream = models.ForeignKey(
        Stream, on_delete=models.CASCADE, related_name="pruned", db_index=False
    )
    first_sequence = models.BigIntegerField()
    last_sequence = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "first_sequence"], name="one_range_per_begin")
        ]

    def __str__(self) -> str:
        return f"{self.first_sequence} to {self.last_sequence}"


class CallEvent(models.Model):
    """One entry of the event log. ``id`` is the offset: ids become visible in their order."""

    id = models.BigAutoField(primary_key=True)
    call = models.ForeignKey(
        Call, on_delete=models.CASCADE, related_name="events", null=True, db_index=False
    )
    type = models.CharField(max_length=32)
    state = models.CharField(max_length=16, blank=True, default="")
    data = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["call", "id"], name="event_by_call")]

    def __str__(self) -> str:
        return f"{self.type} at offset {self.id}"


class EventLog(models.Model):
    """Names the event log: a reader that knows another epoch has read another log."""

    epoch = models.UUIDField(default=uuid.uuid4, editable=False)

    def __str__(self) -> str:
        return str(self.epoch)


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def used_up(self) -> Self:
        """Attempts that count against the limit."""
        return self.filter(outcome__in=(Attempt.Outcome.FAILED, Attempt.Outcome.CRASHED))


class Attempt(models.Model):
    """One try at one stage, written before it starts, so that a crash leaves a trace."""

    class Outcome(models.TextChoices):
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CRASHED = "crashed", "Crashed (its worker died)"
        RELEASED = "released", "Released (its worker was stopped; not counted)"
        SNOOZED = "snoozed", "Snoozed (the provider asked for it; not counted)"

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="attempts")
    round = models.PositiveIntegerField()
    stage = models.CharField(max_length=16, choices=Stage.choices)
    number = models.PositiveIntegerField()
    provider = models.CharField(max_length=100)
    lease_token = models.PositiveBigIntegerField()
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.RUNNING)
    code = models.CharField(max_length=50, blank=True, default="")
    error = models.TextField(blank=True, default="")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.stage} #{self.number}: {self.outcome}"

    @property
    def duration_ms(self) -> int | None:
        if self.finished_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds() * 1000)


class ProviderHealth(models.Model):
    """How a provider has answered of late, by stage; ``analysis.breaker`` keeps it.

    ``failures`` counts those since the last answer. The provider is down while ``down_since`` is
    set, and is then asked again, by one call, at ``probe_at``; ``probed_at`` is the last time.
    """

    provider = models.CharField(max_length=100)
    stage = models.CharField(max_length=16, choices=Stage.choices)
    failures = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(null=True)
    down_since = models.DateTimeField(null=True)
    wait_s = models.FloatField(default=0)
    probe_at = models.DateTimeField(null=True)
    probed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "provider health"
        constraints = [
            models.UniqueConstraint(fields=["provider", "stage"], name="one_health_per_stage")
        ]

    def __str__(self) -> str:
        return f"{self.provider}, {self.stage}"


class Insight(models.Model):
    """A question that the AI answers about every call; its answer is kept under ``name``."""

    name = models.SlugField(max_length=50, unique=True)
    question = models.TextField(max_length=1000)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Transcript(models.Model):
    """What was said, as the transcribe stage heard it: personal data included. Kept by version."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="transcripts")
    version = models.PositiveIntegerField()
    duration_ms = models.PositiveBigIntegerField()
    turns = models.JSONField()
    speech = models.JSONField()
    skipped = models.JSONField(default=list)
    provenance = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        get_latest_by = "version"
        constraints = [
            models.UniqueConstraint(fields=["call", "version"], name="one_transcript_per_version")
        ]

    def __str__(self) -> str:
        return f"transcript v{self.version}"


class Analysis(models.Model):
    """What the understand stage made of a transcript; its turns are redacted. Kept by version."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="analyses")
    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="analyses")
    version = models.PositiveIntegerField()
    turns = models.JSONField()
    summary = models.TextField(blank=True)
    keywords = models.JSONField(default=list)
    insights = models.JSONField(default=dict)
    metrics = models.JSONField()
    redactions = models.JSONField(default=list)
    skipped = models.JSONField(default=list)
    provenance = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "analyses"
        get_latest_by = "version"
        constraints = [
            models.UniqueConstraint(fields=["call", "version"], name="one_analysis_per_version")
        ]

    def __str__(self) -> str:
        return f"analysis v{self.version}"


class Recording(models.Model):
    """The audio of a call in the default storage: as it was received, and with silences in it.

    Files are written before the row names them, and removed after it has ceased to. Where there
    is nothing to mute, ``redacted_file`` is ``file``; it is empty until somebody has looked.
    """

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="recording")
    version = models.PositiveIntegerField()
    duration_ms = models.PositiveBigIntegerField()
    file = models.FileField(max_length=200)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    redacted_file = models.FileField(max_length=200, blank=True)
    redacted_size = models.PositiveBigIntegerField(default=0)
    redacted_sha256 = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["file"], name="recording_by_file"),
            models.Index(fields=["redacted_file"], name="recording_by_redacted_file"),
        ]

    def __str__(self) -> str:
        return f"recording v{self.version}"


class ApiKey(models.Model):
    """A key of a machine. Only its digest is stored; the key itself is shown once."""

    class Scope(models.TextChoices):
        INGEST = "ingest", "Send packets, start and end calls"
        READ = "read", "Read calls and events"
        OPERATE = "operate", "Retry calls"

    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class WorkerHeartbeat(models.Model):
    """The last sign of life of a worker cluster."""

    name = models.CharField(max_length=100, primary_key=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
