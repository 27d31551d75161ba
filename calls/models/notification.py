"""Who gets alerts by e-mail or in a chat, and the messages that were or will be sent."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from calls.models.alert import Alert, AlertRule, Severity
from calls.models.delivery import Delivery, Receiver


class NotificationTarget(Receiver):
    """An e-mail address, a chat, or another service that gets alerts."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack"
        TEAMS = "teams", "Microsoft Teams"
        WEBHOOK = "webhook", "Another service (JSON)"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    # Anybody who knows the address of a chat can post to it.
    address = models.CharField(max_length=1000)
    min_severity = models.PositiveSmallIntegerField(
        "severity",
        choices=Severity.choices,
        default=Severity.WARNING,
        help_text="Alerts of this severity and worse.",
    )
    rules = models.ManyToManyField(
        AlertRule, blank=True, help_text="Only alerts of these rules. None chosen: all rules."
    )
    queues = models.JSONField(
        blank=True, default=list, help_text="Only calls of these queues. None chosen: all calls."
    )
    # As of an API key: the keys of teams. None: all calls, a list of deleted ones: no call.
    teams = models.JSONField(null=True, blank=True, default=None)
    per_minute = models.PositiveSmallIntegerField(
        "messages a minute",
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text="From 1 to 60. Further alerts are combined into one message.",
    )
    last_result = models.CharField(max_length=300, blank=True, default="", editable=False)
    last_tried_at = models.DateTimeField(null=True, editable=False)
    last_success_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def masked_address(self) -> str:
        """Return enough of the address to recognise it, but not enough to use it."""
        if self.kind == self.Kind.EMAIL:
            return self.address
        host = self.address.partition("://")[2].partition("/")[0]
        return f"{host}/…{self.address[-4:]}"


class NotificationDelivery(Delivery):
    """One alert for one target. ``digest`` is the delivery whose message includes it instead."""

    target = models.ForeignKey(
        NotificationTarget, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notifications")
    digest = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="merged")

    class Meta:
        verbose_name_plural = "notification deliveries"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["target", "alert"], name="one_notification_per_alert")
        ]
        indexes = [
            models.Index(
                fields=["target", "next_attempt_at"],
                condition=Q(state="pending"),
                name="notification_due_by_target",
            ),
            # For the number of messages sent to a target within the last minute.
            models.Index(fields=["target", "tried_at"], name="notification_tried_by_target"),
            models.Index(fields=["created_at"], name="notification_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.alert} to {self.target}"
