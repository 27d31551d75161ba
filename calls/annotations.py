"""Services for the tags and notes that people add to a call. One function is one transaction."""

from __future__ import annotations

import re
import unicodedata

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from calls import events
from calls.conversation import Turn
from calls.events.annotations import NoteAdded, NoteDeleted, TagAdded, TagRemoved
from calls.models import NOTE_LENGTH, TAG_LENGTH, Call, Note, Tag
from calls.redaction.redact import redact
from calls.search.index import index_notes
from calls.services import lock_call
from calls.visibility import in_sight

NAME_LENGTH = 150
TAGS_LIMIT = 20
NOTES_LIMIT = 200
MOMENT_LIMIT_MS = 7 * 24 * 3_600_000
MOMENT_RULE = f"from 0 to {MOMENT_LIMIT_MS:,} ms, which is a week"
NO_NOTE = 2**63 - 1  # the database cannot store greater numbers
TAG_RULE = f"1 to {TAG_LENGTH} characters, with at least one letter or digit and no comma"
_CONTROL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class AnnotationRefused(Exception):
    """The tag or note breaks a rule, which the message names."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class NotThere(Exception):
    """The call has no such tag or note."""


class NotYours(Exception):
    """Somebody else wrote the note."""


def normal_tag(name: str) -> str:
    """Return the normal form of a tag: lower case, single spaces. Raises AnnotationRefused."""
    plain = " ".join(unicodedata.normalize("NFC", name).split()).lower()
    # Invisible characters would make two tags that look the same.
    has_sign = any(unicodedata.category(sign) in _CONTROL for sign in plain)
    if not 0 < len(plain) <= TAG_LENGTH or "," in plain or has_sign or not re.search(r"\w", plain):
        raise AnnotationRefused("name", f"A tag is {TAG_RULE}.")
    if without_personal_data(plain) != plain:
        raise AnnotationRefused(
            "name", "A tag must not contain personal data, and this looks like some."
        )
    return plain


def add_tag(*, call_id: str, name: str, by: str = "") -> tuple[Tag, bool]:
    """Add a tag to a call. Return the tag and whether it is new.

    Raises CallNotFound, and AnnotationRefused if the name is invalid or the call has TAGS_LIMIT
    tags.
    """
    name = normal_tag(name)
    with transaction.atomic():
        call = lock_call(call_id)
        tag = call.tags.filter(name=name).first()
        if tag is not None:
            return tag, False
        if call.tags.count() >= TAGS_LIMIT:
            raise AnnotationRefused("name", f"This call has {TAGS_LIMIT} tags, which is the limit.")
        now = timezone.now()
        tag = call.tags.create(name=name, added_at=now, added_by=by[:NAME_LENGTH])
        events.append([(call, TagAdded(tag=name, by=by))], at=now)
    return tag, True


def remove_tag(*, call_id: str, name: str, by: str = "") -> Call:
    """Remove a tag. Raises CallNotFound, NotThere, and AnnotationRefused if the name is invalid."""
    name = normal_tag(name)
    with transaction.atomic():
        call = lock_call(call_id)
        removed, _ = call.tags.filter(name=name).delete()
        if not removed:
            raise NotThere(f"This call has no tag {name!r}.")
        events.append([(call, TagRemoved(tag=name, by=by))], at=timezone.now())
    return call


def known_tags(*, limit: int = 200) -> list[str]:
    """Return the names of recently added tags, in alphabetical order."""
    # The newest tags on record, read by key: DISTINCT over all tags would scan the table.
    newest = in_sight(Tag.objects.order_by("-id"), "call__")
    recent = list(newest.values_list("name", flat=True)[: 10 * limit])
    return sorted(list(dict.fromkeys(recent))[:limit])


def add_note(*, call_id: str, text: str, by: str = "", at_ms: int | None = None) -> Note:
    """Add a note to a call. Personal data is replaced before the note is stored.

    ``at_ms`` is the moment that it is about, counted from the start of the call. Raises
    CallNotFound, and AnnotationRefused if the text is empty or too long, the moment is outside
    MOMENT_RULE, or the call has NOTES_LIMIT notes.
    """
    if at_ms is not None and not 0 <= at_ms <= MOMENT_LIMIT_MS:
        raise AnnotationRefused("at_ms", f"The moment of a note is {MOMENT_RULE}.")
    written = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not 0 < len(written) <= NOTE_LENGTH:
        raise AnnotationRefused(
            "text", f"A note has 1 to {NOTE_LENGTH:,} characters; this one has {len(written):,}."
        )
    # Cut again, because a mark such as [EMAIL] may be longer than what it replaces.
    plain = without_personal_data(written)[:NOTE_LENGTH]
    with transaction.atomic():
        call = lock_call(call_id)
        if call.notes.count() >= NOTES_LIMIT:
            raise AnnotationRefused(
                "text", f"This call has {NOTES_LIMIT} notes, which is the limit."
            )
        now = timezone.now()
        note = call.notes.create(text=plain, at_ms=at_ms, written_at=now, author=by[:NAME_LENGTH])
        index_notes(call)
        events.append([(call, NoteAdded(note=note.pk, by=by))], at=now)
    return note


def delete_note(*, call_id: str, note_id: int, by: str = "", of_others: bool = False) -> Call:
    """Delete a note permanently. The log keeps its author and who deleted it, but not its text.

    Raises CallNotFound, NotThere, and NotYours if somebody else wrote it, unless ``of_others``.
    """
    with transaction.atomic():
        call = lock_call(call_id)
        note = call.notes.filter(pk=min(note_id, NO_NOTE)).first()
        if note is None:
            raise NotThere(f"This call has no note {note_id}.")
        if note.author != by[:NAME_LENGTH] and not of_others:
            raise NotYours(f"{note.author or 'Somebody else'} wrote this note.")
        note.delete()
        # In the same transaction, so that a deleted note cannot be found any more.
        index_notes(call)
        deleted = NoteDeleted(note=note_id, author=note.author, by=by)
        events.append([(call, deleted)], at=timezone.now())
    return call


def without_personal_data(text: str) -> str:
    """Return what somebody wrote, redacted line by line, so that line breaks stay."""
    lines = [Turn("customer", 0, 0, line) for line in text.split("\n")]
    return "\n".join(turn.text for turn in redact(lines, language=settings.AI_LANGUAGE).turns)
