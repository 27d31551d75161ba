"""Calls, their streams and attempts, and the body of ``start``."""

from __future__ import annotations

from rest_framework import serializers

from calls.api.serializers.fields import MediaField, StrictChoiceField, StrictStringField
from calls.models import (
    Attempt,
    Call,
    Stream,
    Tag,
)
from calls.models.alert import level_of


class DescriptionSerializer(serializers.Serializer[Call]):
    """The parties of a call and its audio format. Every field is optional."""

    media = MediaField(help_text="audio/x-mulaw;rate=8000, audio/l16;rate=16000, text/plain...")
    agent = StrictStringField(required=False, max_length=200)
    caller = StrictStringField(required=False, max_length=200)
    callee = StrictStringField(required=False, max_length=200)
    queue = StrictStringField(required=False, max_length=200)
    direction = StrictChoiceField(choices=Call.Direction.choices, required=False, allow_blank=True)


class CallSerializer(serializers.ModelSerializer[Call]):
    """A call in a list. Its queryset needs ``with_note_count``, ``with_open_alerts`` and tags."""

    tags = serializers.SlugRelatedField[Tag](slug_field="name", many=True, read_only=True)
    note_count = serializers.IntegerField(read_only=True)
    open_alerts = serializers.IntegerField(
        read_only=True, help_text="Number of alerts that nobody has acknowledged."
    )
    worst_alert = serializers.SerializerMethodField(
        help_text="The severity of the worst open alert: notice, warning, critical, or null."
    )

    class Meta:
        model = Call
        fields = [
            "call_id",
            "state",
            "agent",
            "caller",
            "callee",
            "queue",
            "direction",
            "media",
            "opened_at",
            "ended_at",
            "end_reason",
            "state_changed_at",
            "last_packet_at",
            "packet_count",
            "last_sequence",
            "missing_count",
            "late_count",
            "duplicate_count",
            "packets_pruned_at",
            "next_attempt_at",
            "last_error",
            "dismissed_at",
            "customer_sentiment",
            "customer_trend",
            "agent_sentiment",
            "agent_trend",
            "speakers_swapped",
            "tags",
            "note_count",
            "open_alerts",
            "worst_alert",
        ]
        read_only_fields = fields

    def get_worst_alert(self, call: Call) -> str | None:
        return level_of(getattr(call, "worst_alert", 0)) or None


class StreamSerializer(serializers.ModelSerializer[Stream]):
    missing_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Stream
        fields = [
            "name",
            "media",
            "opened_at",
            "packet_count",
            "first_sequence",
            "last_sequence",
            "missing_count",
            "late_count",
            "duplicate_count",
            "reordered_count",
            "frame_count",
            "missing_frames",
            "repeated_frames",
            "reordered_frames",
            "malformed_frames",
        ]


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    duration_ms = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = Attempt
        fields = [
            "round",
            "stage",
            "number",
            "provider",
            "outcome",
            "code",
            "error",
            "started_at",
            "finished_at",
            "duration_ms",
            "retry_at",
            "request_id",
        ]


class CallDetailSerializer(CallSerializer):
    """A call with its streams and all attempts to analyse it."""

    streams = StreamSerializer(many=True, read_only=True)
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta(CallSerializer.Meta):
        fields = [*CallSerializer.Meta.fields, "streams", "attempts"]
        read_only_fields = fields
