"""Tags and notes in the admin: read-only, on the page of their call."""

from __future__ import annotations

from calls.admin.lists import CallInline
from calls.models import Note, Tag


class TagInline(CallInline):
    model = Tag
    fields = ["name", "added_at", "added_by"]


class NoteInline(CallInline):
    model = Note
    fields = ["text", "at_ms", "written_at", "author"]
