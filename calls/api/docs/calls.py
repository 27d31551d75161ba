"""What /docs and /schema say about each route: examples and every error. No behaviour."""

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
    CALL_ID,
    CONFLICT,
    READ_ERRORS,
    WRITE_ERRORS,
    F,
    _without,
    answer,
    text,
)
from calls.api.downloads import FORMATS
from calls.api.serializers.calls import CallDetailSerializer, CallSerializer, DescriptionSerializer

start = extend_schema(
    operation_id="start_call",
    summary="Say who calls whom, and how the audio is encoded",
    description="Optional, and welcome at any time. Repeated, it adds what is new.",
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
    responses={200: answer("Started", status=text(), call_id=text(), state=text()), **WRITE_ERRORS},
)
end = extend_schema(
    operation_id="end_call",
    summary="End a call and have it analysed",
    description="Repeated, it answers `already_completed` with the state of the call.",
    tags=["ingest"],
    parameters=[CALL_ID],
    request=None,
    responses={
        200: OpenApiResponse(
            answer("Ended", status=text(), call_id=serializers.CharField(required=False)),
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

_requeued = answer("Requeued", status=text(), call_id=text(), state=text())


def _requeue(
    operation: str, summary: str, description: str, *parameters: OpenApiParameter
) -> Callable[[F], F]:
    return extend_schema(
        operation_id=operation,
        summary=summary,
        description=description,
        tags=["operate"],
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
    "It goes on at the stage that failed: a transcript that has every packet is not made again.",
)
dismiss = _requeue(
    "dismiss_call",
    "Say that a FAILED call needs no analysis",
    "It stays FAILED, gets `dismissed_at`, no longer counts as failed, and is not retried by "
    "itself. `GET /v1/call?state=FAILED&dismissed=false` lists those that are left. Repeated, it "
    "changes nothing; another `retry` takes it back.",
)
reanalyse = _requeue(
    "reanalyse_call",
    "Analyse an ARCHIVED call anew, keeping the old result",
    "From scratch, or from a stage on: `understand` keeps the transcript. Where the packets have "
    "been pruned, the recording is transcribed.",
    OpenApiParameter("stage", str, enum=["transcribe", "understand"], default="transcribe"),
)
call_list = extend_schema(
    operation_id="list_calls",
    summary="Calls, newest first",
    tags=["read"],
    responses={200: CallSerializer(many=True), **READ_ERRORS},
)
call_detail = extend_schema(
    operation_id="get_call",
    summary="One call with its streams and attempts",
    tags=["read"],
    parameters=[CALL_ID],
    responses={200: CallDetailSerializer, **READ_ERRORS},
)
call_table = extend_schema(
    operation_id="export_calls",
    summary="Calls as CSV, newest first, all that the filters leave",
    description="Cells that a spreadsheet would run as a formula begin with an apostrophe.",
    tags=["read"],
    responses={(200, "text/csv"): OpenApiTypes.STR, **_without(READ_ERRORS, 404)},
)
_REDACTED = OpenApiParameter(
    "redacted", OpenApiTypes.BOOL, default=True, description="`false` needs a permission."
)
transcript = extend_schema(
    operation_id="get_transcript",
    summary="Who said what, in which mood",
    description=(
        "Personal data is masked. With `redacted=false`, whoever has the permission gets it as "
        "it was said. 404 until there is a transcript. `as` gives it in the shape of others: "
        "plain text, WebVTT subtitles, Amazon Contact Lens, or vCon."
    ),
    tags=["read"],
    parameters=[
        CALL_ID,
        _REDACTED,
        OpenApiParameter("as", str, enum=FORMATS, default="json"),
    ],
    responses={
        (200, "application/json"): OpenApiTypes.OBJECT,
        (200, "text/plain"): OpenApiTypes.STR,
        (200, "text/vtt"): OpenApiTypes.STR,
        (200, "application/vcon+json"): OpenApiTypes.OBJECT,
        **READ_ERRORS,
    },
)
recording = extend_schema(
    operation_id="get_recording",
    summary="The audio of a call as a WAV file, agent left, customer right",
    description=(
        "Personal data is muted. With `redacted=false`, whoever has the permission hears it as "
        "it was said; before there is a transcript nobody else hears anything (403). Ranges, "
        "`If-Range` and `If-None-Match` are understood. 404 if the call has no audio."
    ),
    tags=["read"],
    parameters=[
        CALL_ID,
        _REDACTED,
        OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="bytes=0-65535"),
    ],
    responses={
        (200, "audio/wav"): OpenApiTypes.BINARY,
        (206, "audio/wav"): OpenApiTypes.BINARY,
        304: OpenApiResponse(description="The copy that `If-None-Match` names is the newest."),
        416: OpenApiResponse(description="The range begins behind the end."),
        **READ_ERRORS,
    },
)
