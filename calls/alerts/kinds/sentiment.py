"""Sentiment of a call or of one turn."""

from __future__ import annotations

from collections.abc import Iterator

from calls.alerts.kinds.base import LimitKind, ReadyRule
from calls.alerts.kinds.turns import quote_turn, turns_for
from calls.alerts.matches import AlertMatch
from calls.models import AlertRule, Analysis, Call


class SentimentKind(LimitKind):
    name = AlertRule.Kind.SENTIMENT
    fields = ("speaker", "limit", "per_turn")
    low, high, unit = -5, 5, "points"

    def match_analysis(
        self, rule: ReadyRule, call: Call, analysis: Analysis
    ) -> Iterator[AlertMatch]:
        check = _check_turns if rule.row.per_turn else _check_call
        yield from check(rule, call, analysis)


def _check_turns(rule: ReadyRule, call: Call, analysis: Analysis) -> Iterator[AlertMatch]:
    for turn in turns_for(rule, analysis):
        if turn.get("score") is not None and turn["score"] < rule.limit:
            text = f"Sentiment of a turn {turn['score']:.1f}; the limit is {rule.limit:g}."
            yield quote_turn(rule, call, turn, text)


def _check_call(rule: ReadyRule, call: Call, analysis: Analysis) -> Iterator[AlertMatch]:
    overall = (analysis.metrics.get("sentiment") or {}).get("overall") or {}
    for speaker, sentiment in overall.items():
        if rule.row.speaker in ("", speaker) and sentiment["score"] < rule.limit:
            text = f"Sentiment of the call {sentiment['score']:.1f}; the limit is {rule.limit:g}."
            # With the version: another analysis may raise another alert, if the rule repeats.
            source = f"analysis:{analysis.version}:{speaker}"
            yield AlertMatch(rule.row, call.pk, text, source, speaker=speaker)
