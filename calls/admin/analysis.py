"""The admin of the analysis: workers, providers, and the site's own questions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.forms import Textarea
from django.http import HttpRequest
from django.utils.safestring import SafeString

from calls.admin.display import pill, show_error
from calls.admin.lists import EditableList, Records
from calls.analysis.status import HEARTBEAT_LIMIT
from calls.clock import database_now
from calls.models import Insight, ProviderHealth, WorkerHeartbeat


@admin.register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(Records):
    """A worker removes its row when it stops. The row of a dead worker may be deleted."""

    list_display = ["name", "state", "started_at", "seen_at"]
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

    @admin.display
    def state(self, beat: Any) -> SafeString:
        return pill("ok", "Alive") if beat.is_alive else pill("bad", "Silent")


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

    list_display = [
        "provider",
        "state",
        "shown_error",
        "stage",
        "failures",
        "failed_at",
        "down_since",
        "probe_at",
    ]
    ordering = ("-failed_at",)

    @admin.display
    def state(self, health: ProviderHealth) -> SafeString:
        if health.down_since:
            return pill("bad", "Down")
        return pill("warn", "Failing") if health.failures else pill("ok", "OK")

    @admin.display(description="last error")
    def shown_error(self, health: ProviderHealth) -> SafeString | str:
        return show_error(health.error)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: ProviderHealth | None = None
    ) -> bool:
        return False
