"""Descriptions of the routes of alerts. No behaviour."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from calls.api.docs.answers import BOM, CALL_ID, LIST_ERRORS, READ_ERRORS, error
from calls.api.docs.rows import Rows
from calls.api.serializers.alerts import (
    AcknowledgementSerializer,
    AlertSerializer,
    AssignmentSerializer,
    SnoozeSerializer,
)

_ALERT_ID = OpenApiParameter(
    "alert_id", int, OpenApiParameter.PATH, description="The number of the alert, as in the list."
)
_ALERTS = Rows(
    "alerts",
    error("There is no such alert.", {"detail": "There is no alert 17."}),
    number=_ALERT_ID,
)
_OPEN = {
    "alert": 17,
    "call_id": "4711",
    "agent": "Ana Ruiz",
    "queue": "billing",
    "state": "open",
    "rule": "Wants to cancel",
    "kind": "words",
    "severity": "warning",
    "found": "Said “cancel my”.",
    "quote": "Then I would like to cancel my contract.",
    "speaker": "customer",
    "offset_ms": 83400,
    "raised_at": "2026-01-31T12:00:00Z",
    "assigned_to": "",
    "snoozed_until": None,
    "acknowledged_at": None,
    "acknowledged_by": "",
    "note": "",
    "resolved_at": None,
    "resolved_reason": "",
}
_SEEN = {
    **_OPEN,
    "state": "acknowledged",
    "acknowledged_at": "2026-01-31T12:00:40Z",
    "acknowledged_by": "ana",
    "note": "Joined the call.",
}
alert_list = _ALERTS.all(
    "list_alerts",
    "Alerts, newest first",
    AlertSerializer,
    description=(
        "Alerts that rules have raised. An alert is `open`, `snoozed` until a time, `acknowledged` "
        "by somebody, or `resolved` because its condition ended without anybody; "
        "`resolved_reason` says how. Counts of open alerts hold only those whose `state` is "
        "`open`. `state`, `severity` and `kind` can be repeated."
    ),
    examples=[OpenApiExample("An open alert", value=_OPEN, response_only=True)],
)
call_alerts = extend_schema(
    operation_id="list_call_alerts",
    summary="The alerts of one call",
    tags=["alerts"],
    parameters=[CALL_ID],
    responses={200: AlertSerializer(many=True), **READ_ERRORS},
)
alert_detail = _ALERTS.one("get_alert", "One alert", AlertSerializer)


ACKNOWLEDGEMENT_STATUSES = ["acknowledged", "already_acknowledged"]


class AcknowledgedAlertSerializer(AlertSerializer):
    """The alert, and whether this request or an earlier one acknowledged it."""

    status = serializers.ChoiceField(choices=ACKNOWLEDGEMENT_STATUSES, read_only=True)

    class Meta(AlertSerializer.Meta):
        fields = ["status", *AlertSerializer.Meta.fields]
        read_only_fields = fields


acknowledge = _ALERTS.one(
    "acknowledge_alert",
    "Acknowledge an alert",
    OpenApiResponse(
        AcknowledgedAlertSerializer,
        examples=[
            OpenApiExample("First time", value={"status": "acknowledged", **_SEEN}),
            OpenApiExample("Again", value={"status": "already_acknowledged", **_SEEN}),
        ],
    ),
    description=(
        "A repeated request changes nothing: it returns `already_acknowledged` with the name of "
        "the first person. Snoozed and resolved alerts can be acknowledged as well. The event "
        "log gets an `alert_acknowledged` event."
    ),
    request=AcknowledgementSerializer,
    examples=[
        OpenApiExample("With a note", value={"note": "Joined the call."}, request_only=True),
    ],
)
_CLOSED = error(
    "The alert is acknowledged or resolved.",
    {"detail": "An alert that is resolved cannot be snoozed.", "state": "resolved"},
)
assign = _ALERTS.one(
    "assign_alert",
    "Assign an alert to somebody",
    OpenApiResponse(
        AlertSerializer,
        examples=[OpenApiExample("Assigned", value={**_OPEN, "assigned_to": "ana"})],
    ),
    also={409: _CLOSED},
    description=(
        "To an active user with the permission *Can end, retry and reanalyse calls*, or to nobody. "
        "It stays open. The event log gets an `alert_assigned` event."
    ),
    request=AssignmentSerializer,
    examples=[OpenApiExample("To Ana", value={"to": "ana"}, request_only=True)],
)
snooze = _ALERTS.one(
    "snooze_alert",
    "Snooze an alert",
    OpenApiResponse(
        AlertSerializer,
        examples=[
            OpenApiExample(
                "Snoozed",
                value={**_OPEN, "state": "snoozed", "snoozed_until": "2026-01-31T17:30:00Z"},
            )
        ],
    ),
    also={409: _CLOSED},
    description=(
        "It is not open until that time, which is at most seven days away. The event log "
        "gets an `alert_snoozed` event, and an `alert_reopened` event when it is open again."
    ),
    request=SnoozeSerializer,
    examples=[
        OpenApiExample("For a quarter of an hour", value={"minutes": 15}, request_only=True),
        OpenApiExample("Until a time", value={"until": "2026-01-31T17:30:00Z"}, request_only=True),
    ],
)
reopen = _ALERTS.one(
    "reopen_alert",
    "Reopen an alert",
    OpenApiResponse(AlertSerializer, examples=[OpenApiExample("Open", value=_OPEN)]),
    also={409: _CLOSED},
    description=(
        "Opens an alert that was acknowledged or snoozed, without its note. Does nothing if it is "
        "open. One that is resolved stays resolved: its condition has ended. The event log gets "
        "an `alert_reopened` event."
    ),
    request=None,
)
alert_table = extend_schema(
    operation_id="export_alerts",
    summary="All alerts that match the filters, as CSV, newest first",
    description="Cells that a spreadsheet would run as a formula start with an apostrophe.",
    tags=["alerts"],
    parameters=[BOM],
    responses={(200, "text/csv"): OpenApiTypes.STR, **LIST_ERRORS},
)
