"""The audit log: who did what, and who looked at what. Read-only, for superusers as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calls.admin.display import NONE, page_of, pill, show_cut, show_id
from calls.admin.lists import ReadOnly, Records
from calls.api.ranges import ThreadedResponse
from calls.audit.record import record_audit
from calls.exports.clean import cell
from calls.exports.table import as_lines
from calls.models import AuditAction, AuditEntry, Call

LEVELS: dict[str, str] = {
    AuditEntry.ActorKind.PERSON: "ok",
    AuditEntry.ActorKind.KEY: "note",
    AuditEntry.ActorKind.COMMAND: "work",
    AuditEntry.ActorKind.ANYONE: "warn",
}
COLUMNS = (
    "id", "at", "actor_kind", "actor", "address", "action", "object_kind", "object_id", "call_id",
    "call_digest", "details", "sequence", "digest",
)  # fmt: skip
AT_ONCE = 1_000


class ActionFilter(admin.SimpleListFilter):
    title = parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("looks", "All access to calls"), *((a.value, str(a.label)) for a in AuditAction)]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry]
    ) -> QuerySet[AuditEntry]:
        if self.value() == "looks":
            return AuditEntry.objects.looks() & queryset
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly, Records):
    list_display = [
        "at", "shown_actor", "shown_kind", "shown_action", "shown_object", "call_link", "address",
        "shown_details",
    ]  # fmt: skip
    list_display_links = ("at",)
    list_filter = ["actor_kind", ActionFilter, "at"]
    search_fields = ("call_id__exact", "actor__exact", "address__exact")
    search_help_text = "The exact id of a call, name of a person or key, or network address."
    json_fields: ClassVar = ["details"]
    change_list_template = "admin/calls/auditentry/list.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.export_view)
        return [
            path(f"export.{kind}", view, {"kind": kind}, name=f"calls_auditentry_{kind}")
            for kind in ("csv", "json")
        ] + super().get_urls()

    @admin.display(description="actor")
    def shown_actor(self, entry: AuditEntry) -> SafeString | str:
        return show_cut(entry.actor, short=True)

    @admin.display(description="kind")
    def shown_kind(self, entry: AuditEntry) -> SafeString:
        return pill(LEVELS.get(entry.actor_kind, "off"), entry.get_actor_kind_display())

    @admin.display(description="action")
    def shown_action(self, entry: AuditEntry) -> str:
        return entry.action_label

    @admin.display(description="object")
    def shown_object(self, entry: AuditEntry) -> str:
        return f"{entry.object_kind} {entry.object_id}".strip() or NONE

    @admin.display(description="call")
    def call_link(self, entry: AuditEntry) -> SafeString | str:
        if not entry.call_id:
            return f"erased ({entry.call_digest[:8]})" if entry.call_digest else NONE
        # By its id: the call may be gone, and a join is not worth its cost.
        url = page_of(Call(call_id=entry.call_id))
        return format_html('<a href="{}">{}</a>', url, show_id(entry.call_id))

    @admin.display(description="details")
    def shown_details(self, entry: AuditEntry) -> SafeString | str:
        return show_cut(in_words(entry.details), short=True)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        # One at a time: each has an index, but a condition on several would use none.
        for field in ("call_id", "actor"):
            if queryset.filter(**{field: term}).exists():
                return queryset.filter(**{field: term}), False
        return queryset.filter(address=term), False

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """The entries that the filters of the list select, all of them, as a file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "GET":
            return HttpResponse(status=405, headers={"Allow": "GET"})
        entries = self.get_changelist_instance(request).get_queryset(request)
        filters = sorted(name[:50] for name in request.GET)
        name = f"audit.{kind}"
        record_audit(AuditAction.EXPORT, details={"file": name, "filters": filters[:50]})
        lines = as_csv(entries) if kind == "csv" else as_json_lines(entries)
        return ThreadedResponse(
            lines,
            content_type="text/csv; charset=utf-8" if kind == "csv" else "application/json",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "private, no-cache",
            },
        )


def in_words(details: dict[str, Any]) -> str:
    """Write details in one line: ``file: calls.csv, filters: queue``."""
    shown = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in details.items()
    }
    return " · ".join(f"{name}: {value}" for name, value in shown.items() if value != "")


def _rows(entries: QuerySet[AuditEntry]) -> Iterator[dict[str, Any]]:
    """Yield entries, newest first, without holding a cursor while a client is slow."""
    last: int | None = None
    while True:
        some = entries if last is None else entries.filter(id__lt=last)
        rows = list(some.order_by("-id").values(*COLUMNS)[:AT_ONCE])
        yield from rows
        if len(rows) < AT_ONCE:
            return
        last = rows[-1]["id"]


def as_csv(entries: QuerySet[AuditEntry]) -> Iterator[bytes]:
    yield as_lines([list(COLUMNS)])
    for row in _rows(entries):
        cells = {**row, "at": row["at"].isoformat(), "details": json.dumps(row["details"])}
        yield as_lines(
            [[cell(value) if isinstance(value, str) else value for value in cells.values()]]
        )


def as_json_lines(entries: QuerySet[AuditEntry]) -> Iterator[bytes]:
    """Yield one JSON array, an entry a line."""
    between = b"[\n"
    for row in _rows(entries):
        shown = {**row, "at": row["at"].isoformat()}
        yield between + json.dumps(shown, ensure_ascii=False).encode()
        between = b",\n"
    yield b"[]\n" if between == b"[\n" else b"\n]\n"
