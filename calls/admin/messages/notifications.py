"""Who gets alerts, in the admin: targets with a test, and the log of deliveries."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import modelform_factory
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from calls.admin.alerts import ACTION_LIMIT
from calls.admin.lists import ReadOnly, panel
from calls.admin.messages.receivers import Deliveries, Receivers
from calls.admin.people import TeamsField
from calls.admin.rule_form import NamesField
from calls.models import NotificationDelivery, NotificationTarget
from calls.notifications.chat import EXPECTED
from calls.notifications.services import OUTBOX, send_test
from calls.notifications.targets import change_target, check_target_address

FIELDS = (
    "name",
    "kind",
    "address",
    "enabled",
    "min_severity",
    "rules",
    "queues",
    "teams",
    "per_minute",
)
Kind = NotificationTarget.Kind


class TargetForm(forms.ModelForm):  # type: ignore[type-arg]
    """Never shows a stored address. Refuses what would be refused when a message is sent."""

    queues = NamesField(column="queue", noun="queues")
    teams = TeamsField(help_text="Only calls of these teams. None: all calls.")

    class Meta:
        model = NotificationTarget
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored = self.instance.address
        # People who may only view get a form without it.
        if address := self.fields.get("address"):
            self._explain(address)
        queues = self.fields.get("queues")
        if isinstance(queues, NamesField):
            queues.help_text = NotificationTarget._meta.get_field("queues").help_text  # noqa: SLF001
            queues.offer(self.instance.queues or [])

    def _explain(self, address: forms.Field) -> None:
        lines = [f"{Kind.EMAIL.label}: one or more addresses, separated by commas."]
        lines += [f"{Kind(kind).label}: {text}" for kind, text in EXPECTED.items()]
        if self._stored:
            address.required = False
            kept = f"{self.instance.masked_address} is kept, unless you enter another one."
            lines.insert(0, kept)
        address.help_text = format_html_join(mark_safe("<br>"), "{}", ((each,) for each in lines))
        address.widget.attrs |= {"size": 80, "autocomplete": "off"}
        self.initial["address"] = ""

    def clean_teams(self) -> list[int] | None:
        # If its teams were deleted, it gets no messages until somebody chooses others.
        chosen: list[int] | None = self.cleaned_data["teams"]
        return chosen if "teams" in self.changed_data else self.instance.teams

    def clean_address(self) -> str:
        return str(self.cleaned_data["address"]).strip() or self._stored

    def clean(self) -> dict[str, Any] | None:
        given = super().clean()
        kind, address = self.cleaned_data.get("kind"), self.cleaned_data.get("address")
        if kind and address:
            try:
                check_target_address(kind, address)
            except ValueError as error:
                self.add_error("address", str(error))
        return given


@admin.register(NotificationTarget)
class NotificationTargetAdmin(Receivers):
    """A target gets alerts that are raised after it was created."""

    form = TargetForm
    change_form_template = "admin/calls/notificationtarget/form.html"
    list_display = [
        "name", "state", "trouble", "kind", "masked", "min_severity", "last_success_at",
    ]  # fmt: skip
    list_filter = ["kind", "enabled"]
    ordering = ("name",)
    filter_horizontal = ["rules"]
    readonly_fields = [
        "standing", "last_result", "last_tried_at", "last_success_at", "failing_since",
        "delivered_count", "failed_count", "given_up_count", "created_at",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["name", "kind", "address", "enabled", "standing"]}),
        ("Which alerts", {"fields": ["min_severity", "rules", "queues", "teams"]}),
        ("How many", {"fields": ["per_minute"]}),
        (
            "Statistics",
            {
                "fields": [
                    "last_result", "last_tried_at", "last_success_at", "failing_since",
                    "delivered_count", "failed_count", "given_up_count", "created_at",
                ]
            },
        ),
    ]  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: NotificationTarget | None = None) -> Any:
        if obj is None:
            return self.fieldsets[:-1]  # a new target has no history yet
        if self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        # Hide the address from people who may only view: with it, they could post to the chat.
        shown = ["name", "kind", "masked", "enabled", "standing"]
        return [(None, {"fields": shown}), *self.fieldsets[1:]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [*super().get_readonly_fields(request, obj), "masked"]

    @admin.display(description="address")
    def masked(self, target: NotificationTarget) -> str:
        return target.masked_address

    def save_model(
        self, request: HttpRequest, obj: NotificationTarget, form: Any, change: bool
    ) -> None:
        if not change:
            obj.save()
            return
        change_target(obj, [name for name in form.changed_data if name != "rules"])

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.test_view)
        return [path("test/", view, name="calls_notificationtarget_test"), *super().get_urls()]

    def test_view(self, request: HttpRequest) -> HttpResponse:
        """Send a test message to the target in the form, and show the response. Stores nothing."""
        if not (self.has_change_permission(request) or self.has_add_permission(request)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        number = request.GET.get("target", "")
        pk = int(number) if number.isdecimal() and len(number) < 19 else 0
        target = NotificationTarget.objects.filter(pk=pk).first()
        # A stored address may only be used by people who could also replace it.
        if target is not None and not self.has_change_permission(request, target):
            raise PermissionDenied
        form = modelform_factory(NotificationTarget, form=TargetForm)(request.POST, instance=target)
        # The response is wanted at once, so it is sent here. The time-outs are those of a sender.
        outcome = send_test(form.save(commit=False)) if form.is_valid() else None
        context = {
            **self.admin_site.each_context(request),
            "title": "Test message",
            "opts": self.opts,
            "form": form,
            "outcome": outcome,
        }
        template = panel(request, "admin/calls/notificationtarget/test.html")
        return TemplateResponse(request, template, context)


@admin.register(NotificationDelivery)
class NotificationDeliveryAdmin(ReadOnly, Deliveries):
    """The log of messages to people and their results."""

    call_path = "alert__call__"
    list_display = [
        "alert", "shown_state", "shown_error", "target", "attempts", "took", "next_attempt_at",
        "created_at",
    ]  # fmt: skip
    list_filter = ["state", "target"]
    list_select_related = ["target", "alert__call"]
    ordering = ("-id",)
    actions = ["send_again"]

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.change_notificationtarget"))

    @admin.action(description="Send again", permissions=["resend"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[NotificationDelivery]) -> None:
        pks = list(queryset.values_list("pk", flat=True)[:ACTION_LIMIT])
        count = sum(OUTBOX.redeliver(delivery_pk=pk) for pk in pks)
        messages.success(request, f"{count} messages will be sent again.")
