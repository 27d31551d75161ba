"""Webhook endpoints and their deliveries in the admin."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from calls import events
from calls.admin.alerts import ACTION_LIMIT
from calls.admin.lists import Records, pretty
from calls.models import WebhookDelivery, WebhookEndpoint
from calls.webhooks.addresses import check_url
from calls.webhooks.services import queue_test, redeliver, replace_secret, rotate_secret
from calls.webhooks.signature import secret_key


class WebhookEndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """Refuses URLs that can never work. Private hosts are detected when a message is sent."""

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
            text = "The secret must be whsec_ followed by 24 to 64 bytes in base64."
            raise forms.ValidationError(text) from error
        return secret


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A new endpoint gets only events that happen after it was created."""

    form = WebhookEndpointForm
    list_display = ["name", "url", "standing", "alerts", "state_changes", "results", "queue"]
    list_filter = ["enabled"]
    ordering = ("name",)
    readonly_fields = [
        "standing", "failing_since", "delivered_count", "failed_count", "given_up_count",
        "old_secret", "created_at",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["name", "url", "enabled", "standing"]}),
        ("Messages", {"fields": ["alerts", "state_changes", "results", "queue"]}),
        (
            "Secret",
            {
                "fields": ["secret", "old_secret"],
                "description": (
                    "If you change the secret, or use the action “Rotate the secret”, messages "
                    "are signed with the old secret as well for one day. Update the receiver "
                    "within that day."
                ),
            },
        ),
        (
            "Statistics",
            {
                "fields": [
                    "delivered_count", "failed_count", "given_up_count", "failing_since",
                    "created_at",
                ]
            },
        ),
    ]  # fmt: skip
    actions = ["send_test", "rotate"]

    def get_fieldsets(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        # Hide the secret from people who may only view: with it, they could forge messages.
        return [entry for entry in self.fieldsets if entry[0] != "Secret"]

    @admin.display(description="state")
    def standing(self, endpoint: WebhookEndpoint) -> str:
        if endpoint.enabled and endpoint.failing_since:
            return f"Has been failing since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
        if endpoint.enabled:
            return "OK"
        return f"Disabled. {endpoint.disabled_reason}".strip()

    @admin.display(description="old secret")
    def old_secret(self, endpoint: WebhookEndpoint) -> str:
        until = endpoint.previous_secret_until
        if until is None or until <= timezone.now():
            return "No old secret is valid."
        return f"Valid until {until:%Y-%m-%d %H:%M} UTC"

    def save_model(
        self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool
    ) -> None:
        if not change:
            # Otherwise it would be sent the whole log.
            obj.position = events.head()
            obj.save()
            return
        # Save only the changed fields: the courier updates counters and position meanwhile.
        changed = set(form.changed_data)
        if "secret" in changed:
            replace_secret(obj, obj.secret, old=form.initial["secret"])
            changed |= {"previous_secret", "previous_secret_until"}
        if "enabled" in changed and obj.enabled:
            # Otherwise the next failure would disable it again at once.
            obj.disabled_reason, obj.failing_since = "", None
            changed |= {"disabled_reason", "failing_since"}
        obj.save(update_fields=sorted(changed))

    @admin.action(description="Send a test message", permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        enabled = list(queryset.filter(enabled=True))
        for endpoint in enabled:
            queue_test(endpoint)
        if enabled:
            messages.success(request, "Test messages are queued. See the webhook deliveries.")
        if len(enabled) < queryset.count():
            messages.warning(request, "Disabled endpoints get no test message.")

    @admin.action(description="Rotate the secret", permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in queryset:
            rotate_secret(endpoint_pk=endpoint.pk)
        text = "The secret was replaced. The old one is valid for another day. Update the receiver."
        messages.success(request, text)


@admin.display(description="body")
def _pretty_body(delivery: WebhookDelivery) -> SafeString:
    return pretty(json.loads(delivery.body))


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(Records):
    """The log of deliveries and their results."""

    list_display = [
        "type", "endpoint", "state", "attempts", "status_code", "duration_ms", "next_attempt_at",
        "created_at", "error",
    ]  # fmt: skip
    list_filter = ["state", "type", "endpoint"]
    list_select_related = ["endpoint"]
    search_fields = ("message_id__startswith",)
    search_help_text = "The start of a webhook-id, such as alert_raised_4711."
    ordering = ("-id",)
    actions = ["send_again"]

    def get_fields(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> list[Any]:
        return [_pretty_body if name == "body" else name for name in super().get_fields(request)]

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
        messages.success(request, f"{len(pks)} messages will be sent again.")
