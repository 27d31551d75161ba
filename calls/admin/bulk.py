"""Bulk actions in the admin: who did what to many calls, the progress, and the refused calls."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calls.actions.bulk import count_outcomes
from calls.admin.display import NONE, pill, show_cut, show_time
from calls.admin.lists import CallInline, ReadOnly, Records
from calls.models import BulkAction, BulkItem

REFUSED = BulkItem.Outcome.REFUSED


class StandingFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "standing"
    chosen: ClassVar[dict[str, Q]] = {
        "work": Q(finished_at=None),
        "finished": Q(finished_at__isnull=False, stopped_by=""),
        "stopped": ~Q(stopped_by=""),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("work", "Running"), ("finished", "Finished"), ("stopped", "Stopped")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(self.chosen.get(self.value() or "", Q()))


class RefusedInline(CallInline):
    model = BulkItem
    verbose_name_plural = f"refused calls (the first {CallInline.limit})"
    ordering = ("id",)
    fields = ["call_id", "reason"]

    # The rows belong to the action, so its permission is enough.
    def has_view_permission(self, request: HttpRequest, obj: BulkAction | None = None) -> bool:
        return bool(request.user.has_perm("calls.view_bulkaction"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkItem]:
        items: QuerySet[BulkItem] = super().get_queryset(request)
        return items.filter(outcome=REFUSED)


@admin.register(BulkAction)
class BulkActionAdmin(ReadOnly, Records):
    """Read-only. Actions are started and stopped on the pages, and removed by the sweep."""

    list_display = ["what", "state", "refused", "by", "shown_choice", "created_at", "finished_at"]
    list_filter = ["kind", StandingFilter]
    # Exact, because a search within names would read the whole table.
    search_fields = ("by__exact",)
    search_help_text = "The full name of the person who started it."
    inlines = [RefusedInline]

    def get_fields(self, request: HttpRequest, obj: BulkAction | None = None) -> list[Any]:
        return ["what", "by", "created_at", "chosen", "standing", "progress", "seen_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkAction]:
        refused = BulkItem.objects.filter(action=OuterRef("pk"), outcome=REFUSED)
        actions: QuerySet[BulkAction] = super().get_queryset(request)
        # Exists, not a count: an action may have thousands of refusals.
        return actions.annotate(has_refused=Exists(refused))

    @admin.display
    def state(self, action: BulkAction) -> SafeString:
        if action.finished_at is None:
            return pill("work", "Running")
        if action.stopped_by:
            return pill("warn", f"Stopped by {action.stopped_by}")
        return pill("off", "Finished")

    @admin.display
    def refused(self, action: Any) -> SafeString | str:
        return pill("warn", "Some calls") if action.has_refused else NONE

    @admin.display(description="chosen by")
    def shown_choice(self, action: BulkAction) -> SafeString | str:
        return show_cut(_filter_of(action), url=_list_of(action)) if action.query else "hand"

    def view_on_site(self, action: BulkAction) -> str:
        return reverse("supervisor:bulk", args=[action.pk])

    @admin.display
    def what(self, action: BulkAction) -> str:
        stage = f"from {action.stage} on" if action.stage else ""
        detail = action.tag or action.reason or stage
        return f"{action}: {detail}" if detail else str(action)

    @admin.display(description="chosen by")
    def chosen(self, action: BulkAction) -> SafeString | str:
        if not action.query:
            return "hand"
        return format_html('<a href="{}">{}</a>', _list_of(action), _filter_of(action))

    @admin.display(description="state")
    def standing(self, action: BulkAction) -> SafeString | str:
        if action.finished_at is None:
            return "Running"
        how = f"Stopped by {action.stopped_by}" if action.stopped_by else "Finished"
        return format_html("{}: {}", how, show_time(action.finished_at))

    @admin.display
    def progress(self, action: BulkAction) -> str:
        counts = count_outcomes(action)
        left = "waiting" if action.finished_at is None else "not done"
        return (
            f"{counts['done']:,} done, {counts['refused']:,} refused, {counts['waiting']:,} {left}"
        )


def _filter_of(action: BulkAction) -> str:
    return "no filter: every call" if action.query == "?" else str(action.query)


def _list_of(action: BulkAction) -> str:
    return reverse("supervisor:board") + str(action.query)
