"""Calls, their streams and attempts, and the bodies of ``start`` and ``decode``."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from calls.analysis.arrivals import remarks_on
from calls.api.serializers.fields import (
    CheckedStringField,
    CustomValuesField,
    StrictChoiceField,
)
from calls.description import DESCRIBED, NAMES, Described
from calls.formats.media_types import MEDIA_PATTERN, parse_media
from calls.models import (
    Attempt,
    Call,
    Stream,
    Tag,
)
from calls.models.alert import level_of


class DescriptionSerializer(serializers.Serializer[Call]):
    """The parties of a call and its audio format. Every field is optional."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # The schema lists media first.
        ordered = sorted(DESCRIBED, key=lambda each: each.name != "media")
        described = {each.name: _described_field(each) for each in ordered}
        fields = CustomValuesField(
            required=False, help_text="Values of custom fields, by name, such as customer_id."
        )
        return {**described, "fields": fields}


def _described_field(each: Described) -> serializers.Field[Any, Any, Any, Any]:
    told: dict[str, Any] = {"help_text": each.help_text} if each.help_text else {}
    if each.choices:
        told["read"] = each.from_carrier
        return StrictChoiceField(choices=each.choices, required=False, allow_blank=True, **told)
    return CheckedStringField(
        check=each.check,
        pattern=each.pattern,
        required=False,
        max_length=each.max_length,
        **told,
    )


class CallSerializer(serializers.ModelSerializer[Call]):
    """A call in a list. Its queryset needs ``with_note_count``, ``with_open_alerts`` and tags."""

    remarks = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="What could not be read in the received data, and what was assumed instead.",
    )
    duration_ms = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="The length of the sound, or of the words by their timestamps. Null until then.",
    )
    unjudged_language = serializers.CharField(
        read_only=True,
        help_text=(
            "The language of a side whose sentiment is not known, because the models of this "
            "site do not judge it. Empty: no such side."
        ),
    )
    sound_troubles = serializers.ListField(
        source="sound_trouble_kinds",
        child=serializers.ChoiceField(choices=Call.SoundTrouble.choices),
        read_only=True,
        help_text="What is wrong with the sound, as the analysis found it.",
    )
    tags = serializers.SlugRelatedField[Tag](slug_field="name", many=True, read_only=True)
    note_count = serializers.IntegerField(read_only=True)
    open_alerts = serializers.IntegerField(read_only=True, help_text="Number of open alerts.")
    worst_alert = serializers.SerializerMethodField(
        help_text="The severity of the worst open alert: notice, warning, critical, or null."
    )

    class Meta:
        model = Call
        fields = [
            "call_id",
            "state",
            *NAMES,
            "remarks",
            "opened_at",
            "ended_at",
            "end_reason",
            "duration_ms",
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
            "unjudged_language",
            "sound_troubles",
            "speakers_swapped",
            "media_override",
            "tags",
            "note_count",
            "open_alerts",
            "worst_alert",
        ]
        read_only_fields = fields

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A class attribute named `fields` would hide those of the serializer.
        custom = serializers.DictField(
            child=serializers.CharField(),
            read_only=True,
            source="custom",
            help_text="Values of custom fields, by name.",
        )
        return {**super().get_fields(), "fields": custom}

    def get_worst_alert(self, call: Call) -> str | None:
        return level_of(getattr(call, "worst_alert", 0)) or None


class StreamSerializer(serializers.ModelSerializer[Stream]):
    missing_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Stream
        fields = Stream.SHOWN


class DecodingSerializer(serializers.Serializer[Call]):
    """The body of ``decode``."""

    media = CheckedStringField(
        check=parse_media,
        pattern=MEDIA_PATTERN,
        max_length=100,
        help_text="A media type that can be decoded. Empty: as the sender declared it.",
    )


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

    def to_representation(self, call: Call) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(call)
        return {**shown, "remarks": remarks_on(call, list(call.streams.all()))}
