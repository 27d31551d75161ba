"""Who listened to live calls, and when: read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from calls.admin.display import show_cut
from calls.admin.lists import CallRecords
from calls.models import ListenSession


@admin.register(ListenSession)
class ListenSessionAdmin(CallRecords):
    list_display = ["id", "username", "call_link", "started_at", "ended_at", "shown_process"]
    list_filter = ["started_at"]
    search_fields = ("call__call_id__exact", "username__exact")
    search_help_text = "The exact id of a call, or the exact name of a user."

    @admin.display(description="process")
    def shown_process(self, session: ListenSession) -> SafeString | str:
        return show_cut(session.process, short=True)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        by_user = queryset.filter(username=search_term.strip())
        if by_user.exists():
            return by_user, False
        return super().get_search_results(request, queryset, search_term)
