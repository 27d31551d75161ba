"""The routes that send packets and read the stored ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import (
    ParseError,
)
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.authentication import may_see_personal_data
from calls.api.docs import packets as packets_docs
from calls.api.pagination import PacketPagination
from calls.api.parameters import yes_or_no
from calls.api.parsers import NDJSONParser, StrictJSONParser
from calls.api.serializers.packets import PacketSerializer, StoredPacketSerializer, sort_out
from calls.api.views.route import INGEST, READ, CallRoute
from calls.audit.record import record_look
from calls.ingest.buffer import store
from calls.ingest.packets import IncomingPacket
from calls.ingest.requests import Way
from calls.models import AuditAction, Packet


class PacketViewSet(CallRoute):
    """Accepts packets. They are committed before the response is sent."""

    is_about_stored_calls = False
    serializer_class = PacketSerializer
    scopes: ClassVar = {"create": INGEST, "batch": INGEST}
    sends_packets = True  # which the limit of the site does not count

    def get_parsers(self) -> list[Any]:
        # REST framework asks for parsers before it sets the action.
        if "batch" in getattr(self, "action_map", {}).values():
            return [StrictJSONParser(), NDJSONParser()]
        return [StrictJSONParser()]

    @packets_docs.packet
    def create(self, request: Request, call_id: str) -> Response:
        serializer = PacketSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self._store([IncomingPacket(call_id=call_id, **serializer.validated_data)])
        return Response({"status": "accepted"}, status=status.HTTP_202_ACCEPTED)

    @packets_docs.batch
    def batch(self, request: Request, call_id: str) -> Response:
        atomic = yes_or_no(request, "atomic", default=False)
        items = _batch_items(request.data)
        packets, rejected = sort_out(items, call_id)
        # If no packet is well formed, the client most likely sends something else altogether.
        if rejected and (atomic or not packets):
            return Response(
                {"status": "rejected", "accepted": 0, "rejected": rejected},
                status=status.HTTP_400_BAD_REQUEST,
            )
        self._store(packets, Way.BATCH)
        answer: dict[str, Any] = {"status": "accepted", "accepted": len(packets)}
        if not rejected:
            return Response(answer, status=status.HTTP_202_ACCEPTED)
        answer |= {"status": "partially_accepted", "rejected": rejected}
        return Response(answer, status=status.HTTP_207_MULTI_STATUS)

    def _store(self, packets: Sequence[IncomingPacket], way: Way = Way.SINGLE) -> None:
        if self.external_id:
            packets = [replace(packet, external_id=self.external_id) for packet in packets]
        store(packets, way)


def _batch_items(data: Any) -> list[Any]:
    limit = settings.BATCH_PACKET_LIMIT
    if not isinstance(data, list):
        raise ParseError("A batch must be a JSON array of packets, or one packet per line.")
    if not data:
        raise ParseError("The batch is empty.")
    if len(data) > limit:
        raise ParseError(f"The batch has {len(data)} packets; the limit is {limit}.")
    return data


class StoredPacketViewSet(CallRoute):
    """The packets of one call, as they were stored."""

    queryset = Packet.objects.select_related("stream").order_by("stream_id", "sequence")
    pagination_class = PacketPagination
    serializer_class = StoredPacketSerializer
    filter_backends = []
    scopes: ClassVar = {"list": READ}

    @packets_docs.stored_packets
    def list(self, request: Request, call_id: str) -> Response:
        call = self.find_call()
        # By the keys of the streams, so that the index on stream and sequence gives the order.
        streams = list(call.streams.values_list("pk", flat=True))
        page = self.paginate_queryset(self.get_queryset().filter(stream__in=streams))
        context = {"may_see_data": may_see_personal_data(request)}
        if context["may_see_data"]:
            record_look(AuditAction.UNREDACTED, call_id=call_id)
        rows = StoredPacketSerializer(page, many=True, context=context)
        return self.get_paginated_response(rows.data)
