"""The length of a call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import QuerySet

from calls.alerts.kinds.base import LimitKind, ReadyRule
from calls.alerts.live.heard import HeardCall
from calls.alerts.matches import AlertMatch
from calls.models import AlertRule, Analysis, Call


class LongCallKind(LimitKind):
    name = AlertRule.Kind.LONG_CALL
    low, high, unit = 1, 7 * 86_400, "seconds"
    limit_label = "Call longer than (seconds)"
    checks_live_calls = True

    def live_calls(self, calls: QuerySet[Call], *, limit: float, now: datetime) -> QuerySet[Call]:
        return calls.filter(opened_at__lt=now - timedelta(seconds=limit))

    def describe_live(self, rule: AlertRule, call: Call, *, now: datetime) -> str:
        return _describe(rule)

    def match_now(self, rule: ReadyRule, heard: HeardCall) -> Iterator[AlertMatch]:
        age_ms = heard.age_ms
        if age_ms is not None and age_ms > rule.limit * 1000:
            text = _describe(rule.row)
            yield AlertMatch(rule.row, heard.pk, text, offset_ms=age_ms, lasts=True)

    def match_end(self, rule: ReadyRule, call: Call) -> Iterator[AlertMatch]:
        # The length of its sound is not known yet, only how long it was open.
        if _was_open_too_long(rule, call):
            yield AlertMatch(rule.row, call.pk, _describe(rule.row), "end", lasts=True)

    def match_analysis(
        self, rule: ReadyRule, call: Call, analysis: Analysis
    ) -> Iterator[AlertMatch]:
        """Find long calls that were received in a short time."""
        if (call.duration_ms or 0) > rule.limit * 1000 and not _was_open_too_long(rule, call):
            yield AlertMatch(rule.row, call.pk, _describe(rule.row), "end", lasts=True)


def _was_open_too_long(rule: ReadyRule, call: Call) -> bool:
    took = call.received_within
    return took is not None and took.total_seconds() > rule.limit


def _describe(rule: AlertRule) -> str:
    return f"The call is longer than {rule.limit:g} s."
