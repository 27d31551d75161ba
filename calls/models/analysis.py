"""Attempts, transcripts, analyses, recordings, insights, and the health of providers."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from calls.models.call import Call, Stage
from calls.models.fields import JSONField


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def used_up(self, *, with_running: bool = False) -> Self:
        """Attempts that count against the limit."""
        running = [Attempt.Outcome.RUNNING] if with_running else []
        return self.filter(outcome__in=[Attempt.Outcome.FAILED, Attempt.Outcome.CRASHED, *running])


class Attempt(models.Model):
    """One attempt at one stage, saved before the work starts, so that a crash leaves a trace."""

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
    # The lease that started it. A worker with an older token cannot close it.
    lease_token = models.PositiveBigIntegerField()
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.RUNNING)
    code = models.CharField(max_length=50, blank=True, default="")
    error = models.TextField(blank=True, default="")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    # The provider's id of the request, to quote in questions to its operator.
    request_id = models.CharField(max_length=200, blank=True, default="")

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["call"], condition=Q(outcome="running"), name="one_attempt_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["call", "round", "stage"],
                condition=Q(outcome="succeeded"),
                name="one_success_for_each_stage",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stage} #{self.number}: {self.outcome}"

    @property
    def duration_ms(self) -> int | None:
        if self.finished_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds() * 1000)


class ProviderHealth(models.Model):
    """The recent results of a provider at one stage. ``analysis.breaker`` maintains it.

    ``failures`` counts the failures since the last success. The provider is down while
    ``down_since`` is set. One call then tries it again at ``probe_at``; ``probed_at`` is the time
    of the last such try.
    """

    provider = models.CharField(max_length=100)
    stage = models.CharField(max_length=16, choices=Stage.choices)
    failures = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
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
    """A question that the AI answers about every call. The answer is stored under ``name``."""

    # The key of the answer in the JSON of an analysis, and part of exports.
    name = models.SlugField(max_length=50, unique=True)
    question = models.TextField(max_length=1000)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Transcript(models.Model):
    """The result of the transcribe stage, including personal data. Older versions are kept."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="transcripts")
    version = models.PositiveIntegerField()
    duration_ms = models.PositiveBigIntegerField()
    turns = JSONField()
    speech = JSONField()
    skipped = JSONField(default=list)
    provenance = JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        get_latest_by = "version"
        constraints = [
            models.UniqueConstraint(fields=["call", "version"], name="one_transcript_per_version")
        ]

    def __str__(self) -> str:
        return f"transcript v{self.version}"


class SummaryKind(models.TextChoices):
    PROSE = "prose", "Summary"
    QUOTES = "quotes", "Quotes from the call"


class Analysis(models.Model):
    """The result of the understand stage. Its turns are redacted. Older versions are kept."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="analyses")
    transcript = models.ForeignKey(Transcript, on_delete=models.CASCADE, related_name="analyses")
    version = models.PositiveIntegerField()
    turns = JSONField()
    summary = models.TextField(blank=True)
    # Empty if there is none, or if it was made before kinds were stored.
    summary_kind = models.CharField(
        max_length=8, blank=True, default="", choices=SummaryKind.choices
    )
    keywords = JSONField(default=list)
    insights = JSONField(default=dict)
    metrics = JSONField()
    redactions = JSONField(default=list)
    skipped = JSONField(default=list)
    provenance = JSONField(default=dict)
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
    """The audio of a call in the default storage: as received, and with personal data muted.

    A file is written before the row names it, and removed after the row no longer does. If there
    is nothing to mute, ``redacted_file`` equals ``file``. It is empty until the analysis has
    checked.
    """

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="recording")
    version = models.PositiveIntegerField()
    duration_ms = models.PositiveBigIntegerField()
    file = models.FileField(max_length=200)
    # Packets are deleted only if the file in the storage still has this size.
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    redacted_file = models.FileField(max_length=200, blank=True)
    redacted_size = models.PositiveBigIntegerField(default=0)
    redacted_sha256 = models.CharField(max_length=64, blank=True, default="")
    # The files have the customer on the left, because somebody swapped the speakers. The channels
    # are exchanged when the files are read, which costs less than rewriting them.
    turned = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["file"], name="recording_by_file"),
            models.Index(fields=["redacted_file"], name="recording_by_redacted_file"),
        ]

    def __str__(self) -> str:
        return f"recording v{self.version}"
