"""Descriptions of the routes of webhook endpoints and notification targets. No behaviour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from calls.api.docs.answers import MALFORMED, READ_ERRORS, WRITE_ERRORS, F, _without, error
from calls.api.docs.rules import NUMBER
from calls.api.serializers.receivers import (
    EndpointDeliverySerializer,
    EndpointSerializer,
    NewEndpointSerializer,
    OutcomeSerializer,
    StoredEndpointSerializer,
    StoredTargetSerializer,
    TargetDeliverySerializer,
    TargetSerializer,
)

TAGS = ["administration"]
_LIST = {**_without(READ_ERRORS, 404), 400: MALFORMED}
_UNKNOWN = {
    "webhook": error("There is no such webhook.", {"detail": "There is no webhook 3."}),
    "target": error("There is no such target.", {"detail": "There is no notification target 3."}),
}
_ENDPOINT = {
    "name": "CRM",
    "url": "https://crm.example.com/hooks/calls",
    "alerts": True,
    "results": True,
    "queue": "billing",
}
_TARGET = {
    "name": "Shift leads",
    "kind": "email",
    "address": "leads@example.com",
    "min_severity": "critical",
    "queues": ["billing"],
}


def _row(noun: str, operation: str, summary: str, answer: Any, **more: Any) -> Callable[[F], F]:
    """Describe a route that reads or acts on one row."""
    status = more.pop("status", 200)
    errors = _without(WRITE_ERRORS if "request" in more else READ_ERRORS, 404)
    if "request" not in more:
        errors = _without(errors, 400)
    return extend_schema(
        operation_id=operation,
        summary=summary,
        tags=TAGS,
        parameters=[NUMBER],
        responses={status: answer, **errors, 404: _UNKNOWN[noun]},
        **{"request": None, **more},
    )


def _gone(what: str) -> OpenApiResponse:
    return OpenApiResponse(description=f"The {what} was deleted, with its deliveries.")


_TEST = (
    "Sends one message now, waits for the answer at most half a minute, and reports the outcome. "
    "The answer is 200 even if the message did not arrive."
)

webhook_list = extend_schema(
    operation_id="list_webhooks",
    summary="Webhook endpoints, newest first",
    description="Without their secrets.",
    tags=TAGS,
    responses={200: StoredEndpointSerializer(many=True), **_LIST},
)
webhook_detail = _row("webhook", "get_webhook", "One webhook endpoint", StoredEndpointSerializer)
webhook_create = extend_schema(
    operation_id="create_webhook",
    summary="Create a webhook endpoint",
    description=(
        "It gets events from now on. The answer has the `secret` by which the receiver "
        "checks signatures; it is not shown again. docs/alerts.md describes the messages."
    ),
    tags=TAGS,
    request=EndpointSerializer,
    examples=[OpenApiExample("Alerts and results", value=_ENDPOINT, request_only=True)],
    responses={201: NewEndpointSerializer, **WRITE_ERRORS},
)
webhook_change = _row(
    "webhook",
    "change_webhook",
    "Change a webhook endpoint",
    StoredEndpointSerializer,
    description=(
        "Send only the fields to change. After a new `secret`, messages are signed with the old "
        "one as well for a day."
    ),
    request=EndpointSerializer,
    examples=[OpenApiExample("Stop it", value={"enabled": False}, request_only=True)],
)
webhook_delete = _row(
    "webhook", "delete_webhook", "Delete a webhook endpoint", _gone("endpoint"), status=204
)
webhook_test = _row(
    "webhook",
    "test_webhook",
    "Send a test message to a webhook endpoint",
    OutcomeSerializer,
    description=_TEST,
)
webhook_deliveries = _row(
    "webhook",
    "list_webhook_deliveries",
    "The messages to a webhook endpoint, newest first",
    EndpointDeliverySerializer(many=True),
)
target_list = extend_schema(
    operation_id="list_notification_targets",
    summary="Notification targets, newest first",
    description="Of a chat's address, only the host and the end are shown.",
    tags=TAGS,
    responses={200: StoredTargetSerializer(many=True), **_LIST},
)
target_detail = _row(
    "target", "get_notification_target", "One notification target", StoredTargetSerializer
)
target_create = extend_schema(
    operation_id="create_notification_target",
    summary="Create a notification target",
    description="It gets alerts that are raised from now on.",
    tags=TAGS,
    request=TargetSerializer,
    examples=[OpenApiExample("E-mail", value=_TARGET, request_only=True)],
    responses={201: StoredTargetSerializer, **WRITE_ERRORS},
)
target_change = _row(
    "target",
    "change_notification_target",
    "Change a notification target",
    StoredTargetSerializer,
    description="Send only the fields to change.",
    request=TargetSerializer,
    examples=[OpenApiExample("All alerts", value={"min_severity": "notice"}, request_only=True)],
)
target_delete = _row(
    "target",
    "delete_notification_target",
    "Delete a notification target",
    _gone("target"),
    status=204,
)
target_test = _row(
    "target",
    "test_notification_target",
    "Send a test message to a notification target",
    OutcomeSerializer,
    description=_TEST,
)
target_deliveries = _row(
    "target",
    "list_notification_deliveries",
    "The messages to a notification target, newest first",
    TargetDeliverySerializer(many=True),
)
