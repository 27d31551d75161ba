"""How values look in the admin: times, states, ids and errors, as on the other pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import BooleanField, DateTimeField, Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calls.admin.audited import Audited
from calls.models import Call

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin
NONE = "\N{EN DASH}"
SHORT_ID, ID_START, ID_END = 24, 12, 10
ERROR_LENGTH = 400


def show_time(at: datetime | None) -> str:
    # A template, because the filter that writes times belongs to the pages.
    return render_to_string("admin/_time.html", {"at": at}) if at else NONE


def show_boolean(value: bool | None) -> str:
    # "No" is the usual case and no mistake, so it gets no red cross.
    return "Yes" if value else NONE


def pill(level: str, text: str) -> SafeString:
    """A state as a coloured pill. ``level``: ok, note, work, warn, bad or off."""
    return format_html('<span class="pill pill--{}">{}</span>', level, text)


def show_phase(call: Call) -> SafeString:
    return render_to_string("admin/_phase.html", {"call": call})


def show_error(text: str) -> SafeString | str:
    if not text:
        return NONE
    whole = " ".join(text.split())[:ERROR_LENGTH]
    return format_html('<span class="cell cell--error" title="{}">{}</span>', whole, whole)


def show_cut(text: str, *, short: bool = False, url: str = "") -> SafeString | str:
    """Show one line, and the rest when it is pointed at. Phones show all of it."""
    if not text:
        return NONE
    size = " cell--short" if short else ""
    shown = format_html("<bdi>{}</bdi>", text)
    shown = format_html('<a href="{}">{}</a>', url, shown) if url else shown
    return format_html('<span class="cell{}" title="{}">{}</span>', size, text, shown)


def show_id(text: str) -> SafeString:
    """Show an id on one line, without its middle if it is long: ids differ at their ends."""
    is_long = len(text) > SHORT_ID
    shown = f"{text[:ID_START]}…{text[-ID_END:]}" if is_long else text
    return format_html('<span class="id" title="{}">{}</span>', text, shown)


def link_to_call(call: Call | None) -> SafeString | str:
    if call is None:
        return NONE
    url = reverse("admin:calls_call_change", args=[call.pk])
    return format_html('<a href="{}">{}</a>', url, show_id(call.call_id))


def link_to_page(url: str, of: str) -> SafeString:
    text = f"Open the page of {of}"
    return format_html('<a class="go" href="{}" title="{}" aria-label="{}">↗</a>', url, text, text)


def page_of(call: Call) -> str:
    return reverse("supervisor:call", args=[call.call_id])


_WAYS: dict[type[Any], Callable[[Any], str]] = {
    DateTimeField: show_time,
    BooleanField: show_boolean,
}


@cache
def as_shown(model: type[Model], name: str) -> Any:
    """Return the column that shows this field, or its name if Django shows it well."""
    try:
        field: Any = model._meta.get_field(name)  # noqa: SLF001 (public despite its name)
    except FieldDoesNotExist:
        return name
    way = next((way for kind, way in _WAYS.items() if isinstance(field, kind)), None)
    if way is None:
        return name

    @admin.display(description=field.verbose_name, ordering=name)
    def show(row: Any) -> str:
        return way(getattr(row, name))

    show.__name__ = name
    return show


class Shown(Audited, _ModelAdmin):
    """Shows times and yes-or-no fields as the pages do, in lists and in forms."""

    def get_list_display(self, request: HttpRequest) -> Any:
        names = super().get_list_display(request)
        return [name if name in self.list_editable else self._shown(name) for name in names]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [self._shown(name) for name in super().get_readonly_fields(request, obj)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fixed = set(self.get_readonly_fields(request, obj))
        return [
            (title, {**options, "fields": self._in_form(options["fields"], fixed)})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def _in_form(self, fields: Iterable[Any], fixed: set[Any]) -> list[Any]:
        # Django compares the two lists, so a field that is read only must be the same in both.
        return [
            self._in_form(name, fixed)
            if isinstance(name, (list, tuple))
            else shown
            if (shown := self._shown(name)) in fixed
            else name
            for name in fields
        ]

    def _shown(self, name: Any) -> Any:
        model: Any = self.model
        return as_shown(model, name) if isinstance(name, str) else name
