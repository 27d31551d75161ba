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
    F,
    _without,
    answer,
    text,
)
from calls.api.downloads import FORMATS
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
    responses={200: answer("Started", status=text(), call_id=text(), state=text()), **WRITE_ERRORS},
)
end = extend_schema(
    operation_id="end_call",
    summary="End a call and start its analysis",
    description="A repeated request answers `already_completed` with the state of the call.",
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
    summary="Decode a call that is over again, in another format",
    description=(
        "Use this if the sender declared a wrong or an unknown format. The stored packets are "
        "decoded as `media`, and the call is analysed again. The previous result is kept. 409 if "
        "the call is not over, or if its packets have been pruned."
    ),
    tags=["operate"],
    parameters=[CALL_ID],
    request=DecodingSerializer,
    examples=[OpenApiExample("16 kHz", value={"media": "audio/l16;rate=16000"}, request_only=True)],
    responses={200: _requeued, 409: CONFLICT, **WRITE_ERRORS, 404: READ_ERRORS[404]},
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
    summary="All calls that match the filters, as CSV, newest first",
    description="Cells that a spreadsheet would run as a formula start with an apostrophe.",
    tags=["read"],
    parameters=[BOM],
    responses={(200, "text/csv"): OpenApiTypes.STR, **_without(READ_ERRORS, 404)},
)
_REDACTED = OpenApiParameter(
    "redacted", OpenApiTypes.BOOL, default=True, description="`false` needs a permission."
)
_LIVE_TRANSCRIPT = {
    "call_id": "4711",
    "state": "IN_PROGRESS",
    "live": True,
    "revision": 12,
    "heard_until_ms": 64200,
    "skipped": [[31000, 38500]],
    "turns": [
        {
            "speaker": "customer",
            "begin_ms": 60100,
            "end_ms": 63900,
            "text": "And they charged me twice.",
            "words": [],
            "sentiment": "NEGATIVE",
            "score": -0.8,
        }
    ],
    "redacted": True,
    "notes": [
        {
            "id": 7,
            "text": "Call back on Monday, card [CARD].",
            "at_ms": 83400,
            "written_at": "2026-01-31T12:00:00Z",
            "author": "ann",
        }
    ],
}
transcript = extend_schema(
    operation_id="get_transcript",
    summary="The transcript: who said what, with sentiment",
    description=(
        "Personal data is masked. With `redacted=false`, users with the permission get the "
        "original words.\n\n"
        "Until there is a transcript, the answer has the words heard so far and `live: true`. "
        "Utterances that may still turn out to be personal data are left out, unless "
        "`redacted=false`. `heard_until_ms` says how far the call has been heard, and `skipped` "
        "which stretches `[begin_ms, end_ms]` were not. 404 if nothing has been heard. The feed "
        "sends the changes after `revision`.\n\n"
        "`notes` has the notes of the call; `at_ms` is the moment that a note is about.\n\n"
        "`as` selects another format: plain text, WebVTT subtitles, Amazon Contact Lens, or "
        "vCon. These need a transcript: 404 until then."
    ),
    tags=["read"],
    parameters=[
        CALL_ID,
        _REDACTED,
        OpenApiParameter("as", str, enum=FORMATS, default="json"),
    ],
    responses={
        (200, "application/json"): OpenApiResponse(
            OpenApiTypes.OBJECT,
            examples=[OpenApiExample("Live", value=_LIVE_TRANSCRIPT)],
        ),
        (200, "text/plain"): OpenApiTypes.STR,
        (200, "text/vtt"): OpenApiTypes.STR,
        (200, "application/vcon+json"): OpenApiTypes.OBJECT,
        **READ_ERRORS,
    },
)
recording = extend_schema(
    operation_id="get_recording",
    summary="The recording as a WAV file: agent left, customer right",
    description=(
        "Personal data is muted. With `redacted=false`, users with the permission get the "
        "original audio. Until there is a transcript, everyone else gets 403. Ranges, `If-Range` "
        "and `If-None-Match` are supported. 404 if the call has no audio."
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
        304: OpenApiResponse(description="The copy named by `If-None-Match` is current."),
        416: OpenApiResponse(description="The range starts after the end of the file."),
        **READ_ERRORS,
    },
)
