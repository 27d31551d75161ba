"""Alerts, with the field names of the event log, and the bodies of the actions on them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from calls.alerts.handling import LONGEST_SNOOZE
from calls.alerts.services import NAME_LENGTH, NOTE_LENGTH
from calls.api.filters import LEVELS
from calls.api.serializers.fields import StrictStringField
from calls.models import Alert


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """An alert. ``quote`` is redacted. Times of what has not happened are null."""

    alert = serializers.IntegerField(source="pk", read_only=True)
    call_id = serializers.CharField(source="call.call_id", read_only=True)
    agent = serializers.CharField(source="call.agent", read_only=True)
    queue = serializers.CharField(source="call.queue", read_only=True)
    state = serializers.ChoiceField(choices=Alert.State.choices, read_only=True)
    rule = serializers.CharField(source="name", read_only=True)
    severity = serializers.ChoiceField(source="level", choices=LEVELS, read_only=True)

    class Meta:
        model = Alert
        fields = [
            "alert",
            "call_id",
            "agent",
            "queue",
            "state",
            "rule",
            "kind",
            "severity",
            "found",
            "quote",
            "speaker",
            "offset_ms",
            "raised_at",
            "assigned_to",
            "snoozed_until",
            "acknowledged_at",
            "acknowledged_by",
            "note",
            "resolved_at",
            "resolved_reason",
        ]
        read_only_fields = fields


class AcknowledgementSerializer(serializers.Serializer[Any]):
    """The body of a request that acknowledges an alert."""

    note = StrictStringField(
        required=False, max_length=NOTE_LENGTH, help_text="What was done about the alert."
    )


class AssignmentSerializer(serializers.Serializer[Any]):
    """The body of a request that assigns an alert."""

    to = StrictStringField(
        max_length=NAME_LENGTH,
        help_text="The username of the assignee. Empty: nobody.",
    )


class SnoozeSerializer(serializers.Serializer[Any]):
    """The body of a request that snoozes an alert: one of the two fields."""

    minutes = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=LONGEST_SNOOZE // timedelta(minutes=1),
        help_text="For this many minutes from now.",
    )
    until = serializers.DateTimeField(required=False, help_text="Until this time.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError({"until": ["Send either until or minutes."]})
        if "minutes" in attrs:
            return {"until": timezone.now() + timedelta(minutes=attrs["minutes"])}
        return attrs
