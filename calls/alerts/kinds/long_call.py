"""The length of a call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from calls.alerts.kinds.base import LimitKind, ReadyRule
from calls.alerts.matches import AlertMatch
from calls.models import AlertRule, Call


class LongCallKind(LimitKind):
    name = AlertRule.Kind.LONG_CALL
    low, high, unit = 1, 7 * 86_400, "seconds"
    checks_live_calls = True

    def live_calls(self, calls: QuerySet[Call], *, limit: float, now: datetime) -> QuerySet[Call]:
        return calls.filter(opened_at__lt=now - timedelta(seconds=limit))

    def describe_live(self, rule: AlertRule, call: Call, *, now: datetime) -> str:
        return _describe(rule)

    def match_end(self, rule: ReadyRule, call: Call) -> Iterator[AlertMatch]:
        length = (call.ended_at or call.opened_at) - call.opened_at
        if length.total_seconds() > rule.limit:
            yield AlertMatch(rule.row, call.pk, _describe(rule.row), "end")


def _describe(rule: AlertRule) -> str:
    return f"The call is longer than {rule.limit:g} s."
