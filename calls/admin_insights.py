"""The admin of what the AI is asked, and of how it has answered of late."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.forms import Textarea
from django.http import HttpRequest

from calls.admin_lists import EditableList, Records
from calls.models import Insight, ProviderHealth


@admin.register(Insight)
class InsightAdmin(EditableList):
    """Questions may be changed at any time: calls that are analysed from then on answer them."""

    list_display = ["name", "question", "enabled", "created_at"]
    list_editable = ["enabled"]
    ordering = ("pk",)
    readonly_fields = ["created_at"]
    formfield_overrides = {models.TextField: {"widget": Textarea(attrs={"rows": 3})}}


@admin.register(ProviderHealth)
class ProviderHealthAdmin(Records):
    """For looking at. Deleting a row has the provider asked again at once."""

    list_display = ["provider", "stage", "failures", "failed_at", "down_since", "probe_at"]
    ordering = ("-failed_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(
        self, request: HttpRequest, obj: ProviderHealth | None = None
    ) -> bool:
        return False
