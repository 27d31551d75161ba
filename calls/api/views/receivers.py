"""The routes of webhook endpoints and notification targets, with their tests and deliveries."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError as InvalidModel
from django.db import transaction
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from calls.api.docs import receivers as docs
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
from calls.api.views.administration import (
    AdministrationRoute,
    delete_row,
)
from calls.api.views.route import ADMIN, Reach, read_body
from calls.audit.record import record_change
from calls.models import AuditAction, NotificationTarget, WebhookEndpoint
from calls.notifications.services import send_test as notify_test
from calls.notifications.targets import change_target, check_target_address
from calls.webhooks.endpoints import (
    add_endpoint,
    change_endpoint,
    check_endpoint_url,
    check_secret,
)
from calls.webhooks.services import send_test

ACTIONS = ("list", "retrieve", "create", "partial_update", "destroy", "test", "deliveries")


def _permissions(model: str) -> dict[str, str]:
    verbs = ("view", "view", "add", "change", "delete", "change", "view")
    return {action: f"calls.{verb}_{model}" for action, verb in zip(ACTIONS, verbs, strict=True)}


def _filled(row: Any, fields: dict[str, Any]) -> Any:
    """Set the fields of a row and check it. Raises Django's ValidationError."""
    for name, value in fields.items():
        setattr(row, name, value)
    row.full_clean()
    return row


class WebhookViewSet(AdministrationRoute):
    """Webhook endpoints."""

    queryset = WebhookEndpoint.objects.order_by("-id")
    serializer_class = StoredEndpointSerializer
    noun = "webhook"
    reach = Reach.SITE
    scopes: ClassVar = dict.fromkeys(ACTIONS, ADMIN)
    permissions: ClassVar = _permissions("webhookendpoint")

    @docs.webhook_list
    def list(self, request: Request) -> Response:
        return self.page(self.get_queryset(), StoredEndpointSerializer)

    @docs.webhook_detail
    def retrieve(self, request: Request, number: int) -> Response:
        return Response(StoredEndpointSerializer(self.row(number)).data)

    @docs.webhook_create
    def create(self, request: Request) -> Response:
        fields = read_body(EndpointSerializer, request)
        endpoint = _filled(WebhookEndpoint(), _checked_endpoint(fields, is_enabled=True))
        with transaction.atomic():
            add_endpoint(endpoint)
            record_change(AuditAction.ADD, endpoint)
        shown = NewEndpointSerializer(endpoint).data
        return Response(shown, status=status.HTTP_201_CREATED)

    @docs.webhook_change
    def partial_update(self, request: Request, number: int) -> Response:
        endpoint = self.row(number)
        fields = read_body(EndpointSerializer, request, partial=True)
        old = endpoint.secret
        _checked_endpoint(
            {"url": endpoint.url, **fields}, is_enabled=fields.get("enabled", endpoint.enabled)
        )
        with transaction.atomic():
            change_endpoint(_filled(endpoint, fields), fields.keys(), old_secret=old)
            record_change(AuditAction.CHANGE, endpoint, fields)
        return Response(StoredEndpointSerializer(endpoint).data)

    @docs.webhook_delete
    def destroy(self, request: Request, number: int) -> Response:
        delete_row(self.row(number))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.webhook_test
    def test(self, request: Request, number: int) -> Response:
        return Response(OutcomeSerializer(send_test(self.row(number))).data)

    @docs.webhook_deliveries
    def deliveries(self, request: Request, number: int) -> Response:
        return self.page(self.row(number).deliveries.all(), EndpointDeliverySerializer)


def _checked_endpoint(fields: dict[str, Any], *, is_enabled: bool) -> dict[str, Any]:
    """Return the fields. Raises ValidationError if nothing would be sent to this endpoint."""
    if "secret" in fields:
        try:
            check_secret(fields["secret"])
        except ValueError as error:
            raise ValidationError({"secret": [str(error)]}) from error
    # A disabled endpoint may keep an address that the site no longer allows.
    if fields.get("enabled", is_enabled) and (refusal := check_endpoint_url(fields["url"]).refusal):
        raise ValidationError({"url": [refusal]})
    return fields


class TargetViewSet(AdministrationRoute):
    """Notification targets."""

    queryset = NotificationTarget.objects.order_by("-id").prefetch_related("rules")
    serializer_class = StoredTargetSerializer
    noun = "notification target"
    reach = Reach.SITE
    scopes: ClassVar = dict.fromkeys(ACTIONS, ADMIN)
    permissions: ClassVar = _permissions("notificationtarget")

    @docs.target_list
    def list(self, request: Request) -> Response:
        return self.page(self.get_queryset(), StoredTargetSerializer)

    @docs.target_detail
    def retrieve(self, request: Request, number: int) -> Response:
        return Response(StoredTargetSerializer(self.row(number)).data)

    @docs.target_create
    def create(self, request: Request) -> Response:
        fields = read_body(TargetSerializer, request)
        rules = fields.pop("rules", [])
        target = _filled(NotificationTarget(), fields)
        _check_address(target)
        with transaction.atomic():
            target.save()
            target.rules.set(rules)
            record_change(AuditAction.ADD, target)
        return Response(StoredTargetSerializer(target).data, status=status.HTTP_201_CREATED)

    @docs.target_change
    def partial_update(self, request: Request, number: int) -> Response:
        target = self.row(number)
        fields = read_body(TargetSerializer, request, partial=True)
        rules = fields.pop("rules", None)
        _filled(target, fields)
        if fields.keys() & {"kind", "address"}:
            _check_address(target)
        with transaction.atomic():
            change_target(target, fields.keys())
            if rules is not None:
                target.rules.set(rules)
            record_change(AuditAction.CHANGE, target, [*fields, *["rules"][: rules is not None]])
        return Response(StoredTargetSerializer(self.row(number)).data)

    @docs.target_delete
    def destroy(self, request: Request, number: int) -> Response:
        delete_row(self.row(number))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.target_test
    def test(self, request: Request, number: int) -> Response:
        return Response(OutcomeSerializer(notify_test(self.row(number))).data)

    @docs.target_deliveries
    def deliveries(self, request: Request, number: int) -> Response:
        return self.page(self.row(number).deliveries.all(), TargetDeliverySerializer)


def _check_address(target: NotificationTarget) -> None:
    try:
        check_target_address(target.kind, target.address)
    except ValueError as error:
        raise InvalidModel({"address": str(error)}) from error
