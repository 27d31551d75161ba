"""The routes of calls: start, end, retry, list, transcript, recording. Each calls one service."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Prefetch
from django.http.response import HttpResponseBase
from rest_framework import status
from rest_framework.exceptions import (
    NotFound,
    PermissionDenied,
    ValidationError,
)
from rest_framework.request import Request
from rest_framework.response import Response

from calls import services
from calls.actions import ACTIONS
from calls.analysis import results
from calls.analysis.live.documents import live_transcript_document
from calls.api import downloads, waiting
from calls.api.authentication import may_see_personal_data
from calls.api.docs import annotations as annotations_docs
from calls.api.docs import calls as calls_docs
from calls.api.docs import transcripts as transcripts_docs
from calls.api.filters import CallFilter
from calls.api.pagination import CallPagination
from calls.api.parameters import one_of, whole_number, yes_or_no
from calls.api.serializers.annotations import SpeakersSerializer
from calls.api.serializers.calls import (
    CallDetailSerializer,
    CallSerializer,
    DecodingSerializer,
    DescriptionSerializer,
)
from calls.api.serializers.fields import CustomValuesField
from calls.api.views.route import INGEST, READ, CallRoute, read_body, who
from calls.audit.record import record_look
from calls.models import AuditAction, Call, Stage, Stream

DOWNLOADS = {"transcript", "recording", "table"}


def _redacted(request: Request) -> bool:
    redacted = yes_or_no(request, "redacted", default=True)
    if not redacted and not may_see_personal_data(request):
        raise PermissionDenied("Your account lacks the permission calls.view_unredacted.")
    return redacted


class CallViewSet(CallRoute):
    """Reads calls, and starts, ends, deletes, retries, dismisses, reanalyses and decodes them."""

    queryset = Call.objects.all()
    filterset_class = CallFilter
    pagination_class = CallPagination
    serializer_class = CallSerializer
    lookup_field = "call_id"
    scopes: ClassVar = {
        **dict.fromkeys(("list", "retrieve", "table", "transcript", "recording"), READ),
        "start": INGEST,
        "change_fields": INGEST,
        "speakers": ACTIONS["swap"].scope,
        "destroy": ACTIONS["delete"].scope,
        **{
            name: ACTIONS[name].scope for name in ("end", "retry", "dismiss", "reanalyse", "decode")
        },
    }
    permissions: ClassVar = {"destroy": ACTIONS["delete"].permission}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # A player accepts only audio. Do not answer 406: errors are JSON regardless.
        return super().perform_content_negotiation(request, force or self.action in DOWNLOADS)

    @calls_docs.call_list
    def list(self, request: Request) -> Response:
        calls = (
            Call.objects.with_note_count()
            .with_open_alerts()
            .prefetch_related("tags", "field_values")
        )
        page = self.paginate_queryset(self.filter_queryset(calls))
        return self.get_paginated_response(CallSerializer(page, many=True).data)

    @calls_docs.call_detail
    def retrieve(self, request: Request, call_id: str) -> Response:
        # Streams in order: PostgreSQL returns rows as they lie, and updates move them.
        calls = (
            Call.objects.with_note_count()
            .with_open_alerts()
            .prefetch_related(
                Prefetch("streams", Stream.objects.order_by("id")),
                "attempts",
                "tags",
                "field_values",
            )
        )
        return Response(CallDetailSerializer(self.find_call(calls)).data)

    @calls_docs.delete
    def destroy(self, request: Request, call_id: str) -> Response:
        ACTIONS["delete"].run(call_id=call_id, by=who(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @calls_docs.start
    def start(self, request: Request, call_id: str) -> Response:
        description = read_body(DescriptionSerializer, request)
        if self.external_id:
            if description.get("external_id") not in (None, "", self.external_id):
                raise ValidationError({"external_id": ["The address names another external id."]})
            description = {**description, "external_id": self.external_id}
        call = services.start_call(call_id=call_id, **description)
        return Response({"status": "started", "call_id": call.call_id, "state": call.state})

    @calls_docs.fields
    def change_fields(self, request: Request, call_id: str) -> Response:
        if not isinstance(request.data, dict):
            raise ValidationError({"fields": ["Send an object: each field with its value."]})
        given = CustomValuesField().run_validation(request.data)
        call = services.change_fields(call_id=call_id, fields=given, by=who(request))
        return Response({"call_id": call_id, "fields": call.custom})

    @calls_docs.end
    def end(self, request: Request, call_id: str) -> Response:
        action, reason = ACTIONS["end"], Call.EndReason.REQUESTED
        try:
            action.run(call_id=call_id, by=who(request), reason=reason)
        # Not an error: a client that got no response to the first request asks again.
        except services.NotPossible as error:
            return Response({"status": "already_completed", "state": error.state})
        return Response({"status": action.status, "call_id": call_id})

    @calls_docs.retry
    def retry(self, request: Request, call_id: str) -> Response:
        return Response(self._act("retry"))

    @calls_docs.dismiss
    def dismiss(self, request: Request, call_id: str) -> Response:
        return Response(self._act("dismiss"))

    @calls_docs.reanalyse
    def reanalyse(self, request: Request, call_id: str) -> Response:
        stage = one_of(request, "stage", Stage.values, default=Stage.TRANSCRIBE)
        return Response(self._act("reanalyse", stage=stage))

    @calls_docs.decode
    def decode(self, request: Request, call_id: str) -> Response:
        return Response(self._act("decode", **read_body(DecodingSerializer, request)))

    @annotations_docs.speakers
    def speakers(self, request: Request, call_id: str) -> Response:
        swapped = read_body(SpeakersSerializer, request)["swapped"]
        call = ACTIONS["swap"].run(call_id=call_id, swapped=swapped, by=who(request))
        return Response({"call_id": call_id, "swapped": swapped, "state": call.state})

    @transcripts_docs.transcript
    def transcript(self, request: Request, call_id: str) -> HttpResponseBase:
        wanted = one_of(request, "as", downloads.FORMATS, default="json")
        seconds = whole_number(request, "wait", default=0, low=0, high=waiting.MAX_WAIT_S)
        call = self.find_call()
        redacted = _redacted(request)
        if waiting.hold(request, call, seconds=seconds):
            return Response()  # nobody gets it: the request is answered again after the wait
        if not redacted:
            record_look(AuditAction.UNREDACTED, call_id=call.call_id)
        # Live words are removed once the transcript is stored. Read them first, so that a request
        # at that moment finds one or the other.
        live = live_transcript_document(call, redacted=redacted) if wanted == "json" else None
        if document := results.transcript_document(call, redacted=redacted):
            return downloads.transcript(request, call, document, wanted)
        if live is None:
            raise NotFound(f"This call has no transcript yet: it is {call.state}.")
        return Response({**live, "notes": downloads.notes_of(call), "fields": call.custom})

    @calls_docs.recording
    def recording(self, request: Request, call_id: str) -> HttpResponseBase:
        call = self.find_call()
        return downloads.recording(request, call, redacted=_redacted(request))

    @calls_docs.call_table
    def table(self, request: Request) -> HttpResponseBase:
        return downloads.table(
            self.filter_queryset(self.get_queryset()), bom=yes_or_no(request, "bom", default=False)
        )

    def _act(self, name: str, **options: Any) -> dict[str, Any]:
        action, call_id = ACTIONS[name], self.kwargs["call_id"]
        call = action.run(call_id=call_id, by=who(self.request), **options)
        return {"status": action.status, "call_id": call_id, "state": call.state}
