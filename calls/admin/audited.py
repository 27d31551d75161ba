"""Records in the audit log what is added, changed, deleted and run in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponse

from calls.audit.record import record_audit
from calls.dashboard.groups import group_of
from calls.models import AuditAction, Call, DisplayScreen, LegalHold

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = object
SET_UP = "set-up"
OWN_ACTIONS = (Call, DisplayScreen, LegalHold)  # their services record each row
OWN_ENTRIES = ("delete_selected",)  # Django logs what it deletes
NAME_LENGTH = 200
IDS_KEPT = 50


class Audited(_ModelAdmin):
    """Django calls these hooks inside the transaction of the change."""

    adds_by_service = False  # the service that adds a row records it

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        if not self.adds_by_service:
            _record(AuditAction.ADD, obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        _record(AuditAction.CHANGE, obj, fields=_changed(message))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            _record(AuditAction.REMOVE, obj)
        return super().log_deletions(request, queryset)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        response = super().response_action(request, queryset, *args, **kwargs)
        name = request.POST.get("action", "")
        if (
            name in self.get_actions(request)
            and name not in OWN_ENTRIES
            and self.model not in OWN_ACTIONS
        ):
            self._record_action(request, name)
        return response

    def _record_action(self, request: HttpRequest, name: str) -> None:
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        is_all = request.POST.get("select_across") == "1"
        record_audit(
            AuditAction.RUN,
            object_kind=str(self.opts.verbose_name),
            details={"run": name, "rows": "all" if is_all else chosen[:IDS_KEPT]},
        )


def _record(action: AuditAction, obj: Any, **details: Any) -> None:
    group = group_of(type(obj))
    # Names of other rows may hold something of a call.
    if group is not None and group.slug == SET_UP:
        details["name"] = str(obj)[:NAME_LENGTH]
    record_audit(
        action,
        call_id=obj.call_id if isinstance(obj, Call) else "",
        object_kind=str(obj._meta.verbose_name),  # noqa: SLF001 (public despite its name)
        object_id=obj.pk,
        details=details,
    )


def _changed(message: Any) -> list[str]:
    """Return the names of the changed fields. Their values may be secrets."""
    if not isinstance(message, list):
        return []
    return [name for part in message for name in part.get("changed", {}).get("fields", [])]
