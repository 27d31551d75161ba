"""Description of the event stream. No behaviour."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from calls.api.docs.answers import READ_ERRORS, error
from calls.api.event_stream import WATCH_LIMIT

_STREAMED = (
    "id: 6f1c2d1e-9d5b-4f0e-8a49-0f6f0f1f2a3b:42\n"
    "event: state_change\n"
    'data: {"type":"state_change","call_id":"4711","state":"COMPLETED","offset":42}\n\n'
)
event_stream = extend_schema(
    operation_id="stream_events",
    summary="Follow the event log as server-sent events",
    description=(
        "Sends every event from now on, or after a position. The position is the `id` of an "
        "event, in `Last-Event-ID` or in `after`, or an offset in `after`; the header takes "
        "precedence. Up to 1,000 missed events are sent in order. If more were missed, or if the "
        "position belongs to another log, a `snapshot` is sent instead. `event` is the type, "
        "`data` is the entry as in `GET /v1/events`, and a `heartbeat` is sent every 10 s. The "
        "live transcripts of the calls in `watch` are sent as `live_transcript`: all words so far "
        "first, then every change. See docs/feed.md."
    ),
    tags=["live"],
    parameters=[
        OpenApiParameter("after", str, description="Offset, or `id` of the last event seen."),
        OpenApiParameter(
            "watch",
            str,
            description=f"At most {WATCH_LIMIT} call ids, separated by commas.",
        ),
        OpenApiParameter(
            "Last-Event-ID",
            str,
            OpenApiParameter.HEADER,
            description="Sent by browsers to reconnect.",
        ),
    ],
    responses={
        (200, "text/event-stream"): OpenApiResponse(
            OpenApiTypes.STR,
            "An endless stream.",
            [OpenApiExample("A call ended", value=_STREAMED)],
        ),
        **{code: each for code, each in READ_ERRORS.items() if code != 404},
        501: error("The server does not run on ASGI.", {"detail": "This server cannot stream."}),
    },
)
