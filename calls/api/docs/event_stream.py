"""What /docs and /schema say about the stream of events. No behaviour."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from calls.api.docs.answers import READ_ERRORS, error

_STREAMED = (
    "id: 6f1c2d1e-9d5b-4f0e-8a49-0f6f0f1f2a3b:42\n"
    "event: state_change\n"
    'data: {"type":"state_change","call_id":"4711","state":"COMPLETED","offset":42}\n\n'
)
event_stream = extend_schema(
    operation_id="stream_events",
    summary="Follow the event log as server-sent events",
    description=(
        "Every event from now on, or after a position: the `id` of an event, in `Last-Event-ID` or "
        "`after` (the header goes first), or in `after` just an offset. Up to 1,000 events that "
        "were missed follow in order; after more, or in another log, a `snapshot` says that it is "
        "one. `event` is the type, `data` what `GET /v1/events` shows, and a `heartbeat` comes "
        "every 10 s. See docs/feed.md."
    ),
    tags=["read"],
    parameters=[
        OpenApiParameter("after", str, description="Offset, or `id` of the last event seen."),
        OpenApiParameter(
            "Last-Event-ID", str, OpenApiParameter.HEADER, description="As a browser sends it."
        ),
    ],
    responses={
        (200, "text/event-stream"): OpenApiResponse(
            OpenApiTypes.STR,
            "A stream without end.",
            [OpenApiExample("A call ended", value=_STREAMED)],
        ),
        **{code: each for code, each in READ_ERRORS.items() if code != 404},
        501: error("The server speaks no ASGI.", {"detail": "This server cannot stream."}),
    },
)
