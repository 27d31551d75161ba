"""Calls that a search found, and the words that matched."""

from __future__ import annotations

from typing import Any, get_args

from rest_framework import serializers

from calls.api.serializers.calls import CallSerializer
from calls.models import (
    Call,
)
from calls.search.index import Where


class HitSerializer(serializers.Serializer[Any]):
    """Where the words are: a turn, by who says it, or a finding or note, without turn and times."""

    where = serializers.ChoiceField(get_args(Where), help_text="What `text` comes from.")
    name = serializers.CharField(allow_null=True, help_text="Of the insight, or of who noted it.")
    note = serializers.IntegerField(allow_null=True, help_text="The id of the note.")
    turn = serializers.IntegerField(allow_null=True, help_text="Place among the turns, from 0.")
    begin_ms = serializers.IntegerField(allow_null=True)
    end_ms = serializers.IntegerField(allow_null=True)
    sentiment = serializers.ChoiceField(Call.Sentiment.choices, allow_null=True)
    text = serializers.CharField(help_text="The part of it in which the words are. Redacted.")
    matches = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2),
        help_text="Where in `text` the words are: from, to.",
    )


class FoundCallSerializer(CallSerializer):
    """A call that was found, with the best of its hits."""

    hit_count = serializers.IntegerField(read_only=True)
    hits = HitSerializer(many=True, read_only=True)

    class Meta(CallSerializer.Meta):
        fields = [*CallSerializer.Meta.fields, "hit_count", "hits"]
        read_only_fields = fields
