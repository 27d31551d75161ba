"""What people add to a call, as services: tags and notes. One function is one transaction."""

from __future__ import annotations

import re
import unicodedata

from django.db import transaction
from django.utils import timezone

from calls import events
from calls.conversation import Turn
from calls.models import NOTE_LENGTH, TAG_LENGTH, Call, Note, Tag
from calls.redaction.redact import redact
from calls.search.index import index_notes
from calls.services import lock_call

NAME_LENGTH = 150
TAGS_LIMIT = 20
NOTES_LIMIT = 200
NO_NOTE = 2**63 - 1  # greater numbers do not fit into the database
TAG_RULE = f"1 to {TAG_LENGTH} characters, at least one of them a letter or a digit, and no comma"
_CONTROL = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Refused(Exception):
    """What somebody wants to write down breaks a rule, which the message names."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class NotThere(Exception):
    """The call has no such tag or note."""


class NotYours(Exception):
    """Somebody else wrote the note."""


def normal_tag(name: str) -> str:
    """Return the one spelling of a tag: small letters, single spaces. Raises Refused."""
    plain = " ".join(unicodedata.normalize("NFC", name).split()).lower()
    has_sign = any(unicodedata.category(sign) in _CONTROL for sign in plain)
    if not 0 < len(plain) <= TAG_LENGTH or "," in plain or has_sign or not re.search(r"\w", plain):
        raise Refused("name", f"A tag is {TAG_RULE}.")
    if _redacted(plain) != plain:
        raise Refused("name", "A tag must not hold personal data: this looks like some.")
    return plain


def add_tag(*, call_id: str, name: str, by: str = "") -> tuple[Tag, bool]:
    """Put a tag on a call, and say whether it was not there before.

    Raises CallNotFound, and Refused if the name is none or the call has TAGS_LIMIT tags.
    """
    name = normal_tag(name)
    with transaction.atomic():
        call = lock_call(call_id)
        tag = call.tags.filter(name=name).first()
        if tag is not None:
            return tag, False
        if call.tags.count() >= TAGS_LIMIT:
            raise Refused("name", f"This call has {TAGS_LIMIT} tags, which is the limit.")
        now = timezone.now()
        tag = call.tags.create(name=name, added_at=now, added_by=by[:NAME_LENGTH])
        events.append([(call, events.TagAdded(tag=name, by=by))], at=now)
    return tag, True


def remove_tag(*, call_id: str, name: str, by: str = "") -> Call:
    """Take a tag off a call. Raises CallNotFound, NotThere, and Refused if the name is none."""
    name = normal_tag(name)
    with transaction.atomic():
        call = lock_call(call_id)
        removed, _ = call.tags.filter(name=name).delete()
        if not removed:
            raise NotThere(f"This call has no tag {name!r}.")
        events.append([(call, events.TagRemoved(tag=name, by=by))], at=timezone.now())
    return call


def known_tags(*, limit: int = 200) -> list[str]:
    """Return the names of the tags that were added of late, for lists to choose from."""
    recent = list(Tag.objects.order_by("-id").values_list("name", flat=True)[: 10 * limit])
    return sorted(list(dict.fromkeys(recent))[:limit])


def add_note(*, call_id: str, text: str, by: str = "") -> Note:
    """Write a note about a call; what is personal in it is replaced before it is stored.

    Raises CallNotFound, and Refused if it is empty, too long, or one too many.
    """
    written = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not 0 < len(written) <= NOTE_LENGTH:
        raise Refused("text", f"A note has 1 to {NOTE_LENGTH:,} characters; {len(written):,} came.")
    plain = _redacted(written)[:NOTE_LENGTH]
    with transaction.atomic():
        call = lock_call(call_id)
        if call.notes.count() >= NOTES_LIMIT:
            raise Refused("text", f"This call has {NOTES_LIMIT} notes, which is the limit.")
        now = timezone.now()
        note = call.notes.create(text=plain, written_at=now, author=by[:NAME_LENGTH])
        index_notes(call)
        events.append([(call, events.NoteAdded(note=note.pk, by=by))], at=now)
    return note


def delete_note(*, call_id: str, note_id: int, by: str = "", of_others: bool = False) -> Call:
    """Delete a note, for good: the log keeps who wrote and who deleted it, and not the text.

    Raises CallNotFound, NotThere, and NotYours unless ``of_others`` says that it may be anybody's.
    """
    with transaction.atomic():
        call = lock_call(call_id)
        note = call.notes.filter(pk=min(note_id, NO_NOTE)).first()
        if note is None:
            raise NotThere(f"This call has no note {note_id}.")
        if note.author != by[:NAME_LENGTH] and not of_others:
            raise NotYours(f"{note.author or 'Somebody else'} wrote this note.")
        note.delete()
        index_notes(call)
        deleted = events.NoteDeleted(note=note_id, author=note.author, by=by)
        events.append([(call, deleted)], at=timezone.now())
    return call


def _redacted(text: str) -> str:
    """Return a text without what is personal in it, line by line, so that its shape stays."""
    lines = [Turn("customer", 0, 0, line) for line in text.split("\n")]
    return "\n".join(turn.text for turn in redact(lines).turns)
