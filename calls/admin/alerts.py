"""The admin of alerts: rules can be edited and tried, alerts can be acknowledged."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import modelform_factory
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.safestring import SafeString

from calls.actions import ACTIONS
from calls.admin.display import (
    link_to_call,
    link_to_page,
    page_of,
    pill,
    show_cut,
)
from calls.admin.lists import EditableList, Records, panel
from calls.admin.rule_form import (
    FIELDS_OF_KINDS,
    FORM_OVERRIDES,
    LABELS,
    RuleForm,
    fields_by_kind,
    limit_labels,
    summary_of,
)
from calls.alerts.definition import RULE_FIELDS
from calls.alerts.from_search import rule_of
from calls.alerts.services import acknowledge_alerts
from calls.alerts.trial import try_rule
from calls.models import Alert, AlertRule, Severity
from calls.search.query import NotUnderstood, parse
from calls.search.scope import sides_of

ACTION_LIMIT = 1_000
LEVELS: dict[int, str] = {
    Severity.NOTICE: "note",
    Severity.WARNING: "warn",
    Severity.CRITICAL: "bad",
}


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0


@admin.register(AlertRule)
class AlertRuleAdmin(EditableList):
    """Changes apply from then on. You can try a rule on past calls first."""

    form = RuleForm
    fieldsets = [
        (None, {"fields": ["name", "severity", "enabled"]}),
        ("What it looks for", {"fields": ["kind", *FIELDS_OF_KINDS, "conditions"]}),
        ("Which calls", {"fields": ["queues", "agents"]}),
        ("When", {"fields": ["repeat_after_s", "quiet_hours", "quiet_mode"]}),
    ]
    change_form_template = "admin/calls/alertrule/form.html"
    list_display = ["name", "kind", "severity", "calls", "further_conditions", "enabled"]
    list_editable = ["enabled"]
    list_filter = ["kind", "severity", "enabled"]
    search_fields = ["name", "phrases"]
    ordering = ("name",)
    formfield_overrides = FORM_OVERRIDES

    @admin.display(description="queues; agents")
    def calls(self, rule: AlertRule) -> str:
        return summary_of(rule)

    @admin.display(description="conditions")
    def further_conditions(self, rule: AlertRule) -> str:
        return ", ".join(LABELS[each["kind"]] for each in rule.conditions)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Fill the form with the search that the address names, if it does."""
        given, words = request.GET, request.GET.get("words", "")
        try:
            sides = sides_of(speaker=given.get("speaker", ""), place=given.get("in", ""))
            fields = rule_of(parse(words, sides=sides)) if words else None
        except (NotUnderstood, KeyError):
            fields = None
        if fields is None:
            return dict(super().get_changeform_initial_data(request))
        names = {name: given.getlist(name) for name in ("queues", "agents")}
        return {**fields, **names, "name": words[:100]}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context |= {"fields_by_kind": fields_by_kind(), "limit_labels": limit_labels()}
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.try_view)
        return [path("try/", view, name="calls_alertrule_try"), *super().get_urls()]

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """Show what the rule in the form would have found. Stores neither rule nor alert."""
        rule = AlertRule.objects.filter(pk=_number(request.GET.get("rule"))).first()
        # A trial quotes calls, so it needs the permission to read them, too.
        may_edit = self.has_change_permission(request) or self.has_add_permission(request)
        if not may_edit or not request.user.has_perm("calls.view_call"):
            raise PermissionDenied
        # POST, because the rule need not be saved: its fields come with the request.
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = modelform_factory(AlertRule, form=RuleForm, fields=RULE_FIELDS)(
            request.POST, instance=rule
        )
        context = {
            **self.admin_site.each_context(request),
            "title": "Try on past calls",
            "opts": self.opts,
            "form": form,
            "trial": try_rule(form.save(commit=False)) if form.is_valid() else None,
        }
        return TemplateResponse(
            request, panel(request, "admin/calls/alertrule/trial.html"), context
        )


class StateFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Alert.State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        wanted = self.value()
        if wanted not in Alert.State.values:
            return queryset
        return queryset.filter(pk__in=Alert.objects.in_state(wanted).values("pk"))


@admin.register(Alert)
class AlertAdmin(Records):
    """Lists alerts, and acknowledges many at once."""

    call_path = "call__"
    list_display = [
        "name",
        "state",
        "shown_severity",
        "shown_found",
        "shown_call",
        "raised_at",
        "acknowledged_by",
        "page",
    ]
    list_filter = [StateFilter, "severity", "kind"]
    list_select_related = ["call"]
    search_fields = ["name", "call__call_id"]
    ordering = ("-id",)
    actions = ["acknowledge"]

    def view_on_site(self, alert: Alert) -> str:
        return page_of(alert.call)

    @admin.display
    def state(self, alert: Alert) -> SafeString:
        return pill("warn" if alert.is_open else "off", alert.state.label)

    @admin.display(description="severity")
    def shown_severity(self, alert: Alert) -> SafeString:
        return pill(LEVELS[alert.severity], Severity(alert.severity).label)

    @admin.display(description="found")
    def shown_found(self, alert: Alert) -> SafeString | str:
        return show_cut(alert.found)

    @admin.display(description="call")
    def shown_call(self, alert: Alert) -> SafeString | str:
        return link_to_call(alert.call)

    @admin.display
    def page(self, alert: Alert) -> SafeString:
        return link_to_page(page_of(alert.call), alert.call.call_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        return False

    # An alert is part of the history of its call, and is deleted only with it.
    def has_delete_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(ACTIONS["acknowledge"].permission))

    @admin.action(description="Acknowledge selected alerts", permissions=["operate"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        by = request.user.get_username()
        pks = list(queryset.filter(acknowledged_at=None).values_list("pk", flat=True))
        count = len(acknowledge_alerts(alert_ids=pks[:ACTION_LIMIT], by=by))
        text = f"{count} acknowledged."
        if len(pks) > ACTION_LIMIT:
            text += f" {len(pks) - ACTION_LIMIT} are left. The limit is {ACTION_LIMIT} at once."
        messages.success(request, text)
