"""Webhook endpoints, and the messages that were or will be sent to them."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from calls.models.delivery import Delivery, Receiver

SECRET_PREFIX = "whsec_"  # noqa: S105 (not a secret, only the prefix of one)


def new_secret() -> str:
    """Return 32 random bytes in the format of the Standard Webhooks specification."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


class WebhookEndpoint(Receiver):
    """An address that receives messages.

    Events up to the offset ``position`` have been turned into deliveries. A disabled endpoint is
    sent nothing. Once enabled again, it continues where it stopped.
    """

    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(
        "URL",
        max_length=500,
        help_text="An https:// or http:// address. Redirects are not followed.",
    )
    secret = models.CharField(
        max_length=200,
        default=new_secret,
        help_text="The receiver checks signatures with it. Keep it secret: it is enough to forge "
        "messages.",
    )
    # While the receiver replaces its secret, messages carry one signature for each of the two.
    previous_secret = models.CharField(max_length=200, blank=True, default="", editable=False)
    previous_secret_until = models.DateTimeField(null=True, editable=False)
    alerts = models.BooleanField(
        default=True,
        help_text="alert_raised, alert_resolved, and what people do with alerts, as it happens.",
    )
    state_changes = models.BooleanField(
        default=False, help_text="state_change: opened, completed, processing, archived, failed."
    )
    results = models.BooleanField(
        "analysis results",
        default=False,
        help_text="analysis_result, with summary and sentiment, when a call is archived or failed.",
    )
    queue = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="Only calls of exactly this queue; empty: all calls.",
    )
    position = models.BigIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        """Return the secrets that the receiver may still use, newest first."""
        until = self.previous_secret_until
        if self.previous_secret and until is not None and now < until:
            return (self.secret, self.previous_secret)
        return (self.secret,)


class WebhookDelivery(Delivery):
    """One message for one endpoint."""

    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    # Made from event and endpoint, so the constraint below refuses to queue a message twice.
    message_id = models.CharField(max_length=64)
    type = models.CharField(max_length=32)
    body = models.TextField()
    # Of the call that the message is about, for log lines and traces.
    request_id = models.CharField(max_length=64, blank=True, default="", db_default="")
    traceparent = models.CharField(max_length=55, blank=True, default="", db_default="")

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "message_id"], name="one_delivery_per_message"
            )
        ]
        indexes = [
            # By endpoint, so that the backlog of one is not scanned for another.
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                condition=Q(state="pending"),
                name="delivery_due_by_endpoint",
            ),
            models.Index(fields=["created_at"], name="delivery_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} to {self.endpoint}"
