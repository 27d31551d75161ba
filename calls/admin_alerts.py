"""The admin of alerts and webhooks: rules and endpoints are edited, what came of them is read."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.forms import Textarea, modelform_factory
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.safestring import SafeString

from calls import events
from calls.admin_lists import EditableList, Records, pretty
from calls.alerts.services import acknowledge_alerts
from calls.alerts.trial import CALLS, try_rule
from calls.models import Alert, AlertRule, WebhookDelivery, WebhookEndpoint
from calls.webhooks.addresses import check_url
from calls.webhooks.services import queue_test, redeliver, replace_secret, rotate_secret
from calls.webhooks.signature import secret_key

ACTION_LIMIT = 1_000
RULE_FIELDS = [
    "name", "kind", "severity", "queue", "speaker", "phrases", "limit", "per_turn",
    "repeat_after_s",
]  # fmt: skip


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0


@admin.register(AlertRule)
class AlertRuleAdmin(EditableList):
    """A change counts for what comes from then on. A rule can be tried on calls of late first."""

    fieldsets = [
        (None, {"fields": ["name", "kind", "severity", "enabled"]}),
        ("Which calls", {"fields": ["queue"]}),
        (
            "What it looks for",
            {
                "fields": ["speaker", "phrases", "limit", "per_turn"],
                "description": (
                    "Words need phrases; the other kinds but the last need a limit. Who speaks "
                    "counts for words and sentiment."
                ),
            },
        ),
        ("How often", {"fields": ["repeat_after_s"]}),
    ]
    change_form_template = "admin/calls/alertrule/form.html"
    list_display = ["name", "kind", "severity", "queue", "speaker", "limit", "enabled"]
    list_editable = ["enabled"]
    list_filter = ["kind", "severity", "enabled"]
    search_fields = ["name", "phrases", "queue"]
    ordering = ("name",)
    formfield_overrides = {models.TextField: {"widget": Textarea(attrs={"rows": 8})}}

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("try/", view, name="calls_alertrule_try"), *super().get_urls()]

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """Show what the rule in the form would have found. Neither rule nor alert is stored."""
        rule = AlertRule.objects.filter(pk=_number(request.GET.get("rule"))).first()
        may_edit = self.has_change_permission(request) or self.has_add_permission(request)
        if not may_edit or not request.user.has_perm("calls.view_call"):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = modelform_factory(AlertRule, fields=RULE_FIELDS)(request.POST, instance=rule)
        context = {
            **self.admin_site.each_context(request),
            "title": "Try this rule",
            "opts": self.opts,
            "form": form,
            "calls": CALLS,
            "trial": try_rule(form.save(commit=False)) if form.is_valid() else None,
        }
        return TemplateResponse(request, "admin/calls/alertrule/trial.html", context)


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
        count = acknowledge_alerts(alert_ids=pks[:ACTION_LIMIT], by=by)
        text = f"{count} acknowledged."
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
    list_display = ["name", "url", "standing", "alerts", "state_changes", "results", "queue"]
    list_filter = ["enabled"]
    ordering = ("name",)
    readonly_fields = [
        "standing", "failing_since", "delivered_count", "failed_count", "given_up_count",
        "old_secret", "created_at",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["name", "url", "enabled", "standing"]}),
        ("What it is told", {"fields": ["alerts", "state_changes", "results", "queue"]}),
        (
            "Secret",
            {
                "fields": ["secret", "old_secret"],
                "description": (
                    "When it is changed, or replaced by the action “Rotate the secret”, messages "
                    "carry a signature of the old one as well for a day: time to tell the "
                    "receiver."
                ),
            },
        ),
        (
            "So far",
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
        # Whoever may only look is not to be able to forge messages.
        return [entry for entry in self.fieldsets if entry[0] != "Secret"]

    @admin.display(description="state")
    def standing(self, endpoint: WebhookEndpoint) -> str:
        if endpoint.enabled and endpoint.failing_since:
            return f"Fails since {endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
        if endpoint.enabled:
            return "In order"
        return f"Disabled. {endpoint.disabled_reason}".strip()

    @admin.display(description="old secret")
    def old_secret(self, endpoint: WebhookEndpoint) -> str:
        until = endpoint.previous_secret_until
        if until is None or until <= timezone.now():
            return "None is valid any more."
        return f"Valid until {until:%Y-%m-%d %H:%M} UTC"

    def save_model(
        self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool
    ) -> None:
        if not change:
            obj.position = events.head()
            obj.save()
            return
        # Only what the form says: the courier counts and moves the position meanwhile.
        changed = set(form.changed_data)
        if "secret" in changed:
            replace_secret(obj, obj.secret, old=form.initial["secret"])
            changed |= {"previous_secret", "previous_secret_until"}
        if "enabled" in changed and obj.enabled:
            obj.disabled_reason, obj.failing_since = "", None
            changed |= {"disabled_reason", "failing_since"}
        obj.save(update_fields=sorted(changed))

    @admin.action(description="Send a test message", permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        enabled = list(queryset.filter(enabled=True))
        for endpoint in enabled:
            queue_test(endpoint)
        if enabled:
            messages.success(request, "Test messages are on their way: see the webhook deliveries.")
        if len(enabled) < queryset.count():
            messages.warning(request, "Nothing is sent to an endpoint that is disabled.")

    @admin.action(description="Rotate the secret", permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in queryset:
            rotate_secret(endpoint_pk=endpoint.pk)
        text = "There is a new secret. The old one is good for another day: tell the receiver."
        messages.success(request, text)


@admin.display(description="body")
def _pretty_body(delivery: WebhookDelivery) -> SafeString:
    return pretty(json.loads(delivery.body))


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(Records):
    """The log of what was sent, and what came of it."""

    list_display = [
        "type", "endpoint", "state", "attempts", "status_code", "duration_ms", "next_attempt_at",
        "created_at", "error",
    ]  # fmt: skip
    list_filter = ["state", "type", "endpoint"]
    list_select_related = ["endpoint"]
    search_fields = ("message_id__startswith",)
    search_help_text = "How a webhook-id begins: alert_raised_4711."
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
        messages.success(request, f"{len(pks)} will be sent again.")
