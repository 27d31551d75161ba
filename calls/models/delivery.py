"""The common parts of receivers of messages, and of the messages."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Receiver(models.Model):
    """Something that messages are sent to. It is disabled if nothing reaches it for days."""

    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=300, blank=True, default="", editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    # Since creation: successful tries, failed tries, and messages given up.
    delivered_count = models.PositiveBigIntegerField("delivered", default=0, editable=False)
    failed_count = models.PositiveBigIntegerField("failed tries", default=0, editable=False)
    given_up_count = models.PositiveBigIntegerField("given up", default=0, editable=False)

    class Meta:
        abstract = True


class Delivery(models.Model):
    """One message for one receiver, and the progress of its delivery.

    While it is being sent, ``next_attempt_at`` is the time after which the sender is presumed
    dead. ``response`` is the beginning of the last response.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        DELIVERED = "delivered", "Delivered"
        GIVEN_UP = "given_up", "Given up"
        MERGED = "merged", "In a digest"

    state = models.CharField(max_length=16, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    tried_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    status_code = models.PositiveSmallIntegerField(null=True)
    duration_ms = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=300, blank=True, default="")
    response = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        abstract = True

    @classmethod
    def is_due(cls, now: datetime) -> Q:
        """Return the filter for pending messages that are due."""
        return Q(state=cls.State.PENDING, next_attempt_at__lte=now)
