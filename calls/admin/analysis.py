"""The admin of the analysis: pauses, workers, providers, and the site's own questions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.forms import Textarea
from django.http import HttpRequest

from calls.admin.lists import EditableList, Records
from calls.analysis.pausing import AlreadySo, find_pause, pause_analysis, resume_analysis
from calls.analysis.status import HEARTBEAT_LIMIT
from calls.clock import database_now
from calls.models import AnalysisPause, Insight, ProviderHealth, WorkerHeartbeat


@admin.register(AnalysisPause)
class AnalysisPauseAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """While a row exists, the analysis is paused. Adding or deleting it calls the service."""

    list_display = ["paused_at", "by", "reason"]
    fields = ["reason"]
    # No bulk actions: there is at most one row.
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: AnalysisPause | None = None) -> bool:
        return bool(request.user.has_perm("calls.view_call"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return _may_operate(request) and find_pause() is None

    def has_change_permission(self, request: HttpRequest, obj: AnalysisPause | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AnalysisPause | None = None) -> bool:
        return _may_operate(request)

    # Not obj.save(): the pause has an event in the log.
    def save_model(self, request: HttpRequest, obj: AnalysisPause, form: Any, change: bool) -> None:
        try:
            pause = pause_analysis(by=request.user.get_username(), reason=obj.reason)
        except AlreadySo as error:
            # Someone else was faster. Show their pause.
            messages.warning(request, str(error))
            pause = AnalysisPause.objects.get()
        # The admin goes on with this object: its log entry and its redirect need the key.
        obj.pk, obj.paused_at, obj.by = pause.pk, pause.paused_at, pause.by

    def delete_model(self, request: HttpRequest, obj: AnalysisPause) -> None:
        try:
            resume_analysis(by=request.user.get_username())
        except AlreadySo as error:
            messages.warning(request, str(error))

    # The admin would delete all rows with one statement, past the service and the event log.
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[AnalysisPause]) -> None:
        for pause in queryset:
            self.delete_model(request, pause)


def _may_operate(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("calls.operate_call"))


@admin.register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(Records):
    """A worker removes its row when it stops. The row of a dead worker may be deleted."""

    list_display = ["name", "started_at", "seen_at", "alive"]
    ordering = ("-seen_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: WorkerHeartbeat | None = None
    ) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkerHeartbeat]:
        # Read the clock once for the whole list.
        alive = Q(seen_at__gte=database_now() - HEARTBEAT_LIMIT)
        beats: QuerySet[WorkerHeartbeat] = super().get_queryset(request)
        return beats.annotate(is_alive=ExpressionWrapper(alive, BooleanField()))

    @admin.display(boolean=True)
    def alive(self, beat: Any) -> bool:
        return bool(beat.is_alive)


@admin.register(Insight)
class InsightAdmin(EditableList):
    """Questions may be changed at any time. A change applies to later analyses."""

    list_display = ["name", "question", "enabled", "created_at"]
    list_editable = ["enabled"]
    ordering = ("pk",)
    readonly_fields = ["created_at"]
    formfield_overrides = {models.TextField: {"widget": Textarea(attrs={"rows": 3})}}


@admin.register(ProviderHealth)
class ProviderHealthAdmin(Records):
    """Read-only. If a row is deleted, the provider is tried again at once."""

    list_display = ["provider", "stage", "failures", "failed_at", "down_since", "probe_at"]
    ordering = ("-failed_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: ProviderHealth | None = None
    ) -> bool:
        return False
