"""The routes below /v1: each action translates and calls one service."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework import status, viewsets
from rest_framework.exceptions import (
    NotAuthenticated,
    NotFound,
    ParseError,
    PermissionDenied,
    UnsupportedMediaType,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from calls import events, services
from calls.analysis import results
from calls.api import docs, docs_annotations, docs_event_stream, downloads, event_stream
from calls.api.filters import CallFilter
from calls.api.keys import may_see_personal_data
from calls.api.pagination import MAX_LIMIT, CallPagination, PacketPagination
from calls.api.parameters import one_of, whole_number, yes_or_no
from calls.api.parsers import NDJSONParser, StrictJSONParser
from calls.api.serializers import (
    CallDetailSerializer,
    CallSerializer,
    DescriptionSerializer,
    PacketSerializer,
    SpeakersSerializer,
    StoredPacketSerializer,
    check_call_id,
    sort_out,
)
from calls.ingest.buffer import store
from calls.ingest.packets import IncomingPacket
from calls.models import ApiKey, Call, Packet, Stage, Stream
from calls.speakers import swap_speakers

DOWNLOADS = {"transcript", "recording", "table"}
INGEST, READ, OPERATE = ApiKey.Scope.INGEST, ApiKey.Scope.READ, ApiKey.Scope.OPERATE


class CallRoute(viewsets.GenericViewSet[Any]):
    """What all routes of one call share: its id is checked, and bodies are plain."""

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        # A chunked body announces no length, which REST framework takes for no body.
        if "CONTENT_LENGTH" not in request.META:
            request.META["CONTENT_LENGTH"] = str(len(request.body))
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding != "identity":
            raise UnsupportedMediaType(encoding, f"Content-Encoding {encoding!r} is not supported.")
        if "call_id" in kwargs:
            check_call_id(kwargs["call_id"])

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> Any:
        if not request.user.is_authenticated:
            raise NotAuthenticated("Send an API key as `Authorization: Bearer KEY`, or log in.")
        super().permission_denied(request, message, code)


class PacketViewSet(CallRoute):
    """Packets in: stored before the answer leaves."""

    serializer_class = PacketSerializer
    scopes: ClassVar = {"create": INGEST, "batch": INGEST}

    def get_parsers(self) -> list[Any]:
        if "batch" in getattr(self, "action_map", {}).values():
            return [StrictJSONParser(), NDJSONParser()]
        return [StrictJSONParser()]

    @docs.packet
    def create(self, request: Request, call_id: str) -> Response:
        serializer = PacketSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        store([IncomingPacket(call_id=call_id, **serializer.validated_data)])
        return Response({"status": "accepted"}, status=status.HTTP_202_ACCEPTED)

    @docs.batch
    def batch(self, request: Request, call_id: str) -> Response:
        atomic = yes_or_no(request, "atomic", default=False)
        items = _batch_items(request.data)
        packets, rejected = sort_out(items, call_id)
        if rejected and (atomic or not packets):
            return Response(
                {"status": "rejected", "accepted": 0, "rejected": rejected},
                status=status.HTTP_400_BAD_REQUEST,
            )
        store(packets)
        answer: dict[str, Any] = {"status": "accepted", "accepted": len(packets)}
        if not rejected:
            return Response(answer, status=status.HTTP_202_ACCEPTED)
        answer |= {"status": "partially_accepted", "rejected": rejected}
        return Response(answer, status=status.HTTP_207_MULTI_STATUS)


def _batch_items(data: Any) -> list[Any]:
    limit = settings.BATCH_PACKET_LIMIT
    if not isinstance(data, list):
        raise ParseError("A batch is a JSON array of packets, or one packet a line.")
    if not data:
        raise ParseError("The batch is empty.")
    if len(data) > limit:
        raise ParseError(f"The batch has {len(data)} packets; the limit is {limit}.")
    return data


def who(request: Request) -> str:
    """Name a person or a key for the event log; empty when the API asks for neither."""
    return str(request.user) if request.user.is_authenticated else ""


def _redacted(request: Request) -> bool:
    redacted = yes_or_no(request, "redacted", default=True)
    if not redacted and not may_see_personal_data(request):
        raise PermissionDenied("Your account lacks the permission calls.view_unredacted.")
    return redacted


class CallViewSet(CallRoute):
    """Calls: described, ended and retried by the telephone system, read by anyone who may."""

    queryset = Call.objects.all()
    filterset_class = CallFilter
    pagination_class = CallPagination
    serializer_class = CallSerializer
    lookup_field = "call_id"
    scopes: ClassVar = {
        "start": INGEST,
        "end": INGEST,
        "retry": OPERATE,
        "reanalyse": OPERATE,
        "speakers": OPERATE,
        "dismiss": OPERATE,
    }

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # A player accepts audio only, which is what it gets; but an error is JSON all the same.
        return super().perform_content_negotiation(request, force or self.action in DOWNLOADS)

    @docs.call_list
    def list(self, request: Request) -> Response:
        calls = Call.objects.with_note_count().with_open_alerts().prefetch_related("tags")
        page = self.paginate_queryset(self.filter_queryset(calls))
        return self.get_paginated_response(CallSerializer(page, many=True).data)

    @docs.call_detail
    def retrieve(self, request: Request, call_id: str) -> Response:
        calls = (
            Call.objects.with_note_count()
            .with_open_alerts()
            .prefetch_related(
                Prefetch("streams", Stream.objects.order_by("id")), "attempts", "tags"
            )
        )
        return Response(CallDetailSerializer(self._call(calls)).data)

    @docs.start
    def start(self, request: Request, call_id: str) -> Response:
        serializer = DescriptionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        call = services.start_call(call_id=call_id, **serializer.validated_data)
        return Response({"status": "started", "call_id": call.call_id, "state": call.state})

    @docs.end
    def end(self, request: Request, call_id: str) -> Response:
        try:
            services.end_call(call_id=call_id, by=who(request))
        except services.NotPossible as error:
            return Response({"status": "already_completed", "state": error.state})
        return Response({"status": "processing_initiated", "call_id": call_id})

    @docs.retry
    def retry(self, request: Request, call_id: str) -> Response:
        call = services.retry_call(call_id=call_id, by=who(request))
        return Response({"status": "retry_initiated", "call_id": call_id, "state": call.state})

    @docs.dismiss
    def dismiss(self, request: Request, call_id: str) -> Response:
        call = services.dismiss_call(call_id=call_id, by=who(request))
        return Response({"status": "dismissed", "call_id": call_id, "state": call.state})

    @docs.reanalyse
    def reanalyse(self, request: Request, call_id: str) -> Response:
        stage = one_of(request, "stage", Stage.values, default=Stage.TRANSCRIBE)
        call = services.reanalyse_call(call_id=call_id, by=who(request), stage=stage)
        return Response({"status": "reanalysis_initiated", "call_id": call_id, "state": call.state})

    @docs_annotations.speakers
    def speakers(self, request: Request, call_id: str) -> Response:
        serializer = SpeakersSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        swapped = serializer.validated_data["swapped"]
        call = swap_speakers(call_id=call_id, swapped=swapped, by=who(request))
        return Response({"call_id": call_id, "swapped": swapped, "state": call.state})

    @docs.transcript
    def transcript(self, request: Request, call_id: str) -> HttpResponseBase:
        wanted = one_of(request, "as", downloads.FORMATS, default="json")
        call = self._call(Call.objects.all())
        document = results.transcript_document(call, redacted=_redacted(request))
        if document is None:
            raise NotFound(f"This call has no transcript yet: it is {call.state}.")
        return downloads.transcript(request, call, document, wanted)

    @docs.recording
    def recording(self, request: Request, call_id: str) -> HttpResponseBase:
        call = self._call(Call.objects.all())
        return downloads.recording(request, call, redacted=_redacted(request))

    @docs.call_table
    def table(self, request: Request) -> HttpResponseBase:
        return downloads.table(self.filter_queryset(self.get_queryset()))

    def _call(self, queryset: QuerySet[Call]) -> Call:
        call = queryset.filter(call_id=self.kwargs["call_id"]).first()
        if call is None:
            raise services.CallNotFound(f"There is no call {self.kwargs['call_id']}.")
        return call


class StoredPacketViewSet(CallRoute):
    """The packets of one call, as they were stored."""

    queryset = Packet.objects.select_related("stream").order_by("stream_id", "sequence")
    pagination_class = PacketPagination
    serializer_class = StoredPacketSerializer
    filter_backends = []
    scopes: ClassVar[dict[str, str]] = {}

    @docs.stored_packets
    def list(self, request: Request, call_id: str) -> Response:
        call = Call.objects.filter(call_id=call_id).first()
        if call is None:
            raise services.CallNotFound(f"There is no call {call_id}.")
        streams = list(call.streams.values_list("pk", flat=True))
        page = self.paginate_queryset(self.get_queryset().filter(stream__in=streams))
        context = {"may_see_data": may_see_personal_data(request)}
        rows = StoredPacketSerializer(page, many=True, context=context)
        return self.get_paginated_response(rows.data)


class EventViewSet(CallRoute):
    """The event log, by offset."""

    filter_backends = []
    scopes: ClassVar[dict[str, str]] = {}
    queryset = Call.objects.none()
    serializer_class = BaseSerializer

    @docs.event_list
    def list(self, request: Request) -> Response:
        after = whole_number(request, "after", default=0, low=0, high=2**63 - 1)
        limit = whole_number(request, "limit", default=100, low=1, high=MAX_LIMIT)
        found = events.read(after=after, limit=limit)
        return Response(
            {
                "epoch": events.epoch(),
                "head": events.head(),
                "results": events.as_messages(found),
                "next_after": found[-1].id if found else after,
            }
        )

    @docs_event_stream.event_stream
    def stream(self, request: Request) -> Response:
        return event_stream.allow(request)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # A browser asks a stream for text/event-stream only; but an error is JSON all the same.
        return super().perform_content_negotiation(request, force or self.action == "stream")

    @docs.call_events
    def of_call(self, request: Request, call_id: str) -> Response:
        after = whole_number(request, "after", default=0, low=0, high=2**63 - 1)
        limit = whole_number(request, "limit", default=100, low=1, high=MAX_LIMIT)
        call = Call.objects.filter(call_id=call_id).first()
        if call is None:
            raise services.CallNotFound(f"There is no call {call_id}.")
        found = list(call.events.filter(id__gt=after).select_related("call")[:limit])
        return Response(
            {
                "results": events.as_messages(found),
                "next_after": found[-1].id if found else after,
            }
        )
