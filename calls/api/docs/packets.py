"""Descriptions of the routes that send and read packets. No behaviour."""

from __future__ import annotations

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from calls.api.docs.answers import CALL_ID, READ_ERRORS, WRITE_ERRORS, answer, text
from calls.api.pagination import DEFAULT_LIMIT, MAX_LIMIT
from calls.api.serializers.packets import PacketSerializer, StoredPacketSerializer

_WORDS = {"sequence": 1, "data": "Good morning.", "timestamp": 0.4, "track": "agent"}
_AUDIO = {"sequence": 2, "data": "//9+fn5//35+fg==", "timestamp": 0.02, "track": "inbound"}
packet = extend_schema(
    operation_id="send_packet",
    summary="Send one packet",
    description=(
        "Returns 202 once the packet is stored. The first packet of an unknown call opens the "
        "call. Packets may arrive in any order. A duplicate packet, with the number, timestamp, "
        "track and data of a stored one, is stored once and gets the same response. A packet that "
        "only shares a number opens another run of its stream. A packet that arrives after the "
        "end of its call is stored and flagged as late."
    ),
    tags=["ingest"],
    parameters=[CALL_ID],
    request=PacketSerializer,
    examples=[
        OpenApiExample("Words", value=_WORDS, request_only=True),
        OpenApiExample("Audio: 20 ms of mu-law", value=_AUDIO, request_only=True),
    ],
    responses={202: answer("Accepted", status=text()), **WRITE_ERRORS},
)
_rejected = inline_serializer(
    "RejectedPacket",
    {
        "index": serializers.IntegerField(help_text="In the batch, from 0."),
        "errors": serializers.DictField(help_text="The reasons, by field."),
    },
    many=True,
)
batch = extend_schema(
    operation_id="send_batch",
    summary="Send up to 1,000 packets",
    description=(
        "Send a JSON array, or one packet per line as `application/x-ndjson`. If only some "
        "packets are well formed, those are stored, and the response is 207 with the index and the "
        "errors of each rejected packet. With `atomic=true`, either all packets are stored or "
        "none. If no packet is well formed, the response is 400."
    ),
    tags=["ingest"],
    parameters=[
        CALL_ID,
        OpenApiParameter("atomic", OpenApiTypes.BOOL, description="Store all packets or none."),
    ],
    request={
        "application/json": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/PacketRequest"},
            "minItems": 1,
            "maxItems": settings.BATCH_PACKET_LIMIT,
        },
        "application/x-ndjson": OpenApiTypes.STR,
    },
    examples=[OpenApiExample("Two packets", value=[_WORDS, _AUDIO], request_only=True)],
    responses={
        202: answer("BatchAccepted", status=text(), accepted=serializers.IntegerField()),
        207: OpenApiResponse(
            answer(
                "PartiallyAccepted",
                status=text(),
                accepted=serializers.IntegerField(),
                rejected=_rejected,
            ),
            "Some packets were stored. The others are listed.",
            [
                OpenApiExample(
                    "One of two",
                    value={
                        "status": "partially_accepted",
                        "accepted": 1,
                        "rejected": [{"index": 1, "errors": {"data": ["This field is required."]}}],
                    },
                )
            ],
        ),
        **WRITE_ERRORS,
    },
)
stored_packets = extend_schema(
    operation_id="list_packets",
    summary="The stored packets of a call",
    description="`data` is null for API keys, and for users who may not read personal data.",
    tags=["results"],
    parameters=[
        CALL_ID,
        OpenApiParameter("after", str, description="Position, from `next` of the previous page."),
        OpenApiParameter(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
            default=DEFAULT_LIMIT,
            description="Maximum number of packets.",
        ),
    ],
    responses={200: StoredPacketSerializer(many=True), **READ_ERRORS},
)
