"""Alerts, with the field names of the event log, and the body that acknowledges one."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from calls.alerts.services import NOTE_LENGTH
from calls.api.filters import LEVELS
from calls.api.serializers.fields import StrictStringField
from calls.models import Alert


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """An alert. ``quote`` is redacted. ``acknowledged_at`` is null while the alert is open."""

    alert = serializers.IntegerField(source="pk", read_only=True)
    call_id = serializers.CharField(source="call.call_id", read_only=True)
    queue = serializers.CharField(source="call.queue", read_only=True)
    rule = serializers.CharField(source="name", read_only=True)
    severity = serializers.ChoiceField(source="level", choices=LEVELS, read_only=True)

    class Meta:
        model = Alert
        fields = [
            "alert",
            "call_id",
            "queue",
            "rule",
            "kind",
            "severity",
            "found",
            "quote",
            "speaker",
            "offset_ms",
            "raised_at",
            "acknowledged_at",
            "acknowledged_by",
            "note",
        ]
        read_only_fields = fields


class AcknowledgementSerializer(serializers.Serializer[Any]):
    """The body of a request that acknowledges an alert."""

    note = StrictStringField(
        required=False, max_length=NOTE_LENGTH, help_text="What was done about the alert."
    )
