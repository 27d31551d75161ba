"""Descriptions of the routes of actions on many calls. No behaviour."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from calls.api.docs.answers import MALFORMED, READ_ERRORS, WRITE_ERRORS, _without, error
from calls.api.docs.rules import NUMBER
from calls.api.serializers.bulk import BulkProgressSerializer, BulkSerializer, NewBulkSerializer
from calls.bulk import LIMIT

TAGS = ["supervise"]
_PROGRESS = {
    "number": 8,
    "action": "retry",
    "stage": "",
    "tag": "",
    "reason": "",
    "by": "key dashboard",
    "total": 120,
    "created_at": "2026-01-31T12:00:00Z",
    "finished_at": None,
    "stopped_by": "",
    "done": 50,
    "refused": 1,
    "waiting": 69,
    "refusals": [
        {"call_id": "4711", "reason": "A call that is ARCHIVED cannot be retried."},
    ],
}
_ERRORS = _without(READ_ERRORS, 400)
_UNKNOWN = error("There is no such action.", {"detail": "There is no bulk action 8."})
_SHOWN = OpenApiResponse(
    BulkProgressSerializer, examples=[OpenApiExample("Half way", value=_PROGRESS)]
)
bulk_list = extend_schema(
    operation_id="list_bulk_actions",
    summary="Actions on many calls, newest first",
    tags=TAGS,
    responses={200: BulkSerializer(many=True), **_without(READ_ERRORS, 404), 400: MALFORMED},
)
bulk_detail = extend_schema(
    operation_id="get_bulk_action",
    summary="The progress of an action on many calls",
    tags=TAGS,
    parameters=[NUMBER],
    responses={200: _SHOWN, **_ERRORS, 404: _UNKNOWN},
)
bulk_start = extend_schema(
    operation_id="start_bulk_action",
    summary="Act on many calls",
    description=(
        f"Acts on the calls in `call_ids`, or on those that match `filter` now: {LIMIT:,} at most. "
        "Up to 25 are processed at once; a worker does the rest. Refused calls do not stop the "
        "others: `refusals` says why. `delete` needs the scope `admin` as well. `end` needs "
        "`ingest`. `hold` needs a `reason`."
    ),
    tags=TAGS,
    request=NewBulkSerializer,
    examples=[
        OpenApiExample(
            "Retry what failed today",
            value={
                "action": "retry",
                "filter": {"state": "FAILED", "opened_after": "2026-01-31T00:00:00Z"},
            },
            request_only=True,
        ),
        OpenApiExample(
            "Tag two calls",
            value={"action": "tag", "tag": "refund", "call_ids": ["4711", "4712"]},
            request_only=True,
        ),
        OpenApiExample(
            "Keep the calls of a customer from deletion",
            value={
                "action": "hold",
                "reason": "Case 4711, court of Berlin",
                "filter": {"field": "customer_id:C-1042"},
            },
            request_only=True,
        ),
    ],
    responses={201: _SHOWN, **WRITE_ERRORS},
)
bulk_stop = extend_schema(
    operation_id="stop_bulk_action",
    summary="Stop an action on many calls",
    description="The remaining calls are not touched. A repeated request changes nothing.",
    tags=TAGS,
    parameters=[NUMBER],
    request=None,
    responses={200: _SHOWN, **_ERRORS, 404: _UNKNOWN},
)
