"""What /docs and /schema say about each route: examples and every error. No behaviour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers

from calls.api.downloads import FORMATS
from calls.api.serializers import (
    CallDetailSerializer,
    CallSerializer,
    DescriptionSerializer,
    EventSerializer,
    PacketSerializer,
    StoredPacketSerializer,
)
from calls.models import CALL_ID_PATTERN, CALL_ID_RULE

F = TypeVar("F", bound=Callable[..., Any])

CALL_ID = OpenApiParameter(
    "call_id",
    {"type": "string", "pattern": f"^{CALL_ID_PATTERN}$"},
    OpenApiParameter.PATH,
    description=f"The telephone system's id of the call: {CALL_ID_RULE}.",
)

_detail = inline_serializer("Error", {"detail": serializers.CharField()})


def error(description: str, example: dict[str, Any]) -> OpenApiResponse:
    name = f"Like {next(iter(example))}"
    return OpenApiResponse(
        OpenApiTypes.OBJECT if "detail" not in example else _detail,
        description,
        [OpenApiExample(name, value=example)],
    )


MALFORMED = error(
    "Malformed: each wrong field is named, with what is wrong about it.",
    {"sequence": ["Must be an integer, not string."], "data": ["This field is required."]},
)
UNAUTHORISED = error("No key, or no valid one.", {"detail": "This API key is not valid."})
FORBIDDEN = error("The key lacks the scope.", {"detail": "This API key lacks the scope 'ingest'."})
UNKNOWN = error("There is no such call.", {"detail": "There is no call 4711."})
METHOD = error("Wrong method.", {"detail": 'Method "GET" not allowed.'})
TOO_LARGE = error(
    "The body is over 4 MiB.", {"detail": "The body is larger than 4194304 bytes, the limit."}
)
MEDIA_TYPE = error(
    "Not JSON, or compressed.",
    {"detail": 'Unsupported media type "text/plain" in request.'},
)
BUSY = error(
    "Overloaded, or the database is away. Nothing was stored: wait for `Retry-After` seconds.",
    {"detail": "The database is not reachable. Nothing was stored: send it again."},
)
CONFLICT = error(
    "The state of the call does not allow it.",
    {"detail": "A call that is ARCHIVED cannot be retried.", "state": "ARCHIVED"},
)

_BAD_ID = error("Not a call id.", {"call_id": [f"A call id is {CALL_ID_RULE}."]})
READ_ERRORS = {
    400: _BAD_ID,
    401: UNAUTHORISED,
    403: FORBIDDEN,
    404: UNKNOWN,
    405: METHOD,
    503: BUSY,
}
WRITE_ERRORS = {
    400: MALFORMED,
    401: UNAUTHORISED,
    403: FORBIDDEN,
    405: METHOD,
    413: TOO_LARGE,
    415: MEDIA_TYPE,
    503: BUSY,
}

_WORDS = {"sequence": 1, "data": "Good morning.", "timestamp": 0.4, "track": "agent"}
_AUDIO = {"sequence": 2, "data": "//9+fn5//35+fg==", "timestamp": 0.02, "track": "inbound"}


def _without(responses: dict[int, Any], code: int) -> dict[int, Any]:
    return {each: answer for each, answer in responses.items() if each != code}


def answer(name: str, **fields: serializers.Field[Any, Any, Any, Any]) -> Any:
    return inline_serializer(name, fields)


def text() -> serializers.CharField:
    return serializers.CharField()


packet = extend_schema(
    operation_id="send_packet",
    summary="Take one packet",
    description=(
        "Answers 202 once the packet is stored. The first packet of an unknown call opens it. Any "
        "order is fine; a repeated packet is stored once and answered like the first; a packet "
        "after the end of the call is stored and flagged as late."
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

batch = extend_schema(
    operation_id="send_batch",
    summary="Take up to 1,000 packets",
    description=(
        "A JSON array, or one packet a line as `application/x-ndjson`. Packets that are well "
        "formed are stored even if others are not: the answer is then 207 and names index and "
        "field of each that was refused. With `atomic=true` it is all or nothing. If no packet is "
        "well formed the answer is 400."
    ),
    tags=["ingest"],
    parameters=[
        CALL_ID,
        OpenApiParameter("atomic", OpenApiTypes.BOOL, description="Store all packets or none."),
    ],
    request={
        "application/json": PacketSerializer(many=True),
        "application/x-ndjson": OpenApiTypes.STR,
    },
    examples=[OpenApiExample("Two packets", value=[_WORDS, _AUDIO], request_only=True)],
    responses={
        202: answer("BatchAccepted", status=text(), accepted=serializers.IntegerField()),
        207: OpenApiResponse(
            OpenApiTypes.OBJECT,
            "Some were stored, the others are listed.",
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
stored_packets = extend_schema(
    operation_id="list_packets",
    summary="The stored packets of a call",
    description="`data` is null for keys, and for people without the permission to read it.",
    tags=["read"],
    parameters=[
        CALL_ID,
        OpenApiParameter("after", str, description="Position, from `next` of the page before."),
        OpenApiParameter("limit", int, description="At most this many; up to 1,000."),
    ],
    responses={200: StoredPacketSerializer(many=True), **READ_ERRORS},
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

_AFTER = OpenApiParameter("after", int, description="Offset of the last event seen.")
_LIMIT = OpenApiParameter("limit", int, description="At most this many; up to 1,000.")
_EVENT = OpenApiExample(
    "A call ended",
    value={
        "type": "state_change",
        "call_id": "4711",
        "state": "COMPLETED",
        "data": {"previous": "IN_PROGRESS", "version": 2, "reason": "requested", "by": ""},
        "offset": 42,
        "at": "2026-01-31T12:00:00+00:00",
    },
    response_only=True,
)

event_list = extend_schema(
    operation_id="list_events",
    summary="The event log: everything that happened to any call",
    description="Ask again with `after` set to `next_after`; offsets grow and none is skipped.",
    tags=["read"],
    parameters=[_AFTER, _LIMIT],
    examples=[_EVENT],
    responses={
        200: answer(
            "Events",
            epoch=text(),
            head=serializers.IntegerField(),
            next_after=serializers.IntegerField(),
            results=EventSerializer(many=True),
        ),
        **_without(READ_ERRORS, 404),
    },
)
call_events = extend_schema(
    operation_id="list_call_events",
    summary="Everything that happened to one call",
    tags=["read"],
    parameters=[CALL_ID, _AFTER, _LIMIT],
    responses={
        200: answer(
            "CallEvents",
            next_after=serializers.IntegerField(),
            results=EventSerializer(many=True),
        ),
        **READ_ERRORS,
    },
)


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "calls.api.keys.ApiKeyAuthentication"
    name = "API key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "Made by `manage.py create_api_key`. Also taken as `X-API-Key`.",
        }
