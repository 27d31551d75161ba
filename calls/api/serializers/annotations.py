"""Tags, notes and swapped speakers."""

from __future__ import annotations

from rest_framework import serializers

from calls.annotations import MOMENT_RULE, TAG_RULE
from calls.api.serializers.fields import (
    StrictBooleanField,
    StrictIntegerField,
    StrictStringField,
)
from calls.models import (
    NOTE_LENGTH,
    Call,
    Note,
    Tag,
)


class SpeakersSerializer(serializers.Serializer[Call]):
    swapped = StrictBooleanField(
        help_text="true: agent and customer are swapped, compared with the tracks as received."
    )


class NewTagSerializer(serializers.Serializer[Tag]):
    name = StrictStringField(help_text=f"{TAG_RULE}. Case is ignored.")


class NewNoteSerializer(serializers.Serializer[Note]):
    text = StrictStringField(help_text=f"1 to {NOTE_LENGTH} characters.")
    at_ms = StrictIntegerField(
        required=False,
        allow_null=True,
        help_text=(
            "The moment of the call that the note is about, counted from its start, "
            f"{MOMENT_RULE}. Leave it out if the note is about the whole call."
        ),
    )


class TagSerializer(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ["name", "added_at", "added_by"]


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ["id", "text", "at_ms", "written_at", "author"]
