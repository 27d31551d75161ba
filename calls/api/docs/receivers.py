"""Descriptions of the routes of webhook endpoints and notification targets. No behaviour."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from calls.api.docs.answers import error
from calls.api.docs.rows import Rows
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

_WEBHOOKS = Rows(
    "administration", error("There is no such webhook.", {"detail": "There is no webhook 3."})
)
_TARGETS = Rows(
    "administration",
    error("There is no such target.", {"detail": "There is no notification target 3."}),
)
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


def _gone(what: str) -> OpenApiResponse:
    return OpenApiResponse(description=f"The {what} was deleted, with its deliveries.")


_TEST = (
    "Sends one message now, waits for the response at most half a minute, and reports the outcome. "
    "The response is 200 even if the message did not arrive."
)

webhook_list = _WEBHOOKS.all(
    "list_webhooks",
    "Webhook endpoints, newest first",
    StoredEndpointSerializer,
    description="Without their secrets.",
)
webhook_detail = _WEBHOOKS.one("get_webhook", "One webhook endpoint", StoredEndpointSerializer)
webhook_create = _WEBHOOKS.new(
    "create_webhook",
    "Create a webhook endpoint",
    NewEndpointSerializer,
    description=(
        "It gets events from now on. The response has the `secret` by which the receiver "
        "checks signatures; it is not shown again. docs/alerts.md describes the messages."
    ),
    request=EndpointSerializer,
    examples=[OpenApiExample("Alerts and results", value=_ENDPOINT, request_only=True)],
)
webhook_change = _WEBHOOKS.one(
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
webhook_delete = _WEBHOOKS.one(
    "delete_webhook", "Delete a webhook endpoint", _gone("endpoint"), status=204
)
webhook_test = _WEBHOOKS.one(
    "test_webhook",
    "Send a test message to a webhook endpoint",
    OutcomeSerializer,
    description=_TEST,
)
webhook_deliveries = _WEBHOOKS.one(
    "list_webhook_deliveries",
    "The messages to a webhook endpoint, newest first",
    EndpointDeliverySerializer(many=True),
)
target_list = _TARGETS.all(
    "list_notification_targets",
    "Notification targets, newest first",
    StoredTargetSerializer,
    description="Of a chat's address, only the host and the end are shown.",
)
target_detail = _TARGETS.one(
    "get_notification_target", "One notification target", StoredTargetSerializer
)
target_create = _TARGETS.new(
    "create_notification_target",
    "Create a notification target",
    StoredTargetSerializer,
    description="It gets alerts that are raised from now on.",
    request=TargetSerializer,
    examples=[OpenApiExample("E-mail", value=_TARGET, request_only=True)],
)
target_change = _TARGETS.one(
    "change_notification_target",
    "Change a notification target",
    StoredTargetSerializer,
    description="Send only the fields to change.",
    request=TargetSerializer,
    examples=[OpenApiExample("All alerts", value={"min_severity": "notice"}, request_only=True)],
)
target_delete = _TARGETS.one(
    "delete_notification_target",
    "Delete a notification target",
    _gone("target"),
    status=204,
)
target_test = _TARGETS.one(
    "test_notification_target",
    "Send a test message to a notification target",
    OutcomeSerializer,
    description=_TEST,
)
target_deliveries = _TARGETS.one(
    "list_notification_deliveries",
    "The messages to a notification target, newest first",
    TargetDeliverySerializer(many=True),
)
