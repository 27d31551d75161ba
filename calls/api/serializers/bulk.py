"""Bulk actions: what starts one, and its progress."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from calls.actions.bulk import LIMIT, count_outcomes
from calls.api.serializers.fields import StrictChoiceField, StrictSerializer, StrictStringField
from calls.models import CALL_ID_LENGTH, REASON_LENGTH, TAG_LENGTH, BulkAction, BulkItem, Stage

REFUSALS_SHOWN = 100


class NewBulkSerializer(StrictSerializer):
    """The body that starts an action on many calls: these calls, or those that match a filter."""

    action = StrictChoiceField(choices=BulkAction.Kind.choices)
    call_ids = serializers.ListField(
        child=StrictStringField(max_length=CALL_ID_LENGTH),
        required=False,
        min_length=1,
        max_length=LIMIT,
    )
    filter = serializers.DictField(
        child=serializers.JSONField(),
        required=False,
        help_text="The parameters of `GET /v1/call`, such as `state`, `queue` or `opened_before`.",
    )
    stage = StrictChoiceField(
        choices=Stage.choices, required=False, help_text="Where `reanalyse` starts."
    )
    tag = StrictStringField(max_length=TAG_LENGTH, required=False, help_text="For tag and untag.")
    reason = StrictStringField(
        max_length=REASON_LENGTH,
        required=False,
        help_text=f"For hold: why the calls must be kept, 1 to {REASON_LENGTH} characters.",
    )
    token = serializers.UUIDField(
        required=False,
        help_text="Any UUID. A request that is repeated with it starts one action only.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("call_ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError({"call_ids": ["Send either call_ids or filter."]})
        if "filter" in attrs and not attrs["filter"]:
            raise serializers.ValidationError({"filter": ["Name at least one parameter."]})
        return attrs


class BulkSerializer(serializers.Serializer[BulkAction]):
    """An action on many calls, and its outcomes so far."""

    number = serializers.IntegerField(source="pk")
    action = serializers.ChoiceField(source="kind", choices=BulkAction.Kind.choices)
    stage = serializers.CharField()
    tag = serializers.CharField()
    reason = serializers.CharField()
    by = serializers.CharField()
    total = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    stopped_by = serializers.CharField(help_text="Empty: nobody stopped it.")


class RefusedCallSerializer(serializers.Serializer[BulkItem]):
    call_id = serializers.CharField()
    reason = serializers.CharField()


class BulkProgressSerializer(BulkSerializer):
    """An action on many calls with its outcomes."""

    done = serializers.IntegerField()
    refused = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Calls that are left, or were not reached.")
    refusals = RefusedCallSerializer(many=True, help_text=f"The first {REFUSALS_SHOWN}.")

    def to_representation(self, instance: BulkAction) -> dict[str, Any]:
        shown = {
            name: field.to_representation(value) if value is not None else None
            for name, field in BulkSerializer().fields.items()
            for value in [field.get_attribute(instance)]
        }
        refused = instance.items.filter(outcome=BulkItem.Outcome.REFUSED).order_by("id")
        refusals = list(refused.values("call_id", "reason")[:REFUSALS_SHOWN])
        return {**shown, **count_outcomes(instance), "refusals": refusals}
