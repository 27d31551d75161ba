"""What /docs and /schema say about the routes of alerts. No behaviour."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from calls.api.docs.answers import CALL_ID, MALFORMED, READ_ERRORS, WRITE_ERRORS, _without, error
from calls.api.serializers.alerts import AcknowledgementSerializer, AlertSerializer

_ALERT_ID = OpenApiParameter(
    "alert_id", int, OpenApiParameter.PATH, description="The number that an alert is listed with."
)
_UNKNOWN = error("There is no such alert.", {"detail": "There is no alert 17."})
_LIST = {**_without(READ_ERRORS, 404), 400: MALFORMED}
_OPEN = {
    "alert": 17,
    "call_id": "4711",
    "queue": "billing",
    "rule": "Wants to cancel",
    "kind": "words",
    "severity": "warning",
    "found": "Said “cancel my”.",
    "quote": "Then I would like to cancel my contract.",
    "speaker": "customer",
    "offset_ms": 83400,
    "raised_at": "2026-01-31T12:00:00Z",
    "acknowledged_at": None,
    "acknowledged_by": "",
    "note": "",
}
_SEEN = {
    **_OPEN,
    "acknowledged_at": "2026-01-31T12:00:40Z",
    "acknowledged_by": "ana",
    "note": "Joined the call.",
}
alert_list = extend_schema(
    operation_id="list_alerts",
    summary="Alerts, newest first",
    description=(
        "What rules have found. `open=true` leaves what nobody has acknowledged. `severity` and "
        "`kind` may be given several times."
    ),
    tags=["alerts"],
    examples=[OpenApiExample("An open alert", value=_OPEN, response_only=True)],
    responses={200: AlertSerializer(many=True), **_LIST},
)
call_alerts = extend_schema(
    operation_id="list_call_alerts",
    summary="The alerts of one call",
    tags=["alerts"],
    parameters=[CALL_ID],
    responses={200: AlertSerializer(many=True), **READ_ERRORS},
)
alert_detail = extend_schema(
    operation_id="get_alert",
    summary="One alert",
    tags=["alerts"],
    parameters=[_ALERT_ID],
    responses={200: AlertSerializer, **_without(READ_ERRORS, 400), 404: _UNKNOWN},
)


class _AcknowledgedSerializer(AlertSerializer):
    """The alert, and whether this request acknowledged it or one before."""

    status = serializers.ChoiceField(
        choices=["acknowledged", "already_acknowledged"], read_only=True
    )

    class Meta(AlertSerializer.Meta):
        fields = ["status", *AlertSerializer.Meta.fields]
        read_only_fields = fields


acknowledge = extend_schema(
    operation_id="acknowledge_alert",
    summary="Say that somebody has seen to an alert",
    description=(
        "Repeated, it changes nothing and answers `already_acknowledged` with who was first. "
        "The event log tells everybody else (`alert_acknowledged`)."
    ),
    tags=["alerts"],
    parameters=[_ALERT_ID],
    request=AcknowledgementSerializer,
    examples=[
        OpenApiExample("With a note", value={"note": "Joined the call."}, request_only=True),
    ],
    responses={
        200: OpenApiResponse(
            _AcknowledgedSerializer,
            examples=[
                OpenApiExample("First time", value={"status": "acknowledged", **_SEEN}),
                OpenApiExample("Again", value={"status": "already_acknowledged", **_SEEN}),
            ],
        ),
        **WRITE_ERRORS,
        404: _UNKNOWN,
    },
)
alert_table = extend_schema(
    operation_id="export_alerts",
    summary="Alerts as CSV, newest first, all that the filters leave",
    description="Cells that a spreadsheet would run as a formula begin with an apostrophe.",
    tags=["alerts"],
    responses={(200, "text/csv"): OpenApiTypes.STR, **_LIST},
)
