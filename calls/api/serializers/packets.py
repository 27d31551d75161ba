"""Packets as they are sent and as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from rest_framework import serializers

from calls.api.serializers.fields import (
    MediaField,
    StrictIntegerField,
    StrictNumberField,
    StrictStringField,
)
from calls.ingest.packets import (
    MAX_NAME_LENGTH,
    MAX_SEQUENCE,
    MAX_TRACK_LENGTH,
    IncomingPacket,
)
from calls.models import (
    Packet,
)


class PacketSerializer(serializers.Serializer[IncomingPacket]):
    """One packet as it is sent."""

    sequence = StrictIntegerField(
        min_value=0,
        max_value=MAX_SEQUENCE,
        help_text="Number in the stream. It usually starts at 0 or 1, and may start anywhere. "
        "Duplicates and gaps are accepted. A packet with the same number and another timestamp, "
        "track or content is not a duplicate: it opens another run of the stream.",
    )
    timestamp = StrictNumberField(
        help_text="The sender's clock in seconds, since the epoch or since the start of the call."
    )
    stream = StrictStringField(
        required=False,
        max_length=MAX_NAME_LENGTH,
        help_text="Name of the stream, if a call has several. Each stream has its own sequence.",
    )
    track = StrictStringField(
        required=False,
        max_length=MAX_TRACK_LENGTH,
        help_text="Whose audio or text it is: agent, customer, inbound, outbound...",
    )
    media = MediaField(help_text="Media format of this stream, if `start` did not give it.")

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
    """Return the valid packets, and the index and errors of each of the others."""
    packets, rejected = [], []
    for index, item in enumerate(items):
        serializer = PacketSerializer(data=item)
        if serializer.is_valid():
            packets.append(IncomingPacket(call_id=call_id, **serializer.validated_data))
        else:
            rejected.append({"index": index, "errors": serializer.errors})
    return packets, rejected


class StoredPacketSerializer(serializers.ModelSerializer[Packet]):
    """A packet as it was stored. ``data`` is null unless the reader may see personal data."""

    stream = serializers.CharField(source="stream.name", read_only=True)
    run = serializers.IntegerField(source="stream.run", read_only=True)

    class Meta:
        model = Packet
        fields = ["stream", "run", "sequence", "track", "timestamp", "received_at", "late"]

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        data = serializers.CharField(read_only=True, allow_null=True)
        return {**super().get_fields(), "data": data}

    def to_representation(self, instance: Packet) -> dict[str, Any]:
        shown = super().to_representation(instance)
        # Packets are as received: nothing in them is redacted.
        return shown if self.context.get("may_see_data") else {**shown, "data": None}
