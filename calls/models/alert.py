"""Alert rules, the alerts that they raised, and how far each watcher has read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from calls.lifecycle import CallState
from calls.models.call import Call


class Severity(models.IntegerChoices):
    """Ordered, so that the worst of several is the greatest."""

    NOTICE = 1, "Notice"
    WARNING = 2, "Warning"
    CRITICAL = 3, "Critical"


class AlertRule(models.Model):
    """When to raise an alert. ``calls.alerts.kinds`` says which fields each kind uses.

    ``conditions`` must hold as well. Each is a dict with ``kind`` and the fields of that kind. They
    are part of the row, so that a rule is read and changed as a whole.
    """

    # ``calls.alerts.definition`` sets it, because it imports this module.
    definition_check: ClassVar[Callable[[AlertRule], None] | None] = None

    class Kind(models.TextChoices):
        WORDS = "words", "Words or phrases said"
        NOT_SAID = "not_said", "Words or phrases not said"
        SENTIMENT = "sentiment", "Sentiment under a limit"
        SILENCE = "silence", "Silence over a limit"
        LOSS = "loss", "Loss over a limit"
        LONG_CALL = "long_call", "Call longer than a limit"
        FAILED = "analysis_failed", "Analysis failed"
        SOUND = "sound", "Trouble with the sound"

    class QuietMode(models.TextChoices):
        SEND_NOTHING = "send", "raise alerts, but send no messages"
        RAISE_NOTHING = "raise", "raise no alerts"

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
    queues = models.JSONField(
        blank=True, default=list, help_text="Only calls of these queues. None chosen: all calls."
    )
    agents = models.JSONField(
        blank=True, default=list, help_text="Only calls of these agents. None chosen: all calls."
    )
    speaker = models.CharField(
        max_length=8,
        blank=True,
        default="",
        choices=Speaker.choices,
        help_text="Whose words or sentiment count.",
    )
    phrases = models.TextField(
        blank=True,
        default="",
        help_text=(
            "One word or phrase per line. Whole words; capitals, punctuation and line ends make no "
            "difference. “cancel*” also finds “cancelled”."
        ),
    )
    within_s = models.PositiveIntegerField(
        "within the first (seconds)",
        null=True,
        blank=True,
        help_text="From the start of the call. Empty: the whole call, decided when it is over.",
    )
    language = models.CharField(
        max_length=16,
        blank=True,
        default="",
        help_text=(
            "Only calls in this language, such as en or de. Empty: the language of the site. In "
            "other languages, the words would be different."
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
        help_text="One turn under the limit is enough. Otherwise the whole call counts.",
    )
    conditions = models.JSONField(
        blank=True, default=list, help_text="All of them must hold as well."
    )
    quiet_hours = models.TextField(
        blank=True,
        default="",
        help_text=(
            "One period per line, in the time zone of the site: “Mon-Fri 18:00-08:00” or “Sat-Sun”."
        ),
    )
    quiet_mode = models.CharField(
        "in quiet hours",
        max_length=8,
        choices=QuietMode.choices,
        default=QuietMode.SEND_NOTHING,
    )
    repeat_after_s = models.PositiveIntegerField(
        "raise again after (seconds)",
        null=True,
        blank=True,
        help_text="Empty: once for each call. Otherwise again, after at least this many seconds.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Validate the fields that the kind uses, the conditions, and where and when it applies."""
        if check := type(self).definition_check:
            check(self)


# Nobody has acknowledged it, its condition has not ended, and it is not put off.
IS_OPEN = Q(acknowledged_at=None, resolved_at=None, snoozed_until=None)


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> Self:
        """Alerts that need somebody now."""
        return self.filter(IS_OPEN)

    def unhandled(self) -> Self:
        """Open alerts, and snoozed ones, which will be open again."""
        return self.filter(acknowledged_at=None, resolved_at=None)

    def in_state(self, *states: str) -> Self:
        """Alerts whose ``state`` is one of these."""
        wanted = Q(pk__in=[])
        for state in states:
            wanted |= _BY_STATE[state]
        return self.filter(wanted)

    def lasting(self) -> Self:
        """Alerts whose condition lasts, also if somebody has acknowledged them."""
        return self.filter(lasts=True, resolved_at=None)

    def over(self) -> Self:
        """Lasting alerts whose condition has ended with the state of their call.

        ``Alert.reason_over`` says the same about one alert.
        """
        kinds = AlertRule.Kind
        dismissed = Q(call__state=CallState.FAILED, call__dismissed_at__isnull=False)
        analysed = Q(kind=kinds.FAILED) & (Q(call__state=CallState.ARCHIVED) | dismissed)
        ended = Q(kind__in=Alert.ENDS_WITH_CALL) & ~Q(call__state=CallState.IN_PROGRESS)
        return self.lasting().filter(analysed | ended)


