"""Calls that a search found, and where the words are."""

from __future__ import annotations

from typing import Any, get_args

from rest_framework import serializers

from calls.api.serializers.calls import CallSerializer
from calls.models import (
    Call,
)
from calls.search.index import Where


class HitSerializer(serializers.Serializer[Any]):
    """One hit. ``turn`` and the times are null if the text is a finding or a note."""

    where = serializers.ChoiceField(get_args(Where), help_text="The source of `text`.")
    name = serializers.CharField(allow_null=True, help_text="Insight or author of the note.")
    note = serializers.IntegerField(allow_null=True, help_text="Id of the note.")
    turn = serializers.IntegerField(allow_null=True, help_text="Index of the turn, from 0.")
    begin_ms = serializers.IntegerField(allow_null=True)
    end_ms = serializers.IntegerField(allow_null=True)
    sentiment = serializers.ChoiceField(Call.Sentiment.choices, allow_null=True)
    text = serializers.CharField(help_text="The redacted passage that contains the words.")
    matches = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        help_text="Positions of the words in `text`: start and end.",
    )


class FoundCallSerializer(CallSerializer):
    """A call that was found, with its best hits."""

    hit_count = serializers.IntegerField(read_only=True)
    hits = HitSerializer(many=True, read_only=True)

    class Meta(CallSerializer.Meta):
        fields = [*CallSerializer.Meta.fields, "hit_count", "hits"]
        read_only_fields = fields
