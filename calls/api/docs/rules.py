"""Descriptions of the routes of alert rules. No behaviour."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from calls.api.docs.answers import MALFORMED, READ_ERRORS, WRITE_ERRORS, _without, error
from calls.api.serializers.rules import RuleSerializer, StoredRuleSerializer, TrialSerializer

NUMBER = OpenApiParameter(
    "number", OpenApiTypes.INT64, OpenApiParameter.PATH, description="As in the list."
)
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
_UNKNOWN = error("There is no such rule.", {"detail": "There is no rule 12."})
_LIST = {**_without(READ_ERRORS, 404), 400: MALFORMED}
_CHANGED = OpenApiResponse(StoredRuleSerializer, examples=[OpenApiExample("Stored", value=_STORED)])
_FOUND = OpenApiResponse(TrialSerializer, examples=[OpenApiExample("A hit", value=_TRIAL)])
_EXAMPLE = OpenApiExample("Words and sentiment", value=_NEW, request_only=True)

rule_list = extend_schema(
    operation_id="list_rules",
    summary="Alert rules, newest first",
    tags=["administration"],
    responses={200: StoredRuleSerializer(many=True), **_LIST},
)
rule_detail = extend_schema(
    operation_id="get_rule",
    summary="One alert rule",
    tags=["administration"],
    parameters=[NUMBER],
    responses={200: _CHANGED, **_without(READ_ERRORS, 400), 404: _UNKNOWN},
)
rule_create = extend_schema(
    operation_id="create_rule",
    summary="Create an alert rule",
    description=(
        "`kind` determines which of the other fields are used; docs/alerts.md has a table. The "
        "rule applies to what happens from then on. Try it on past calls first."
    ),
    tags=["administration"],
    request=RuleSerializer,
    examples=[_EXAMPLE],
    responses={201: _CHANGED, **WRITE_ERRORS},
)
rule_change = extend_schema(
    operation_id="change_rule",
    summary="Change an alert rule",
    description="Send only the fields to change. `enabled: false` stops it.",
    tags=["administration"],
    parameters=[NUMBER],
    request=RuleSerializer,
    examples=[OpenApiExample("Stop it", value={"enabled": False}, request_only=True)],
    responses={200: _CHANGED, **WRITE_ERRORS, 404: _UNKNOWN},
)
rule_delete = extend_schema(
    operation_id="delete_rule",
    summary="Delete an alert rule",
    description="Its alerts stay.",
    tags=["administration"],
    parameters=[NUMBER],
    request=None,
    responses={
        204: OpenApiResponse(description="The rule was deleted."),
        **_without(READ_ERRORS, 400),
        404: _UNKNOWN,
    },
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
rule_try_stored = extend_schema(
    operation_id="try_stored_rule",
    summary="Try a stored alert rule on past calls",
    description="Looks at the newest 200 calls that are over, for up to 8 s. Raises no alerts.",
    tags=["administration"],
    parameters=[NUMBER],
    request=None,
    responses={200: _FOUND, **_without(READ_ERRORS, 400), 404: _UNKNOWN},
)
