"""Erasures."""

from __future__ import annotations

from rest_framework import serializers

from calls.api.serializers.fields import StrictBooleanField, StrictStringField
from calls.models import REASON_LENGTH, Erasure


class NewErasureSerializer(serializers.Serializer[Erasure]):
    numbers = serializers.ListField(
        child=StrictStringField(),
        default=list,
        help_text="Numbers of customers with their country codes, in any spelling. At most 100.",
    )
    call_ids = serializers.ListField(
        child=StrictStringField(), default=list, help_text="Call ids. At most 10,000."
    )
    reason = StrictStringField(
        help_text=f"Why, for the ledger: 1 to {REASON_LENGTH} characters, without names."
    )
    dry_run = StrictBooleanField(default=False, help_text="true: count, but erase nothing.")


class ErasureSerializer(serializers.ModelSerializer[Erasure]):
    state = serializers.SerializerMethodField(
        help_text="`running` until nothing is left, then `finished`."
    )
    counts = serializers.DictField(
        child=serializers.IntegerField(), help_text="What was erased so far, by kind."
    )

    class Meta:
        model = Erasure
        fields = ["id", "state", "reason", "by", "asked_at", "finished_at", "counts"]

    def get_state(self, erasure: Erasure) -> str:
        return "running" if erasure.finished_at is None else "finished"


class StartedErasureSerializer(ErasureSerializer):
    calls = serializers.IntegerField(help_text="Calls that it concerns.")
    held = serializers.IntegerField(help_text="Those that stay, because of a legal hold.")
    waiting = serializers.IntegerField(
        help_text="Those in progress or in analysis, which are erased when they are over."
    )

    class Meta(ErasureSerializer.Meta):
        fields = [*ErasureSerializer.Meta.fields, "calls", "held", "waiting"]


class PlannedErasureSerializer(serializers.Serializer[Erasure]):
    """What an erasure would do. Nothing is stored."""

    id = serializers.UUIDField(allow_null=True, help_text="Null: there is no such erasure yet.")
    state = serializers.CharField(help_text="`planned`.")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="Empty.")
    calls = serializers.IntegerField(help_text="Calls that it concerns.")
    held = serializers.IntegerField(help_text="Those that stay, because of a legal hold.")
    waiting = serializers.IntegerField(
        help_text="Those in progress or in analysis, which are erased when they are over."
    )
