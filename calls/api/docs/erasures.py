"""Descriptions of the routes of erasures. No behaviour."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from calls.api.docs.answers import READ_ERRORS, WRITE_ERRORS, error
from calls.api.serializers.erasures import (
    ErasureSerializer,
    NewErasureSerializer,
    PlannedErasureSerializer,
    StartedErasureSerializer,
)

_ERASURE = {
    "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "state": "finished",
    "reason": "Request 2026-17",
    "by": "key CRM",
    "asked_at": "2026-01-31T12:00:00Z",
    "finished_at": "2026-01-31T12:00:02Z",
    "counts": {"calls": 2, "packets": 5110, "files": 4},
}
_PLANNED = {"calls": 3, "held": 1, "waiting": 0}
_PLAN: dict[str, Any] = {"id": None, "state": "planned", "counts": {}, **_PLANNED}
_UNKNOWN = error("There is no such erasure.", {"detail": "There is no erasure 4711."})

erasure_start = extend_schema(
    operation_id="start_erasure",
    summary="Erase everything about a customer, or about calls",
    description=(
        "Erases packets, recordings, transcripts, notes, tags, alerts, messages to other systems "
        "and lists, for good. Calls on legal hold stay. Calls in progress or in analysis are "
        "erased when they are over. A large erasure continues in the background: poll its state "
        "until it is `finished`. If you get no response, repeat the request."
    ),
    tags=["privacy"],
    request=NewErasureSerializer,
    examples=[
        OpenApiExample(
            "A customer",
            value={"numbers": ["+49 30 1234567"], "reason": "Request 2026-17"},
            request_only=True,
        ),
        OpenApiExample(
            "Finished",
            value={**_ERASURE, **_PLANNED},
            response_only=True,
            status_codes=["202"],
        ),
    ],
    responses={
        202: StartedErasureSerializer,
        200: OpenApiResponse(
            PlannedErasureSerializer,
            "With `dry_run`: what would be erased.",
            [OpenApiExample("Planned", value=_PLAN)],
        ),
        **WRITE_ERRORS,
    },
)
erasure_detail = extend_schema(
    operation_id="read_erasure",
    summary="The progress of an erasure",
    tags=["privacy"],
    parameters=[OpenApiParameter("erasure_id", OpenApiTypes.UUID, OpenApiParameter.PATH)],
    responses={200: ErasureSerializer, **READ_ERRORS, 404: _UNKNOWN},
    examples=[OpenApiExample("Finished", value=_ERASURE, response_only=True)],
)