class Alert(models.Model):
    """Something that a supervisor should know about a call. ``quote`` is redacted.

    ``number`` counts the alerts of one rule on one call, and ``source`` names the match. Both are
    unique, so that the database refuses to store the same alert twice. Every write of an alert
    holds the lock of its call.
    """

    class State(models.TextChoices):
        OPEN = "open"
        SNOOZED = "snoozed"
        ACKNOWLEDGED = "acknowledged"
        RESOLVED = "resolved"

    class Reason(models.TextChoices):
        """Why an alert was resolved without anybody."""

        CALL_ENDED = "call_ended", "the call ended"
        SILENCE_BROKEN = "silence_broken", "the silence was broken"
        WITHIN_LIMIT = "within_limit", "packet loss is back under the limit"
        RECOVERED = "recovered", "the sentiment recovered"
        NOT_CONFIRMED = "not_confirmed", "the result does not confirm it"
        ANALYSED = "analysed", "the analysis succeeded"
        DISMISSED = "dismissed", "the failed call was dismissed"
        SWAPPED = "swapped", "agent and customer were swapped"

    # Conditions of these kinds end with the state of the call, and the others with its result.
    ENDS_WITH_CALL = (AlertRule.Kind.SILENCE, AlertRule.Kind.LOSS, AlertRule.Kind.LONG_CALL)
    ENDS_WITH_STATE = (*ENDS_WITH_CALL, AlertRule.Kind.FAILED)

    # Without an index of its own: both constraints start with the call.
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="alerts", db_index=False)
    # An alert outlives its rule.
    rule = models.ForeignKey(AlertRule, on_delete=models.SET_NULL, null=True, related_name="alerts")
    number = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=64, null=True)  # noqa: DJ001 (NULL is not unique)
    # Name, kind and severity are copied: the rule of an alert may change or be deleted.
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
    # Its condition lasts until something ends it, unlike words, which cannot be unsaid.
    lasts = models.BooleanField(default=False, db_default=False)
    resolved_at = models.DateTimeField(null=True)
    resolved_reason = models.CharField(
        max_length=16, blank=True, default="", db_default="", choices=Reason.choices
    )
    # A username, as in acknowledged_by: an alert outlives the account.
    assigned_to = models.CharField(max_length=150, blank=True, default="", db_default="")
    # Not empty while it is snoozed: the watcher empties it when the time is up.
    snoozed_until = models.DateTimeField(null=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["call", "rule", "number"], name="one_alert_per_number"),
            models.UniqueConstraint(fields=["call", "rule", "source"], name="one_alert_per_source"),
        ]
        # Partial, because lists and figures ask for open alerts, which are few among all.
        indexes = [
            models.Index(fields=["call", "severity"], condition=IS_OPEN, name="open_alert_by_call"),
            models.Index(fields=["-id"], condition=IS_OPEN, name="open_alert_newest"),
            models.Index(
                fields=["severity", "-id"], condition=IS_OPEN, name="open_alert_by_severity"
            ),
            # For the watcher, which queries it every two seconds.
            models.Index(
                fields=["call"], condition=Q(lasts=True, resolved_at=None), name="lasting_alert"
            ),
            models.Index(
                fields=["snoozed_until"],
                condition=Q(snoozed_until__isnull=False),
                name="snoozed_alert",
            ),
            models.Index(
                fields=["assigned_to"], condition=~Q(assigned_to=""), name="alert_by_assignee"
            ),
            models.Index(fields=["raised_at"], name="alert_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.name} on {self.call}"

    @property
    def state(self) -> State:
        if self.acknowledged_at is not None:
            return self.State.ACKNOWLEDGED
        if self.resolved_at is not None:
            return self.State.RESOLVED
        return self.State.OPEN if self.snoozed_until is None else self.State.SNOOZED

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def is_unhandled(self) -> bool:
        return self.state in (self.State.OPEN, self.State.SNOOZED)

    def reason_over(self, call: Call) -> str:
        """Return why the condition has ended, judged by the state of the call, or nothing."""
        if not self.lasts or self.resolved_at is not None:
            return ""
        if self.kind == AlertRule.Kind.FAILED:
            return _reason_analysed(call)
        # After a call has ended, its result decides about what was said.
        is_over = not call.is_live and self.kind in self.ENDS_WITH_CALL
        return self.Reason.CALL_ENDED if is_over else ""

    @property
    def offset_seconds(self) -> float | None:
        return None if self.offset_ms is None else self.offset_ms / 1000

    @property
    def level(self) -> str:
        """Return the severity as the API and the stylesheets spell it."""
        return Severity(self.severity).name.lower()


_UNHANDLED = Q(acknowledged_at=None, resolved_at=None)
_BY_STATE: dict[str, Q] = {
    Alert.State.OPEN: IS_OPEN,
    Alert.State.SNOOZED: _UNHANDLED & Q(snoozed_until__isnull=False),
    Alert.State.ACKNOWLEDGED: Q(acknowledged_at__isnull=False),
    Alert.State.RESOLVED: Q(acknowledged_at=None, resolved_at__isnull=False),
}


def _reason_analysed(call: Call) -> str:
    if call.state == CallState.ARCHIVED:
        return Alert.Reason.ANALYSED
    is_dismissed = call.state == CallState.FAILED and call.dismissed_at is not None
    return Alert.Reason.DISMISSED if is_dismissed else ""


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
