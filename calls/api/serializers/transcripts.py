"""The shape of a transcript, for the schema: documents are made elsewhere, and not checked here."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from calls.api.serializers.annotations import NoteSerializer
from calls.conversation import SPEAKERS
from calls.lifecycle import CallState
from calls.models import Call, SummaryKind

ANALYSED = "Only of an analysed call."


class TurnSerializer(serializers.Serializer[Any]):
    """What one side said before the other side spoke."""

    speaker = serializers.ChoiceField(choices=SPEAKERS)
    begin_ms = serializers.IntegerField()
    end_ms = serializers.IntegerField()
    text = serializers.CharField()
    words = serializers.ListField(
        child=serializers.ListField(),
        help_text="Each as `[begin_ms, end_ms, text]`. Empty for text calls and live calls.",
    )
    sentiment = serializers.ChoiceField(
        choices=Call.Sentiment.choices, allow_null=True, help_text="Null: not judged."
    )
    score = serializers.FloatField(
        allow_null=True, help_text="From -5 (negative) to 5 (positive). Null: not known."
    )


class SpanSerializer(serializers.Serializer[Any]):
    """A span of the call."""

    begin_ms = serializers.IntegerField()
    end_ms = serializers.IntegerField()


class QuarterSerializer(SpanSerializer):
    """The sentiment of one side in a quarter of the call."""

    score = serializers.FloatField(allow_null=True, help_text="Null: this side said nothing.")


class OverallSentimentSerializer(serializers.Serializer[Any]):
    """The sentiment of one side in the whole call."""

    score = serializers.FloatField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A class attribute named `label` would hide that of the serializer.
        label = serializers.ChoiceField(choices=Call.Sentiment.choices)
        return {"label": label, **super().get_fields()}


class SentimentFiguresSerializer(serializers.Serializer[Any]):
    """Sentiment by side, `agent` and `customer`. A side without a known one is left out."""

    overall = serializers.DictField(child=OverallSentimentSerializer())
    by_quarter = serializers.DictField(child=serializers.ListField(child=QuarterSerializer()))
    trend = serializers.DictField(child=serializers.ChoiceField(choices=Call.Trend.choices))


class TalkSerializer(serializers.Serializer[Any]):
    """How much one side talked."""

    total_ms = serializers.IntegerField()
    words_per_minute = serializers.IntegerField()


class NonTalkSerializer(serializers.Serializer[Any]):
    """Spans of at least 3 s in which nobody talked."""

    total_ms = serializers.IntegerField()
    instances = SpanSerializer(many=True)


class InterruptionsSerializer(serializers.Serializer[Any]):
    """Spans in which both sides talked, by the side that interrupted."""

    count = serializers.IntegerField()
    total_ms = serializers.IntegerField()
    by = serializers.DictField(child=serializers.ListField(child=SpanSerializer()))


class RedactionSerializer(SpanSerializer):
    """Personal data that was removed from a turn."""

    turn = serializers.IntegerField(help_text="Index of the turn, from 0.")
    kind = serializers.CharField()


class ProvenanceSerializer(serializers.Serializer[Any]):
    """How the result was made: provider, model, version, and what is missing."""

    transcribe = serializers.DictField()
    understand = serializers.DictField(allow_null=True, help_text="Null until then.")


class TranscriptSerializer(serializers.Serializer[Any]):
    """A transcript with the results of its analysis, or the words so far of a live call."""

    call_id = serializers.CharField()
    state = serializers.ChoiceField(choices=CallState.choices)
    live = serializers.BooleanField(help_text="true: these are the words so far.")
    turns = TurnSerializer(many=True)
    redacted = serializers.BooleanField(help_text="true: personal data is masked.")
    skipped = serializers.ListField(
        help_text=(
            "What was left out. Live: the stretches `[begin_ms, end_ms]` not transcribed. "
            "Otherwise: each `stage` of the analysis that was skipped, with the `reason`."
        )
    )
    notes = NoteSerializer(many=True)
    revision = serializers.IntegerField(
        required=False, help_text="Live only: the feed sends what changes after it."
    )
    heard_until_ms = serializers.IntegerField(
        required=False, allow_null=True, help_text="Live only: how far transcription has got."
    )
    duration_ms = serializers.IntegerField(required=False)
    summary = serializers.CharField(required=False)
    summary_kind = serializers.ChoiceField(
        choices=SummaryKind.choices,
        required=False,
        allow_blank=True,
        help_text="`quotes`: sentences of the call are quoted instead. Empty: no summary.",
    )
    keywords = serializers.ListField(child=serializers.CharField(), required=False)
    insights = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="Answers by name of the question."
    )
    redactions = RedactionSerializer(many=True, required=False)
    sentiment = SentimentFiguresSerializer(required=False, help_text=ANALYSED)
    talk = serializers.DictField(child=TalkSerializer(), required=False, help_text=ANALYSED)
    non_talk = NonTalkSerializer(required=False, help_text=ANALYSED)
    interruptions = InterruptionsSerializer(required=False, help_text=ANALYSED)
    provenance = ProvenanceSerializer(required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A class attribute named `fields` would hide those of the serializer.
        custom = serializers.DictField(
            child=serializers.CharField(),
            required=False,
            help_text="Values of custom fields, by name.",
        )
        return {**super().get_fields(), "fields": custom}
