"""What is added to calls, in the admin: tags, notes, and the custom fields that a call may have."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from calls.admin.lists import CallInline, EditableList
from calls.models import CustomField, Note, Tag


class TagInline(CallInline):
    model = Tag
    fields = ["name", "added_at", "added_by"]


class NoteInline(CallInline):
    model = Note
    fields = ["text", "at_ms", "written_at", "author"]


@admin.register(CustomField)
class CustomFieldAdmin(EditableList):
    """Deleting a field deletes its values in all calls."""

    list_display = ["label", "name", "kind", "is_searched", "on_board"]
    list_editable = ["is_searched", "on_board"]
    fields = ["name", "label", "kind", "is_searched", "on_board"]
    ordering = ("id",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Programs rely on the name and the kind, and stored values have been checked by it.
        return ["name", "kind"] if obj else []
