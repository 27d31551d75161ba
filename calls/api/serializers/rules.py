"""Alert rules, and what a trial of one found."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from calls.alerts.definition import MAX_CONDITIONS, MAX_NAMES, NAME_LENGTH, RULE_FIELDS
from calls.alerts.kinds import CONDITION_KINDS
from calls.alerts.trial import Trial
from calls.api.filters import LEVELS
from calls.api.serializers.fields import (
    StrictBooleanField,
    StrictChoiceField,
    StrictIntegerField,
    StrictNumberField,
    StrictSerializer,
    StrictStringField,
)
from calls.models import AlertRule, Severity

LONGEST_TEXT = 10_000
MAX_SECONDS = 2**31 - 1
CONDITION_CHOICES = [(kind, AlertRule.Kind(kind).label) for kind in CONDITION_KINDS]


def _help(name: str) -> str:
    column: Any = AlertRule._meta.get_field(name)  # noqa: SLF001 (public in spite of its name)
    return str(column.help_text)


def _seconds(name: str) -> StrictIntegerField:
    return StrictIntegerField(
        required=False, allow_null=True, min_value=0, max_value=MAX_SECONDS, help_text=_help(name)
    )


def _names(name: str) -> serializers.ListField:
    child = StrictStringField(max_length=NAME_LENGTH)
    return serializers.ListField(
        child=child, required=False, max_length=MAX_NAMES, help_text=_help(name)
    )


class _KindFields(StrictSerializer):
    """The fields whose meaning depends on the kind."""

    speaker = StrictChoiceField(
        choices=AlertRule.Speaker.choices,
        required=False,
        allow_blank=True,
        help_text=_help("speaker"),
    )
    phrases = StrictStringField(required=False, max_length=LONGEST_TEXT, help_text=_help("phrases"))
    within_s = _seconds("within_s")
    language = StrictStringField(required=False, max_length=16, help_text=_help("language"))
    limit = StrictNumberField(required=False, allow_null=True, help_text=_help("limit"))
    per_turn = StrictBooleanField(required=False, help_text=_help("per_turn"))


class ConditionSerializer(_KindFields):
    """A further condition, which must hold as well."""

    kind = StrictChoiceField(choices=CONDITION_CHOICES)


class RuleSerializer(_KindFields):
    """What a person sets of a rule. ``calls.alerts.definition`` checks it as a whole."""

    name = StrictStringField(max_length=100, help_text=_help("name"))
    kind = StrictChoiceField(choices=AlertRule.Kind.choices)
    enabled = StrictBooleanField(required=False, help_text=_help("enabled"))
    severity = StrictChoiceField(choices=LEVELS, required=False, help_text=_help("severity"))
    queues = _names("queues")
    agents = _names("agents")
    conditions = serializers.ListField(
        child=ConditionSerializer(),
        required=False,
        max_length=MAX_CONDITIONS,
        help_text=_help("conditions"),
    )
    repeat_after_s = _seconds("repeat_after_s")
    quiet_hours = StrictStringField(
        required=False, max_length=LONGEST_TEXT, help_text=_help("quiet_hours")
    )
    quiet_mode = StrictChoiceField(choices=AlertRule.QuietMode.choices, required=False)

    def validate_severity(self, level: str) -> Severity:
        return Severity[level.upper()]


class StoredRuleSerializer(serializers.Serializer[AlertRule]):
    """A rule as it is stored."""

    rule = serializers.IntegerField(source="pk", read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        own = super().get_fields()
        given = RuleSerializer().get_fields()
        severity = serializers.ChoiceField(choices=LEVELS, read_only=True)
        return {
            "rule": own["rule"],
            **{name: given[name] for name in RULE_FIELDS},
            "severity": severity,
            "updated_at": own["updated_at"],
        }

    def to_representation(self, instance: AlertRule) -> dict[str, Any]:
        fields = {name: getattr(instance, name) for name in RULE_FIELDS}
        return {
            "rule": instance.pk,
            **fields,
            "severity": Severity(instance.severity).name.lower(),
            "updated_at": instance.updated_at.isoformat(),
        }


class TrialHitSerializer(serializers.Serializer[Any]):
    """A call that the rule matches: the first match, and how many more there are."""

    call_id = serializers.CharField()
    found = serializers.CharField()
    quote = serializers.CharField()
    speaker = serializers.CharField()
    offset_ms = serializers.IntegerField(allow_null=True)
    more = serializers.IntegerField()


class TrialSerializer(serializers.Serializer[Any]):
    """What a rule would have found."""

    looked = serializers.IntegerField(help_text="Number of calls that were checked.")
    is_cut = serializers.BooleanField(help_text="The time was up before all of them were checked.")
    results = TrialHitSerializer(many=True)


def shown_trial(trial: Trial) -> dict[str, Any]:
    hits = [
        {
            "call_id": hit.call.call_id,
            "found": hit.match.found,
            "quote": hit.match.quote,
            "speaker": hit.match.speaker,
            "offset_ms": hit.match.offset_ms,
            "more": hit.more,
        }
        for hit in trial.hits
    ]
    return {"looked": trial.looked, "is_cut": trial.is_cut, "results": hits}
