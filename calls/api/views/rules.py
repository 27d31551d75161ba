"""The routes of alert rules: read, define, try and delete them."""

from __future__ import annotations

from typing import ClassVar

from django.db import transaction
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from calls.alerts.definition import define_rule, validate_rule
from calls.alerts.trial import try_rule
from calls.api.docs import rules as docs
from calls.api.serializers.rules import (
    RuleSerializer,
    StoredRuleSerializer,
    shown_trial,
)
from calls.api.views.administration import (
    AdministrationRoute,
    delete_row,
)
from calls.api.views.route import ADMIN, Reach, read_body
from calls.audit.record import record_change
from calls.models import AlertRule, AuditAction


class RuleViewSet(AdministrationRoute):
    """Alert rules. A change applies from then on."""

    queryset = AlertRule.objects.order_by("-id")
    serializer_class = StoredRuleSerializer
    noun = "rule"
    reach = Reach.SITE
    scopes: ClassVar = dict.fromkeys(
        ("list", "retrieve", "create", "partial_update", "destroy", "try_new", "try_stored"), ADMIN
    )
    permissions: ClassVar = {
        "list": "calls.view_alertrule",
        "retrieve": "calls.view_alertrule",
        "create": "calls.add_alertrule",
        "partial_update": "calls.change_alertrule",
        "destroy": "calls.delete_alertrule",
        "try_new": "calls.change_alertrule",
        "try_stored": "calls.change_alertrule",
    }

    @docs.rule_list
    def list(self, request: Request) -> Response:
        return self.page(self.get_queryset(), StoredRuleSerializer)

    @docs.rule_detail
    def retrieve(self, request: Request, number: int) -> Response:
        return Response(StoredRuleSerializer(self.row(number)).data)

    @docs.rule_create
    def create(self, request: Request) -> Response:
        fields = read_body(RuleSerializer, request)
        with transaction.atomic():
            rule = define_rule(fields)
            record_change(AuditAction.ADD, rule)
        return Response(StoredRuleSerializer(rule).data, status=status.HTTP_201_CREATED)

    @docs.rule_change
    def partial_update(self, request: Request, number: int) -> Response:
        rule, fields = self.row(number), read_body(RuleSerializer, request, partial=True)
        with transaction.atomic():
            rule = define_rule(fields, rule=rule)
            record_change(AuditAction.CHANGE, rule, fields)
        return Response(StoredRuleSerializer(rule).data)

    @docs.rule_delete
    def destroy(self, request: Request, number: int) -> Response:
        delete_row(self.row(number))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.rule_try
    def try_new(self, request: Request) -> Response:
        rule = validate_rule(read_body(RuleSerializer, request))
        return Response(shown_trial(try_rule(rule)))

    @docs.rule_try_stored
    def try_stored(self, request: Request, number: int) -> Response:
        return Response(shown_trial(try_rule(self.row(number))))
