"""Descriptions of the routes of the event log. No behaviour."""

from __future__ import annotations

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
)
from rest_framework import serializers

from calls.api.docs.answers import CALL_ID, READ_ERRORS, answer, text, without
from calls.api.pagination import MAX_LIMIT
from calls.api.serializers.events import EventSerializer

_AFTER = OpenApiParameter(
    "after",
    {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
    description="Offset of the last event seen.",
)
_LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
    default=100,
    description="Maximum number of events.",
)
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
    description="To read on, set `after` to `next_after`. Offsets grow, and no event is skipped.",
    tags=["live"],
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
        **without(READ_ERRORS, 404),
    },
)
call_events = extend_schema(
    operation_id="list_call_events",
    summary="Everything that happened to one call",
    tags=["results"],
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
