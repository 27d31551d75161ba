"""Descriptions of the routes of actions on many calls. No behaviour."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from calls.actions.bulk import LIMIT
from calls.api.docs.answers import error
from calls.api.docs.rows import Rows
from calls.api.serializers.bulk import BulkProgressSerializer, BulkSerializer, NewBulkSerializer

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
        {"call_id": "4711", "reason": "A call that is archived cannot be retried."},
    ],
}
_SHOWN = OpenApiResponse(
    BulkProgressSerializer, examples=[OpenApiExample("Half way", value=_PROGRESS)]
)
_ACTIONS = Rows(
    "supervise", error("There is no such action.", {"detail": "There is no bulk action 8."})
)
bulk_list = _ACTIONS.all("list_bulk_actions", "Actions on many calls, newest first", BulkSerializer)
bulk_detail = _ACTIONS.one("get_bulk_action", "The progress of an action on many calls", _SHOWN)
bulk_start = _ACTIONS.new(
    "start_bulk_action",
    "Act on many calls",
    _SHOWN,
    description=(
        f"Acts on the calls in `call_ids`, or on those that match `filter` now: {LIMIT:,} at most. "
        "Up to 25 are processed at once; a worker does the rest. Refused calls do not stop the "
        "others: `refusals` says why. `delete` needs the scope `admin` as well. `end` needs "
        "`ingest`. `hold` needs a `reason`."
    ),
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
)
bulk_stop = _ACTIONS.one(
    "stop_bulk_action",
    "Stop an action on many calls",
    _SHOWN,
    description="The remaining calls are not touched. A repeated request changes nothing.",
)
