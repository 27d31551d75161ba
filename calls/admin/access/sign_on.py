"""Which account belongs to whom at a sign-on service, in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from calls.admin.display import Shown
from calls.admin.lists import ReadOnly
from calls.models import SignOnIdentity

NOTE = "Delete a row to give the account to somebody else, or if you change the service."


@admin.register(SignOnIdentity)
class SignOnIdentityAdmin(ReadOnly, Shown):
    """A row may be deleted. The account is then linked again at the next sign-on."""

    list_display = ["user", "provider", "subject", "linked_at"]
    list_filter = ["provider"]
    list_select_related = ["user"]
    search_fields = ["user__username", "subject"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("calls.delete_signonidentity")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"subtitle": NOTE, **(extra_context or {})})
