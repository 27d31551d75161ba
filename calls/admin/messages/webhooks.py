"""Webhook endpoints and their deliveries in the admin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calls.admin.alerts import ACTION_LIMIT
from calls.admin.display import show_cut, show_time
from calls.admin.lists import pretty
from calls.admin.messages.receivers import Deliveries, Receivers
from calls.models import WebhookDelivery, WebhookEndpoint
from calls.webhooks.addresses import check_url
from calls.webhooks.endpoints import (
    Checked,
    add_endpoint,
    change_endpoint,
    check_endpoint_url,
    check_secret,
)
from calls.webhooks.services import (
    OUTBOX,
    queue_test,
    rotate_secret,
    send_test,
    try_unsaved,
)


class WebhookEndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """Refuses URLs to which nothing would be sent."""

    # The admin sets it on the class that it makes for each request.
    checked = Checked()

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        # A disabled endpoint may keep an address that the site no longer allows.
        if self.checked.refusal and "enabled" in self.data:
            raise forms.ValidationError(self.checked.refusal)
        return url

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"].strip()
        try:
            check_secret(secret)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return secret


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(Receivers):
    """A new endpoint gets only events that happen after it was created."""

    form = WebhookEndpointForm
    change_form_template = "admin/calls/webhookendpoint/form.html"
    list_display = ["name", "state", "trouble", "shown_url", "messages", "shown_queue"]
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

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.test_view)
        return [path("test/", view, name="calls_webhookendpoint_test"), *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if request.method == "POST":
            # Here, because Django opens a transaction next, and a name server may be slow.
            request.checked_url = check_endpoint_url(request.POST.get("url", "").strip())  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, *args, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: WebhookEndpoint | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, *args, **kwargs)
        form.checked = getattr(request, "checked_url", Checked())
        return form

    def test_view(self, request: HttpRequest) -> HttpResponse:
        """Send a test message to the URL in the form, saved or not, and show the response."""
        pk = request.GET.get("endpoint", "")
        saved = WebhookEndpoint.objects.filter(pk=pk).first() if pk.isdecimal() else None
        is_allowed = self.has_change_permission if saved else self.has_add_permission
        if not is_allowed(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        context = {
            **self.admin_site.each_context(request),
            "title": "Test message",
            "opts": self.opts,
            **self._test(request.POST, saved),
        }
        is_part = request.headers.get("x-requested-with") == "fetch"
        name = "_answer" if is_part else "answer"
        return TemplateResponse(request, f"admin/calls/webhookendpoint/{name}.html", context)

    def _test(self, sent: Mapping[str, str], saved: WebhookEndpoint | None) -> dict[str, Any]:
        """Send the message, and return the result for the template."""
        url, secret = sent.get("url", "").strip(), sent.get("secret", "").strip()
        try:
            check_url(url)
            check_secret(secret)
        except ValueError as error:
            return {"problem": str(error)}
        if saved and (saved.url, saved.secret) == (url, secret):
            return {"outcome": send_test(saved), "is_recorded": True}
        name = sent.get("name", "").strip()
        return {"outcome": try_unsaved(WebhookEndpoint(name=name, url=url, secret=secret))}

    def get_fieldsets(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            # A new endpoint has no history yet.
            new = {"fields": ["name", "url", "enabled"]}
            return [(None, new), *(each for each in fieldsets[1:] if each[0] != "Statistics")]
        if self.has_change_permission(request, obj):
            return fieldsets
        # Hide the secret from people who may only view: with it, they could forge messages.
        return [entry for entry in fieldsets if entry[0] != "Secret"]

    @admin.display(description="URL")
    def shown_url(self, endpoint: WebhookEndpoint) -> SafeString | str:
        return show_cut(endpoint.url)

    @admin.display
    def messages(self, endpoint: WebhookEndpoint) -> str:
        wanted = ("alerts", "state_changes", "results")
        names = [name.replace("_", " ") for name in wanted if getattr(endpoint, name)]
        return ", ".join(names) or "none"

    @admin.display(description="queue")
    def shown_queue(self, endpoint: WebhookEndpoint) -> SafeString | str:
        return show_cut(endpoint.queue, short=True) if endpoint.queue else "all"

    @admin.display(description="old secret")
    def old_secret(self, endpoint: WebhookEndpoint) -> SafeString | str:
        until = endpoint.previous_secret_until
        if until is None or until <= timezone.now():
            return "No old secret is valid."
        return format_html("Valid until {}", show_time(until))

    def save_model(
        self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool
    ) -> None:
        if form.checked.doubt and "url" in form.changed_data:
            messages.warning(request, form.checked.doubt)
        if not change:
            add_endpoint(obj)
            return
        change_endpoint(obj, form.changed_data, old_secret=form.initial.get("secret", ""))

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
class WebhookDeliveryAdmin(Deliveries):
    """The log of deliveries and their results."""

    list_display = [
        "message",
        "shown_state",
        "shown_error",
        "endpoint",
        "attempts",
        "status_code",
        "took",
        "next_attempt_at",
        "created_at",
    ]
    list_filter = ["state", "type", "endpoint"]
    list_select_related = ["endpoint"]
    search_fields = ("message_id__startswith",)
    search_help_text = "The start of a webhook-id, such as alert_raised_4711."
    ordering = ("-id",)
    actions = ["send_again"]

    @admin.display(description="message")
    def message(self, delivery: WebhookDelivery) -> str:
        return f"{delivery.type.replace('_', ' ')} {delivery.pk}"

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
            OUTBOX.redeliver(delivery_pk=pk)
        messages.success(request, f"{len(pks)} messages will be sent again.")
