"""Descriptions of the routes of legal holds. No behaviour."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from calls.api.docs.answers import CALL_ID, READ_ERRORS, UNKNOWN, WRITE_ERRORS, error
from calls.api.serializers.holds import HoldSerializer, NewHoldSerializer

_HOLD = {
    "of": "call",
    "reason": "Case 4711, court of Berlin",
    "set_at": "2026-01-31T12:00:00Z",
    "set_by": "ann",
}
_NOT_HELD = error(
    "There is no such call, or it is not on hold.", {"detail": "Call 4711 is not on legal hold."}
)

hold_detail = extend_schema(
    operation_id="read_hold",
    summary="The legal hold that keeps a call",
    description="Its own, or that of its customer. 404 if nothing keeps the call from deletion.",
    tags=["privacy"],
    parameters=[CALL_ID],
    responses={200: HoldSerializer, **READ_ERRORS, 404: _NOT_HELD},
    examples=[OpenApiExample("A hold", value=_HOLD, response_only=True)],
)
hold_set = extend_schema(
    operation_id="set_hold",
    summary="Keep a call from deletion",
    description=(
        "The call cannot be removed by retention, an erasure or a deletion until the hold is "
        "released. A repeated request changes nothing; with another reason, the new hold replaces "
        "the old one."
    ),
    tags=["privacy"],
    parameters=[CALL_ID],
    request=NewHoldSerializer,
    examples=[
        OpenApiExample(
            "A reason", value={"reason": "Case 4711, court of Berlin"}, request_only=True
        ),
        OpenApiExample("The hold", value=_HOLD, response_only=True),
    ],
    responses={200: HoldSerializer, **WRITE_ERRORS, 404: UNKNOWN},
)
hold_release = extend_schema(
    operation_id="release_hold",
    summary="Release the hold on a call",
    description="A hold on the customer of the call stays. It is released in the admin.",
    tags=["privacy"],
    parameters=[CALL_ID],
    request=None,
    responses={
        204: OpenApiResponse(description="The hold was released."),
        **READ_ERRORS,
        404: _NOT_HELD,
    },
)
