"""Descriptions of the routes of calls. No behaviour."""

from __future__ import annotations

from collections.abc import Callable

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework import serializers

from calls.api.docs.answers import (
    BOM,
    CALL_ID,
    CONFLICT,
    READ_ERRORS,
    WRITE_ERRORS,
    CustomValuesSerializer,
    F,
    answer,
    call_state,
    error,
    text,
    without,
)
from calls.api.docs.transcripts import REDACTED
from calls.api.serializers.calls import (
    CallDetailSerializer,
    CallSerializer,
    DecodingSerializer,
    DescriptionSerializer,
)

start = extend_schema(
    operation_id="start_call",
    summary="Describe a call: its parties and its audio format",
    description="Optional, at any time. A repeated request adds the new fields.",
    tags=["ingest"],
    parameters=[CALL_ID],
    request=DescriptionSerializer,
    examples=[
        OpenApiExample(
            "Two-channel mu-law",
            value={
                "media": "audio/x-mulaw;rate=8000;channels=2",
                "agent": "Daniel Reyes",
                "caller": "+442079460112",
                "queue": "billing",
                "direction": "inbound",
            },
            request_only=True,
        )
    ],
    responses={
        200: answer("Started", status=text(), call_id=text(), state=call_state()),
        **WRITE_ERRORS,
    },
)
END_STATUSES = ["processing_initiated", "already_completed"]
_FIELDS = {"customer_id": "C-1042", "crm": "https://crm.example.com/customers/1042"}
fields = extend_schema(
    operation_id="set_call_fields",
    summary="Set the custom fields of a call",
    description=(
        "Fields that are left out are removed. An administrator defines them in the admin, under "
        "*Custom fields*, with a name, a label and a kind: text, number or link (http or https). "
        "A value has at most 500 characters. `start` takes `fields` as well, and only adds. The "
        "event log gets a `call_fields` event."
    ),
    tags=["ingest"],
    parameters=[CALL_ID],
    request=CustomValuesSerializer,
    examples=[OpenApiExample("A customer and a link", value=_FIELDS, request_only=True)],
    responses={
        200: OpenApiResponse(
            answer(
                "StoredFields",
                call_id=text(),
                fields=serializers.DictField(child=serializers.CharField()),
            ),
            examples=[OpenApiExample("Stored", value={"call_id": "4711", "fields": _FIELDS})],
        ),
        **WRITE_ERRORS,
        404: READ_ERRORS[404],
    },
)
end = extend_schema(
    operation_id="end_call",
    summary="End a call and start its analysis",
    description="A repeated request returns `already_completed` with the state of the call.",
    tags=["ingest"],
    parameters=[CALL_ID],
    request=None,
    responses={
        200: OpenApiResponse(
            answer(
                "Ended",
                status=serializers.ChoiceField(choices=END_STATUSES),
                call_id=serializers.CharField(required=False),
                state=call_state(required=False),
            ),
            examples=[
                OpenApiExample(
                    "First time", value={"status": "processing_initiated", "call_id": "4711"}
                ),
                OpenApiExample(
                    "Again", value={"status": "already_completed", "state": "PROCESSING_AI"}
                ),
            ],
        ),
        **READ_ERRORS,
    },
)

_requeued = answer("Requeued", status=text(), call_id=text(), state=call_state())


def _requeue(
    operation: str, summary: str, description: str, *parameters: OpenApiParameter
) -> Callable[[F], F]:
    return extend_schema(
        operation_id=operation,
        summary=summary,
        description=description,
        tags=["supervise"],
        parameters=[CALL_ID, *parameters],
        request=None,
        responses={
            200: _requeued,
            409: CONFLICT,
            **READ_ERRORS,
        },
    )


retry = _requeue(
    "retry_call",
    "Give a FAILED call another round of attempts",
    "It continues at the stage that failed. A transcript that covers every packet is kept.",
)
dismiss = _requeue(
    "dismiss_call",
    "Dismiss a FAILED call that needs no analysis",
    "It stays FAILED and gets `dismissed_at`. It no longer counts as failed and is not retried "
    "automatically. `GET /v1/call?state=FAILED&dismissed=false` lists the calls that are left. A "
    "repeated request changes nothing; `retry` undoes it.",
)
reanalyse = _requeue(
    "reanalyse_call",
    "Analyse an ARCHIVED call again, keeping the previous result",
    "Starts at `transcribe`, or at `understand` to keep the transcript. If the packets have been "
    "pruned, the recording is transcribed.",
    OpenApiParameter("stage", str, enum=["transcribe", "understand"], default="transcribe"),
)
decode = extend_schema(
    operation_id="decode_call",
    summary="Decode a finished call again, in another format",
    description=(
        "Use this if the sender declared a wrong or an unknown format. The stored packets are "
        "decoded as `media`, and the call is analysed again. The previous result is kept. 409 if "
        "the call is not over, or if its packets have been pruned."
    ),
    tags=["supervise"],
    parameters=[CALL_ID],
    request=DecodingSerializer,
    examples=[OpenApiExample("16 kHz", value={"media": "audio/l16;rate=16000"}, request_only=True)],
    responses={200: _requeued, 409: CONFLICT, **WRITE_ERRORS, 404: READ_ERRORS[404]},
)
delete = extend_schema(
    operation_id="delete_call",
    summary="Delete a finished call for good",
    description=(
        "Deletes its packets, recording, transcripts, notes and alerts. The call must be ARCHIVED "
        "or FAILED: end it first, and wait for its analysis. Users need the permission "
        "*Can delete call*. The event log keeps the id in a `call_deleted` event. A packet that "
        "arrives afterwards for this id opens a new call."
    ),
    tags=["supervise"],
    parameters=[CALL_ID],
    request=None,
    responses={
        204: OpenApiResponse(description="The call was deleted."),
        409: error(
            "The call is not over.",
            {"detail": "A call that is live cannot be deleted.", "state": "IN_PROGRESS"},
        ),
        **READ_ERRORS,
    },
)
call_list = extend_schema(
    operation_id="list_calls",
    summary="Calls, newest first",
    tags=["lists"],
    responses={200: CallSerializer(many=True), **READ_ERRORS},
)
call_detail = extend_schema(
    operation_id="get_call",
    summary="One call with its streams and attempts",
    tags=["results"],
    parameters=[CALL_ID],
    responses={200: CallDetailSerializer, **READ_ERRORS},
)
call_table = extend_schema(
    operation_id="export_calls",
    summary="All calls that match the filters, as CSV, newest first",
    description="Cells that a spreadsheet would run as a formula start with an apostrophe.",
    tags=["lists"],
    parameters=[BOM],
    responses={(200, "text/csv"): OpenApiTypes.STR, **without(READ_ERRORS, 404)},
)
recording = extend_schema(
    operation_id="get_recording",
    summary="The recording as a WAV file: agent left, customer right",
    description=(
        "Personal data is muted. With `redacted=false`, users with the permission get the "
        "original audio. Until there is a transcript, everyone else gets 403. Ranges, `If-Range` "
        "and `If-None-Match` are supported. 404 if the call has no audio."
    ),
    tags=["results"],
    parameters=[
        CALL_ID,
        REDACTED,
        OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="bytes=0-65535"),
    ],
    responses={
        (200, "audio/wav"): OpenApiTypes.BINARY,
        (206, "audio/wav"): OpenApiTypes.BINARY,
        304: OpenApiResponse(description="The copy named by `If-None-Match` is current."),
        416: OpenApiResponse(description="The range starts after the end of the file."),
        **READ_ERRORS,
    },
)
