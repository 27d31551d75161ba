"""Descriptions of the routes of alert rules. No behaviour."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from calls.api.docs.answers import WRITE_ERRORS, error
from calls.api.docs.rows import Rows
from calls.api.serializers.rules import RuleSerializer, StoredRuleSerializer, TrialSerializer

_NEW = {
    "name": "Wants to cancel",
    "kind": "words",
    "severity": "warning",
    "speaker": "customer",
    "phrases": "cancel my\nterminate the contract",
    "queues": ["billing"],
    "conditions": [{"kind": "sentiment", "speaker": "customer", "limit": -1.0}],
}
_STORED = {
    "rule": 12,
    "name": "Wants to cancel",
    "kind": "words",
    "enabled": True,
    "severity": "warning",
    "queues": ["billing"],
    "agents": [],
    "speaker": "customer",
    "phrases": "cancel my\nterminate the contract",
    "within_s": None,
    "language": "",
    "limit": None,
    "per_turn": False,
    "conditions": [{"kind": "sentiment", "speaker": "customer", "limit": -1.0}],
    "repeat_after_s": None,
    "quiet_hours": "",
    "quiet_mode": "send",
    "updated_at": "2026-01-31T12:00:00+00:00",
}
_TRIAL = {
    "looked": 200,
    "is_cut": False,
    "results": [
        {
            "call_id": "4711",
            "found": "Said “cancel my”.",
            "quote": "Then I would like to cancel my contract.",
            "speaker": "customer",
            "offset_ms": 83400,
            "more": 0,
        }
    ],
}
_CHANGED = OpenApiResponse(StoredRuleSerializer, examples=[OpenApiExample("Stored", value=_STORED)])
_FOUND = OpenApiResponse(TrialSerializer, examples=[OpenApiExample("A hit", value=_TRIAL)])
_RULES = Rows("administration", error("There is no such rule.", {"detail": "There is no rule 12."}))
_EXAMPLE = OpenApiExample("Words and sentiment", value=_NEW, request_only=True)

rule_list = _RULES.all("list_rules", "Alert rules, newest first", StoredRuleSerializer)
rule_detail = _RULES.one("get_rule", "One alert rule", _CHANGED)
rule_create = _RULES.new(
    "create_rule",
    "Create an alert rule",
    _CHANGED,
    description=(
        "`kind` determines which of the other fields are used; docs/alerts.md has a table. The "
        "rule applies to what happens from then on. Try it on past calls first."
    ),
    request=RuleSerializer,
    examples=[_EXAMPLE],
)
rule_change = _RULES.one(
    "change_rule",
    "Change an alert rule",
    _CHANGED,
    description="Send only the fields to change. `enabled: false` stops it.",
    request=RuleSerializer,
    examples=[OpenApiExample("Stop it", value={"enabled": False}, request_only=True)],
)
rule_delete = _RULES.one(
    "delete_rule",
    "Delete an alert rule",
    OpenApiResponse(description="The rule was deleted."),
    status=204,
    description="Its alerts stay.",
)
rule_try = extend_schema(
    operation_id="try_rule",
    summary="Try an alert rule on past calls before it is created",
    description="Looks at the newest 200 calls that are over, for up to 8 s. Stores nothing.",
    tags=["administration"],
    request=RuleSerializer,
    examples=[_EXAMPLE],
    responses={200: _FOUND, **WRITE_ERRORS},
)
rule_try_stored = _RULES.one(
    "try_stored_rule",
    "Try a stored alert rule on past calls",
    _FOUND,
    description="Looks at the newest 200 calls that are over, for up to 8 s. Raises no alerts.",
)
