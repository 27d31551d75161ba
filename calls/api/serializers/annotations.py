"""Tags, notes and swapped speakers."""

from __future__ import annotations

from rest_framework import serializers

from calls.annotations import TAG_RULE
from calls.api.serializers.fields import StrictBooleanField, StrictStringField
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


class TagSerializer(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields = ["name", "added_at", "added_by"]


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ["id", "text", "written_at", "author"]
