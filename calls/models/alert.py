"""Alert rules, the alerts that they raised, and how far each watcher has read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from calls.models.call import Call


class Severity(models.IntegerChoices):
    """Ordered, so that the worst of several is the greatest."""

    NOTICE = 1, "Notice"
    WARNING = 2, "Warning"
    CRITICAL = 3, "Critical"


class AlertRule(models.Model):
    """When to raise an alert. ``calls.alerts.kinds`` says which fields each kind uses."""

    # By kind. ``calls.alerts.kinds`` fills it, because it imports this module.
    kind_checks: ClassVar[dict[str, Callable[[AlertRule], None]]] = {}

    class Kind(models.TextChoices):
        WORDS = "words", "Words or phrases"
        SENTIMENT = "sentiment", "Sentiment under a limit"
        SILENCE = "silence", "Silence over a limit"
        LOSS = "loss", "Loss over a limit"
        LONG_CALL = "long_call", "Call longer than a limit"
        FAILED = "analysis_failed", "Analysis failed"
        SOUND = "sound", "Trouble with the sound"

    class Speaker(models.TextChoices):
        ANY = "", "Anyone"
        CUSTOMER = "customer", "The customer"
        AGENT = "agent", "The agent"

    name = models.CharField(
        max_length=100, unique=True, help_text="What supervisors read: “Wants to cancel”."
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    enabled = models.BooleanField(default=True, help_text="Only enabled rules raise alerts.")
    severity = models.PositiveSmallIntegerField(
        choices=Severity.choices,
        default=Severity.WARNING,
        help_text="The worst open alert of a call colours its row on the wallboard.",
    )
    queue = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="Only calls of exactly this queue; empty: all calls.",
    )
    speaker = models.CharField(
        max_length=8,
        blank=True,
        default="",
        choices=Speaker.choices,
        help_text="Whose words or whose sentiment count.",
    )
    phrases = models.TextField(
        blank=True,
        default="",
        help_text=(
            "For words: one word or phrase a line. Whole words; capitals, punctuation and line "
            "ends make no difference. “cancel*” also finds “cancelled”."
        ),
    )
    limit = models.FloatField(
        null=True,
        blank=True,
        help_text=(
            "Sentiment: a score from -5 to 5. Silence and length of a call: seconds. "
            "Loss: percent of the packets."
        ),
    )
    per_turn = models.BooleanField(
        "each turn by itself",
        default=False,
        help_text="For sentiment: one turn under the limit is enough; otherwise the whole call.",
    )
    repeat_after_s = models.PositiveIntegerField(
        "raise again after (seconds)",
        null=True,
        blank=True,
        help_text="Empty: once for each call. Otherwise again, but not before so many seconds.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Validate the fields that the kind uses."""
        if check := self.kind_checks.get(self.kind):
            check(self)


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> Self:
        """Alerts that nobody has acknowledged."""
        return self.filter(acknowledged_at=None)


class Alert(models.Model):
    """Something that a supervisor should know about a call. ``quote`` is redacted.

    ``number`` counts the alerts of one rule on one call, and ``source`` names the match. Both are
    unique, so that the database refuses to store the same alert twice.
    """

    # Without an index of its own: both constraints start with the call.
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="alerts", db_index=False)
    # An alert outlives its rule.
    rule = models.ForeignKey(AlertRule, on_delete=models.SET_NULL, null=True, related_name="alerts")
    number = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=64, null=True)  # noqa: DJ001 (NULL is not unique)
    # Name, kind and severity are copied: an alert is history, and its rule may change or go.
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=16, choices=AlertRule.Kind.choices)
    severity = models.PositiveSmallIntegerField(choices=Severity.choices)
    found = models.CharField(max_length=300)
    quote = models.TextField(blank=True, default="")
    speaker = models.CharField(max_length=8, blank=True, default="")
    offset_ms = models.PositiveBigIntegerField(null=True)
    raised_at = models.DateTimeField(default=timezone.now)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=150, blank=True, default="")
    note = models.CharField(max_length=500, blank=True, default="")

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["call", "rule", "number"], name="one_alert_per_number"),
            models.UniqueConstraint(fields=["call", "rule", "source"], name="one_alert_per_source"),
        ]
        # Partial, because lists and figures ask for open alerts, which are few among all.
        indexes = [
            models.Index(
                fields=["call", "severity"],
                condition=Q(acknowledged_at=None),
                name="open_alert_by_call",
            ),
            models.Index(
                fields=["-id"], condition=Q(acknowledged_at=None), name="open_alert_newest"
            ),
            models.Index(
                fields=["severity", "-id"],
                condition=Q(acknowledged_at=None),
                name="open_alert_by_severity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} on {self.call}"

    @property
    def is_open(self) -> bool:
        return self.acknowledged_at is None

    @property
    def offset_seconds(self) -> float | None:
        return None if self.offset_ms is None else self.offset_ms / 1000

    @property
    def level(self) -> str:
        """Return the severity as the API and the stylesheets spell it."""
        return Severity(self.severity).name.lower()


class Watch(models.Model):
    """A reader's position in a log, and the process that reads it, which holds a lease."""

    name = models.CharField(max_length=32, primary_key=True)
    position = models.BigIntegerField(default=0)
    owner = models.CharField(max_length=100, blank=True, default="")
    lease_expires_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "watches"

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"


def level_of(severity: Any) -> str:
    return Severity(severity).name.lower() if severity else ""
