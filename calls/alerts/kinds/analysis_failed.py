"""Calls whose analysis failed."""

from __future__ import annotations

from collections.abc import Iterator

from calls.alerts.kinds.base import AlertKind, ReadyRule
from calls.alerts.matches import AlertMatch
from calls.lifecycle import CallState
from calls.models import AlertRule, Analysis, Call


class AnalysisFailedKind(AlertKind):
    name = AlertRule.Kind.FAILED

    def match_failure(
        self, rule: ReadyRule, call: Call, *, reason: str, source: str | None = None
    ) -> Iterator[AlertMatch]:
        yield AlertMatch(rule.row, call.pk, reason or "No reason.", source, lasts=True)

    def match_past(
        self, rule: ReadyRule, call: Call, analysis: Analysis | None
    ) -> Iterator[AlertMatch]:
        if call.state == CallState.FAILED:
            yield from self.match_failure(rule, call, reason=call.last_error)
