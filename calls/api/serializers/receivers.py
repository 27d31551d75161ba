"""Webhook endpoints, notification targets, and the messages to them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from rest_framework import serializers

from calls.alerts.definition import MAX_NAMES, NAME_LENGTH
from calls.api.filters import LEVELS
from calls.api.serializers.fields import (
    StrictBooleanField,
    StrictChoiceField,
    StrictIntegerField,
    StrictSerializer,
    StrictStringField,
)
from calls.models import (
    AlertRule,
    NotificationDelivery,
    NotificationTarget,
    Severity,
    Team,
    WebhookDelivery,
    WebhookEndpoint,
)
from calls.models.people import TEAM_LENGTH

HEALTH = (
    "disabled_reason",
    "failing_since",
    "delivered_count",
    "failed_count",
    "given_up_count",
    "created_at",
)
DELIVERY = (
    "state",
    "attempts",
    "next_attempt_at",
    "created_at",
    "tried_at",
    "delivered_at",
    "status_code",
    "duration_ms",
    "error",
    "response",
)


class EndpointSerializer(StrictSerializer):
    """What a person sets of a webhook endpoint."""

    name = StrictStringField(max_length=100, min_length=1)
    url = StrictStringField(
        max_length=500,
        min_length=1,
        help_text="An https:// or http:// address. Redirects are not followed.",
    )
    secret = StrictStringField(
        max_length=200,
        required=False,
        write_only=True,
        help_text="whsec_ and 24 to 64 bytes in base64. Left out: a new one is made.",
    )
    enabled = StrictBooleanField(required=False)
    alerts = StrictBooleanField(required=False)
    state_changes = StrictBooleanField(required=False)
    results = StrictBooleanField(required=False)
    queue = StrictStringField(max_length=200, required=False, help_text="Empty: all calls.")


class StoredEndpointSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """A webhook endpoint as it is stored, without its secret, and whether messages arrive."""

    webhook = serializers.IntegerField(source="pk", read_only=True)

    class Meta:
        model = WebhookEndpoint
        fields = [
            "webhook", "name", "url", "enabled", "alerts", "state_changes", "results", "queue",
            *HEALTH,
        ]  # fmt: skip
        read_only_fields = fields


class NewEndpointSerializer(StoredEndpointSerializer):
    """A webhook endpoint with its secret, which is shown only in this response."""

    class Meta(StoredEndpointSerializer.Meta):
        fields = [*StoredEndpointSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class EndpointDeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """A message to a webhook endpoint."""

    delivery = serializers.IntegerField(source="pk", read_only=True)

    class Meta:
        model = WebhookDelivery
        fields = ["delivery", "message_id", "type", *DELIVERY]
        read_only_fields = fields


class TargetSerializer(StrictSerializer):
    """What a person sets of a notification target."""

    name = StrictStringField(max_length=100, min_length=1)
    kind = StrictChoiceField(choices=NotificationTarget.Kind.choices)
    address = StrictStringField(
        max_length=1000,
        min_length=1,
        write_only=True,
        help_text="E-mail addresses, separated by commas, or the address of a chat.",
    )
    enabled = StrictBooleanField(required=False)
    min_severity = StrictChoiceField(choices=LEVELS, required=False)
    rules: serializers.Field[Any, Any, Any, Any] = serializers.ListField(
        child=StrictIntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=1000,
        help_text="Numbers of rules. Only alerts of these; empty: of all rules.",
    )
    queues = serializers.ListField(
        child=StrictStringField(max_length=NAME_LENGTH), required=False, max_length=MAX_NAMES
    )
    teams: serializers.Field[Any, Any, Any, Any] = serializers.ListField(
        child=StrictStringField(max_length=TEAM_LENGTH),
        required=False,
        allow_null=True,
        min_length=1,
        max_length=MAX_NAMES,
        help_text="Names of teams. Only alerts of their calls; null: of all calls.",
    )
    per_minute = StrictIntegerField(
        min_value=1, max_value=60, required=False, help_text="Further alerts are combined."
    )

    def validate_min_severity(self, level: str) -> Severity:
        return Severity[level.upper()]

    def validate_rules(self, numbers: list[int]) -> list[AlertRule]:
        found = {rule.pk: rule for rule in AlertRule.objects.filter(pk__in=numbers)}
        if missing := [number for number in numbers if number not in found]:
            raise serializers.ValidationError(f"There is no rule {missing[0]}.")
        return list(found.values())

    def validate_teams(self, names: list[str] | None) -> list[int] | None:
        if names is None:
            return None
        known = {team.name.lower(): team.pk for team in Team.objects.all()}
        if missing := [name for name in names if name.lower() not in known]:
            raise serializers.ValidationError(f"There is no team {missing[0]}.")
        return sorted({known[name.lower()] for name in names})


class StoredTargetSerializer(serializers.ModelSerializer[NotificationTarget]):
    """A notification target as it is stored. Whoever knows an address may use it, so it is cut."""

    target = serializers.IntegerField(source="pk", read_only=True)
    address = serializers.CharField(source="masked_address", read_only=True)
    min_severity = serializers.SerializerMethodField()
    rules = serializers.PrimaryKeyRelatedField[AlertRule](many=True, read_only=True)
    queues = serializers.ListField(child=serializers.CharField(), read_only=True)
    teams = serializers.SerializerMethodField()

    class Meta:
        model = NotificationTarget
        fields = [
            "target", "name", "kind", "address", "enabled", "min_severity", "rules", "queues",
            "teams", "per_minute", "last_result", "last_tried_at", "last_success_at", *HEALTH,
        ]  # fmt: skip
        read_only_fields = fields

    def get_teams(self, target: NotificationTarget) -> list[str] | None:
        if target.teams is None:
            return None
        return [self._teams[pk] for pk in target.teams if pk in self._teams]

    @cached_property
    def _teams(self) -> dict[int, str]:
        # One serializer shows all targets of a page.
        return dict(Team.objects.values_list("pk", "name"))

    def get_min_severity(self, target: NotificationTarget) -> str:
        return Severity(target.min_severity).name.lower()


class TargetDeliverySerializer(serializers.ModelSerializer[NotificationDelivery]):
    """A message to a notification target."""

    delivery = serializers.IntegerField(source="pk", read_only=True)
    alert = serializers.IntegerField(source="alert_id", read_only=True)
    digest = serializers.IntegerField(
        source="digest_id",
        read_only=True,
        allow_null=True,
        help_text="The delivery whose message includes it instead.",
    )

    class Meta:
        model = NotificationDelivery
        fields = ["delivery", "alert", "digest", *DELIVERY]
        read_only_fields = fields


class OutcomeSerializer(serializers.Serializer[Any]):
    """What became of a test message."""

    is_success = serializers.BooleanField()
    status = serializers.IntegerField(allow_null=True, help_text="The status of the response.")
    error = serializers.CharField(source="told")
    response = serializers.CharField(help_text="The beginning of the response.")
    duration_ms = serializers.IntegerField()
