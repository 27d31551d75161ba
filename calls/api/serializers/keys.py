"""API keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rest_framework import serializers

from calls.api.filters import OUT_OF_RANGE
from calls.api.serializers.fields import (
    StrictBooleanField,
    StrictChoiceField,
    StrictIntegerField,
    StrictSerializer,
    StrictStringField,
)
from calls.keys.networks import EXAMPLES, MOST_NETWORKS, read_networks
from calls.keys.services import LONGEST_OVERLAP
from calls.models import ApiKey


class KeyTermsSerializer(StrictSerializer):
    """What may change of a key."""

    name = StrictStringField(max_length=100, min_length=1, help_text="Who or what uses it.")
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="From then on it is refused. Null: never."
    )
    networks = serializers.ListField(
        child=StrictStringField(max_length=64, min_length=1),
        required=False,
        max_length=MOST_NETWORKS,
        help_text=f"From where it may be used, {EXAMPLES}. Empty: from anywhere.",
    )

    def validate_networks(self, networks: list[str]) -> list[str]:
        try:
            return read_networks(networks)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def validate_expires_at(self, at: datetime | None) -> datetime | None:
        try:
            return at and at.astimezone(UTC)
        except OverflowError as error:
            raise serializers.ValidationError(OUT_OF_RANGE) from error


class KeySerializer(KeyTermsSerializer):
    """A new key. What it permits cannot be changed later."""

    scopes = serializers.ListField(
        child=StrictChoiceField(choices=ApiKey.Scope.choices),
        min_length=1,
        max_length=len(ApiKey.Scope),
    )

    def validate_scopes(self, scopes: list[str]) -> list[str]:
        return sorted(set(scopes))


class RotationSerializer(StrictSerializer):
    """The body that rotates the secret of a key."""

    overlap_s = StrictIntegerField(
        min_value=0,
        max_value=LONGEST_OVERLAP // timedelta(seconds=1),
        required=False,
        help_text="How many seconds the old secret stays valid. Default: a day.",
    )
    end_previous = StrictBooleanField(
        required=False,
        help_text="End the secret from before the last rotation, if it is still valid.",
    )
    keep_previous = StrictBooleanField(
        required=False,
        help_text=(
            "The newest secret was lost, for example because no response arrived: replace it. "
            "The secret from before that rotation stays valid as long as it was."
        ),
    )


class StoredKeySerializer(serializers.ModelSerializer[ApiKey]):
    """A key as it is stored, without its secret part."""

    number = serializers.IntegerField(source="pk", read_only=True)
    scopes = serializers.ListField(child=serializers.CharField(), read_only=True)
    networks = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ApiKey
        fields = [
            "number", "name", "prefix", "scopes", "networks", "expires_at", "previous_until",
            "rotated_at", "last_used_at", "last_used_from", "created_at", "revoked_at",
        ]  # fmt: skip
        read_only_fields = fields


class NewKeySerializer(StoredKeySerializer):
    """A new key. ``key`` is shown only in this response."""

    key = serializers.CharField(read_only=True)

    class Meta(StoredKeySerializer.Meta):
        fields = [*StoredKeySerializer.Meta.fields, "key"]
        read_only_fields = fields
