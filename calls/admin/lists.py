"""Base classes of the admin: lists of millions of rows, and read-only pages.

Rows are never counted, no form contains a list of rows, and every list is read along an index.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.forms.models import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from calls.admin.display import Shown, as_shown, link_to_call
from calls.audit.record import record_look
from calls.keys import VIEW_UNREDACTED
from calls.models import AuditAction, Call
from calls.visibility import in_sight

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    _TabularInline = admin.TabularInline[Any, Any]
    _FormSet = BaseInlineFormSet[Any, Any, Any]
    _ModelForm = ModelForm[Any]
    _Paginator = Paginator[Any]
else:
    _ModelAdmin, _TabularInline = admin.ModelAdmin, admin.TabularInline
    _FormSet, _ModelForm, _Paginator = BaseInlineFormSet, ModelForm, Paginator
PAGE_SIZE = 100
# An OFFSET reads and skips all rows before it, so far pages are slow and nobody opens them.
REACHABLE = 10_000  # rows that the pages of a list can reach
INLINE_LIMIT = 50
JSON_LENGTH = 200_000


class ReachablePaginator(_Paginator):
    """Counts at most REACHABLE rows, because counting all of them would read the whole table."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return len(rows.values_list("pk", flat=True)[:REACHABLE])


def estimated_rows(model: type[Model]) -> int | None:
    """Return the row count from PostgreSQL's statistics, or None if there is none."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)",
            [model._meta.db_table],  # noqa: SLF001 (public despite its name)
        )
        row = cursor.fetchone()
    # reltuples is -1 until the table was analysed for the first time.
    return row[0] if row and row[0] > 0 else None


def pretty(value: Any) -> SafeString:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return format_html("<pre>{}</pre>", Truncator(text).chars(JSON_LENGTH))


def link_to_rows(model: type[Model], text: str, query: dict[str, Any]) -> SafeString:
    url = reverse(f"admin:calls_{model.__name__.lower()}_changelist", query=query)
    return format_html('<a href="{}">{}</a>', url, text)


@cache
def as_json(name: str) -> Callable[[Any], SafeString]:
    """Return a column that shows a JSON field on several lines."""

    @admin.display(description=name)
    def show(row: Any) -> SafeString:
        return pretty(getattr(row, name))

    show.__name__ = name
    return show


def is_narrowed(request: HttpRequest) -> bool:
    """Whether the list is limited to one call or stream, so that filters read few rows."""
    return any(request.GET.get(name) for name in ("q", "stream__id__exact"))


class NarrowedFilter(admin.SimpleListFilter):
    """A filter for the rows of one call only, because no index supports it over all rows."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None or not is_narrowed(request):
            return queryset
        return queryset.filter(**{str(self.parameter_name): value})


def panel(request: HttpRequest, template: str) -> str:
    """Return the template of a result, or that of its part for a script that shows it in the form.

    The part of ``trial.html`` is ``_trial.html``.
    """
    if request.headers.get("X-Panel") != "1":
        return template
    folder, _, name = template.rpartition("/")
    return f"{folder}/_{name}"


class NamedListForm(_ModelForm):
    """A row of an editable list. Screen readers announce the row with each field."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}: {self.instance}"


class EditableList(Shown):
    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        return super().get_changelist_form(request, **{"form": NamedListForm, **kwargs})


class ReadOnly:
    """Forbids adding, changing and deleting rows."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Records(Shown):
    """A list of any length, newest first, with pages that show every field."""

    paginator = ReachablePaginator
    # Each of these would count all rows, or offer orders and pages without an index.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = PAGE_SIZE
    list_max_show_all = 0
    ordering = ("-id",)
    sortable_by = ()
    json_fields: ClassVar[list[str]] = []

    # How rows refer to their call; None for rows that are not about a call.
    call_path: ClassVar[str | None] = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows if self.call_path is None else in_sight(rows, self.call_path)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        names = [field.name for field in self.opts.concrete_fields]
        return [as_json(name) if name in self.json_fields else name for name in names]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [self._shown(name) for name in self.get_fields(request, obj)]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {"subtitle": _how_many(self.model), **(extra_context or {})}
        )


def _how_many(model: type[Model]) -> str | None:
    rows = estimated_rows(model) or 0
    if rows <= REACHABLE:
        return None
    return f"About {rows:,} rows. The newest {REACHABLE:,} are listed. Search to find others."


class CallRecords(ReadOnly, Records):
    """Records of calls, found by the id of their call."""

    call_path: ClassVar[str | None] = "call__"
    list_select_related = ("call",)
    search_fields: ClassVar[tuple[str, ...]] = ("call__call_id__exact",)
    search_help_text = "The exact id of a call."

    @admin.display(description="call")
    def call_link(self, row: Any) -> SafeString | str:
        return link_to_call(row.call)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # In two steps instead of a join, so that the list follows the index by call.
        if term := search_term.strip():
            queryset = self.of_call(queryset, list(Call.objects.filter(call_id=term)))
        return queryset, False

    def of_call(self, queryset: QuerySet[Any], calls: list[Call]) -> QuerySet[Any]:
        return queryset.filter(call__in=calls)


class PersonalData(_ModelAdmin):
    """Unredacted words: visible only with the permission to read unredacted transcripts."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and request.user.has_perm(VIEW_UNREDACTED)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        term = request.GET.get("q", "").strip()
        is_call = bool(term) and Call.objects.filter(call_id=term).exists()
        self._record(term if is_call else "")
        return response

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        row: Any = super().get_object(request, object_id, from_field)
        if row is not None and self.has_view_permission(request, row):
            self._record(row.stream.call.call_id if hasattr(row, "stream") else row.call.call_id)
        return row

    def _record(self, call_id: str) -> None:
        what = str(self.opts.verbose_name_plural)
        record_look(AuditAction.UNREDACTED, call_id=call_id, shown=what)


class BoundedFormSet(_FormSet):
    @cached_property
    def _newest(self) -> QuerySet[Any]:
        # Cached, because Django asks several times, and cannot filter a queryset that was sliced.
        return super().get_queryset()[:INLINE_LIMIT]

    def get_queryset(self) -> QuerySet[Any]:
        return self._newest


class CallInline(ReadOnly, _TabularInline):
    """Rows of the object on its page: no form, and a bounded number."""

    limit = INLINE_LIMIT
    template = "admin/calls/rows.html"
    formset = BoundedFormSet
    ordering = ("-id",)
    extra = 0
    show_change_link = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        names = super().get_fields(request, obj)
        model: Any = self.model
        return [as_shown(model, each) if isinstance(each, str) else each for each in names]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)


ACTION_LIMIT = 1_000


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
