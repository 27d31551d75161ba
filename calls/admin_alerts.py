"""The admin of alerts and webhooks: rules and endpoints are edited, what came of them is read."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models import QuerySet
from django.forms import Textarea
from django.http import HttpRequest

from calls import events
from calls.admin_lists import Records
from calls.alerts.services import acknowledge_alert
from calls.models import Alert, AlertRule, WebhookDelivery, WebhookEndpoint
from calls.webhooks.addresses import check_url
from calls.webhooks.services import queue_test, redeliver
from calls.webhooks.signature import secret_key

ACTION_LIMIT = 1_000


@admin.register(AlertRule)
class AlertRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A change counts for what comes from then on."""

    list_display = ["name", "kind", "severity", "queue", "speaker", "limit", "enabled"]
    list_editable = ["enabled"]
    list_filter = ["kind", "severity", "enabled"]
    search_fields = ["name", "phrases", "queue"]
    ordering = ("name",)
    formfield_overrides = {models.TextField: {"widget": Textarea(attrs={"rows": 8})}}


@admin.register(Alert)
class AlertAdmin(Records):
    """For looking at, and for acknowledging many at once."""

    list_display = ["name", "call", "severity", "found", "raised_at", "acknowledged_by"]
    list_filter = ["severity", "kind", ("acknowledged_at", admin.EmptyFieldListFilter)]
    list_select_related = ["call"]
    search_fields = ["name", "call__call_id"]
    ordering = ("-id",)
    actions = ["acknowledge"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.operate_call"))

    @admin.action(description="Acknowledge selected alerts", permissions=["operate"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        by = request.user.get_username()
        pks = list(queryset.filter(acknowledged_at=None).values_list("pk", flat=True))
        for pk in pks[:ACTION_LIMIT]:
            acknowledge_alert(alert_id=pk, by=by)
        text = f"{min(len(pks), ACTION_LIMIT)} acknowledged."
        if len(pks) > ACTION_LIMIT:
            text += f" {len(pks) - ACTION_LIMIT} are left: at most {ACTION_LIMIT} at once."
        messages.success(request, text)


class WebhookEndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """Refuses what could never be delivered. Which hosts are private is known when it is sent."""

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        try:
            check_url(url)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return url

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"].strip()
        try:
            secret_key(secret)
        except ValueError as error:
            text = "The secret must be whsec_ and the base64 of 24 to 64 bytes."
            raise forms.ValidationError(text) from error
        return secret


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A new endpoint is told what happens from now on, not what is in the log already."""

    form = WebhookEndpointForm
    list_display = ["name", "url", "alerts", "state_changes", "results", "queue", "enabled"]
    list_filter = ["enabled"]
    ordering = ("name",)
    readonly_fields = ["disabled_reason", "failing_since", "created_at"]
    actions = ["send_test"]

    def save_model(
        self, request: HttpRequest, obj: WebhookEndpoint, form: object, change: bool
    ) -> None:
        if not change:
            obj.position = events.head()
        if obj.enabled:
            obj.disabled_reason, obj.failing_since = "", None
        super().save_model(request, obj, form, change)

    @admin.action(description="Send a test message", permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in queryset.filter(enabled=True):
            queue_test(endpoint)
        messages.success(request, "Test messages are on their way: see the webhook deliveries.")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(Records):
    """The log of what was sent, and what came of it."""

    list_display = [
        "type", "endpoint", "state", "attempts", "status_code", "duration_ms", "next_attempt_at",
        "created_at", "error",
    ]  # fmt: skip
    list_filter = ["state", "type", "endpoint"]
    list_select_related = ["endpoint"]
    ordering = ("-id",)
    actions = ["send_again"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: WebhookDelivery | None = None
    ) -> bool:
        return False

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.change_webhookendpoint"))

    @admin.action(description="Send again", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        pks = list(queryset.values_list("pk", flat=True)[:ACTION_LIMIT])
        for pk in pks:
            redeliver(delivery_pk=pk)
        messages.success(request, f"{len(pks)} will be sent again.")
