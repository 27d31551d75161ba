"""Logins in the admin: who is locked out after wrong passwords, and who has logged in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from axes import admin as packaged
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from calls.admin.display import Shown, pill, show_cut
from calls.admin.lists import ReadOnly

# The package has registered its own pages. By default it writes no log of failures.
admin.site.unregister([AccessAttempt, AccessFailureLog, AccessLog])


@admin.register(AccessAttempt)
class AccessAttemptAdmin(Shown, packaged.AccessAttemptAdmin):  # type: ignore[misc]
    """A row may be deleted, which ends the lock-out."""

    list_display = ["username", "standing", "ip_address", "attempt_time", "agent"]
    list_filter = ["attempt_time"]
    date_hierarchy = None
    actions: list[str] = []

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        note = "Delete a row to let this person try again at once."
        return super().changelist_view(request, {"subtitle": note, **(extra_context or {})})

    @admin.display(description="state")
    def standing(self, attempt: AccessAttempt) -> SafeString:
        count = attempt.failures_since_start
        if count < settings.AXES_FAILURE_LIMIT:
            return pill("warn", f"{count} wrong password{'' if count == 1 else 's'}")
        is_over = (
            attempt.attempt_time + timedelta(hours=settings.AXES_COOLOFF_TIME) < timezone.now()
        )
        return pill("off", "Lock-out over") if is_over else pill("bad", "Locked out")

    @admin.display(description="browser")
    def agent(self, attempt: AccessAttempt) -> SafeString | str:
        return show_cut(attempt.user_agent)


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnly, Shown, packaged.AccessLogAdmin):  # type: ignore[misc]
    list_display = ["username", "ip_address", "attempt_time", "logout_time", "agent"]
    list_filter = ["attempt_time"]
    date_hierarchy = None

    @admin.display(description="browser")
    def agent(self, log: AccessLog) -> SafeString | str:
        return show_cut(log.user_agent)
