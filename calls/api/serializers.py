"""The wire format: what comes in, checked strictly, and what goes out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, get_args

from django.conf import settings
from rest_framework import serializers

from calls.analysis.media import parse_media
from calls.annotations import TAG_RULE
from calls.ingest.packets import (
    MAX_MEDIA_LENGTH,
    MAX_NAME_LENGTH,
    MAX_SEQUENCE,
    MAX_TRACK_LENGTH,
    IncomingPacket,
)
from calls.models import (
    CALL_ID_PATTERN,
    CALL_ID_RULE,
    NOTE_LENGTH,
    RESERVED_CALL_IDS,
    Attempt,
    Call,
    Note,
    Packet,
    Stream,
    Tag,
)
from calls.models.alert import level_of
from calls.search.index import Where


def check_call_id(call_id: str) -> str:
    """Raise ValidationError unless it is a call id."""
    if not re.fullmatch(CALL_ID_PATTERN, call_id):
        raise serializers.ValidationError({"call_id": [f"A call id is {CALL_ID_RULE}."]})
    if call_id in RESERVED_CALL_IDS:
        raise serializers.ValidationError({"call_id": [f"{call_id!r} is reserved."]})
    return call_id


def _kind(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array",
             dict: "object", type(None): "null"}  # fmt: skip
    return names.get(type(value), type(value).__name__)


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer: no string, no boolean, no 1.0."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            raise serializers.ValidationError(f"Must be an integer, not {_kind(data)}.")
        return data


class StrictNumberField(serializers.FloatField):
    """A JSON number that a double can hold."""

    def to_internal_value(self, data: Any) -> float:
        if type(data) not in (int, float):
            raise serializers.ValidationError(f"Must be a number, not {_kind(data)}.")
        try:
            number = float(data)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise serializers.ValidationError("Must be a finite number.")
        return number


class StrictStringField(serializers.CharField):
    """A JSON string, taken as it is, with at most ``max_bytes`` bytes of UTF-8."""

    def __init__(self, *, max_bytes: int | None = None, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, allow_blank=True, **kwargs)
        self.max_bytes = max_bytes

    def to_internal_value(self, data: Any) -> str:
        if type(data) is not str:
            raise serializers.ValidationError(f"Must be a string, not {_kind(data)}.")
        return data

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        # The validators of CharField have refused what UTF-8 cannot hold.
        if self.max_bytes and (size := len(value.encode())) > self.max_bytes:
            raise serializers.ValidationError(
                f"Has {size} bytes; the limit is {self.max_bytes} bytes."
            )


class StrictChoiceField(serializers.ChoiceField):
    """One of some JSON strings. The answer lists them, and does not repeat what came instead."""

    def to_internal_value(self, data: Any) -> str:
        if type(data) is not str:
            raise serializers.ValidationError(f"Must be a string, not {_kind(data)}.")
        if data not in ("", *self.choices):
            raise serializers.ValidationError(f"Must be one of {', '.join(self.choices)}.")
        return data


class MediaField(StrictStringField):
    """A media format such as ``audio/x-mulaw;rate=8000`` or ``text/plain``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=MAX_MEDIA_LENGTH, required=False, **kwargs)

    def run_validators(self, value: Any) -> None:
        super().run_validators(value)
        if not value:
            return
        try:
            parse_media(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error


class PacketSerializer(serializers.Serializer[IncomingPacket]):
    """One packet as a sender writes it."""

    sequence = StrictIntegerField(
        min_value=0,
        max_value=MAX_SEQUENCE,
        help_text="Counts the packets of a stream, from 0 or 1. Repeats and gaps are fine.",
    )
    timestamp = StrictNumberField(
        help_text="The sender's clock in seconds, since the epoch or since the call began."
    )
    stream = StrictStringField(
        required=False,
        max_length=MAX_NAME_LENGTH,
        help_text="Tells several streams of one call apart; each has its own sequences.",
    )
    track = StrictStringField(
        required=False,
        max_length=MAX_TRACK_LENGTH,
        help_text="agent, customer, inbound, outbound...: who is to be heard.",
    )
    media = MediaField(help_text="Format of this stream, if `start` did not say it.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A class attribute named `data` would hide Serializer.data.
        data = StrictStringField(
            max_bytes=settings.PACKET_DATA_LIMIT,
            help_text=f"Words, or base64 audio; at most {settings.PACKET_DATA_LIMIT} bytes.",
        )
        return {**super().get_fields(), "data": data}


def sort_out(
    items: Sequence[Any], call_id: str
) -> tuple[list[IncomingPacket], list[dict[str, Any]]]:
    """Return the packets that can be stored, and what is wrong with each of the others."""
    packets, rejected = [], []
    for index, item in enumerate(items):
        serializer = PacketSerializer(data=item)
        if serializer.is_valid():
            packets.append(IncomingPacket(call_id=call_id, **serializer.validated_data))
        else:
            rejected.append({"index": index, "errors": serializer.errors})
    return packets, rejected


class DescriptionSerializer(serializers.Serializer[Call]):
    """Who calls whom, and how the audio is encoded. Everything is optional."""

    media = MediaField(help_text="audio/x-mulaw;rate=8000, audio/l16;rate=16000, text/plain...")
    agent = StrictStringField(required=False, max_length=200)
    caller = StrictStringField(required=False, max_length=200)
    callee = StrictStringField(required=False, max_length=200)
    queue = StrictStringField(required=False, max_length=200)
    direction = StrictChoiceField(choices=Call.Direction.choices, required=False, allow_blank=True)


class CallSerializer(serializers.ModelSerializer[Call]):
    """A call in a list: ``with_note_count``, ``with_open_alerts``, tags fetched beforehand."""

    tags = serializers.SlugRelatedField[Tag](slug_field="name", many=True, read_only=True)
    note_count = serializers.IntegerField(read_only=True)
    open_alerts = serializers.IntegerField(
        read_only=True, help_text="How many alerts nobody has acknowledged."
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


class StrictBooleanField(serializers.BooleanField):
    """A JSON true or false: no string, no number."""

    def to_internal_value(self, data: Any) -> bool:
        if type(data) is not bool:
            raise serializers.ValidationError(f"Must be a boolean, not {_kind(data)}.")
        return data


class SpeakersSerializer(serializers.Serializer[Call]):
    swapped = StrictBooleanField(
        help_text="Whether agent and customer are the other way round than received."
    )


class NewTagSerializer(serializers.Serializer[Tag]):
    name = StrictStringField(help_text=f"{TAG_RULE}. Capitals make no difference.")


class NewNoteSerializer(serializers.Serializer[Note]):
    text = StrictStringField(help_text=f"1 to {NOTE_LENGTH} characters.")


class TagSerializer(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ["name", "added_at", "added_by"]


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ["id", "text", "written_at", "author"]


class HitSerializer(serializers.Serializer[Any]):
    """Where the words are: a turn, by who says it, or a finding or note, without turn and times."""

    where = serializers.ChoiceField(get_args(Where), help_text="What `text` comes from.")
    name = serializers.CharField(allow_null=True, help_text="Of the insight, or of who noted it.")
    note = serializers.IntegerField(allow_null=True, help_text="The id of the note.")
    turn = serializers.IntegerField(allow_null=True, help_text="Place among the turns, from 0.")
    begin_ms = serializers.IntegerField(allow_null=True)
    end_ms = serializers.IntegerField(allow_null=True)
    sentiment = serializers.ChoiceField(Call.Sentiment.choices, allow_null=True)
    text = serializers.CharField(help_text="The part of it in which the words are. Redacted.")
    matches = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        help_text="Where in `text` the words are: from, to.",
    )


class FoundCallSerializer(CallSerializer):
    """A call that was found, with the best of its hits."""

    hit_count = serializers.IntegerField(read_only=True)
    hits = HitSerializer(many=True, read_only=True)

    class Meta(CallSerializer.Meta):
        fields = [*CallSerializer.Meta.fields, "hit_count", "hits"]
        read_only_fields = fields


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
    """A call with its streams and every attempt at analysing it."""

    streams = StreamSerializer(many=True, read_only=True)
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta(CallSerializer.Meta):
        fields = [*CallSerializer.Meta.fields, "streams", "attempts"]
        read_only_fields = fields


class StoredPacketSerializer(serializers.ModelSerializer[Packet]):
    """A packet as it was stored; ``data`` only for who may read personal data."""

    stream = serializers.CharField(source="stream.name", read_only=True)

    class Meta:
        model = Packet
        fields = ["stream", "sequence", "track", "timestamp", "received_at", "late"]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        data = serializers.CharField(read_only=True, allow_null=True)
        return {**super().get_fields(), "data": data}

    def to_representation(self, instance: Packet) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return shown if self.context.get("may_see_data") else {**shown, "data": None}


class EventSerializer(serializers.Serializer[dict[str, Any]]):
    """One entry of the event log, the same on every interface."""

    type = serializers.CharField()
    call_id = serializers.CharField(allow_null=True)
    state = serializers.CharField()
    offset = serializers.IntegerField()
    at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "data": serializers.DictField()}
