"""Sentiment of a call or of one turn, so far and at the end."""

from __future__ import annotations

from collections.abc import Iterator

from calls.alerts.kinds.base import LimitKind, LiveLook, ReadyRule
from calls.alerts.kinds.turns import quote_live, quote_turn, turns_for
from calls.alerts.live.heard import HeardCall
from calls.alerts.matches import LIVE_SOURCE, AlertMatch
from calls.formats.numbers import limit_text, score_text
from calls.models import Alert, AlertRule, Analysis, Call

# One sentence says little about a call. Require at least this many of a side in a live call.
MIN_JUDGED = 3


class SentimentKind(LimitKind):
    name = AlertRule.Kind.SENTIMENT
    fields = ("speaker", "limit", "per_turn")
    low, high, unit = -5, 5, "points"
    limit_label = "Sentiment below (-5 to 5)"
    hears = True

    def match_live(self, rule: ReadyRule, heard: HeardCall) -> Iterator[AlertMatch]:
        check = _check_live_utterances if rule.row.per_turn else _check_live_call
        yield from check(rule, heard)

    def reason_over(self, rule: ReadyRule, now: LiveLook) -> str:
        if rule.row.per_turn or now.heard is None:
            return ""  # one utterance was enough
        sides = now.heard.sentiment.items()
        scores = [each["score"] for who, each in sides if now.speaker in ("", who)]
        is_low = not scores or min(scores) < rule.limit
        return "" if is_low else Alert.Reason.RECOVERED

    def is_confirmed(
        self, rule: ReadyRule, call: Call, analysis: Analysis, *, speaker: str
    ) -> bool:
        matches = self.match_analysis(rule, call, analysis)
        return any(speaker in ("", match.speaker) for match in matches)

    def reads_words(self, rule: ReadyRule) -> bool:
        return bool(rule.row.per_turn)

    def match_analysis(
        self, rule: ReadyRule, call: Call, analysis: Analysis
    ) -> Iterator[AlertMatch]:
        check = _check_turns if rule.row.per_turn else _check_call
        yield from check(rule, call, analysis)


def _check_live_utterances(rule: ReadyRule, heard: HeardCall) -> Iterator[AlertMatch]:
    for each in heard.new:
        is_wanted = rule.wants_speaker(each.speaker)
        if is_wanted and each.score is not None and each.score < rule.limit:
            text = _below("of an utterance", each.score, rule)
            yield quote_live(rule, heard, [each], text)


def _check_live_call(rule: ReadyRule, heard: HeardCall) -> Iterator[AlertMatch]:
    for speaker, sentiment in heard.sentiment.items():
        if not rule.wants_speaker(speaker) or heard.judged.get(speaker, 0) < MIN_JUDGED:
            continue
        if sentiment["score"] < rule.limit:
            text = _below("so far", sentiment["score"], rule)
            source = f"{LIVE_SOURCE}sentiment:{speaker}:{heard.revision}"
            at_ms = heard.progress and heard.progress.heard_until_ms
            yield AlertMatch(
                rule.row, heard.pk, text, source, speaker=speaker, offset_ms=at_ms, lasts=True
            )


def _check_turns(rule: ReadyRule, call: Call, analysis: Analysis) -> Iterator[AlertMatch]:
    for turn in turns_for(rule, analysis):
        if turn.get("score") is not None and turn["score"] < rule.limit:
            text = _below("of a turn", turn["score"], rule)
            yield quote_turn(rule, call, turn, text)


def _check_call(rule: ReadyRule, call: Call, analysis: Analysis) -> Iterator[AlertMatch]:
    overall = (analysis.metrics.get("sentiment") or {}).get("overall") or {}
    for speaker, sentiment in overall.items():
        if rule.row.speaker in ("", speaker) and sentiment["score"] < rule.limit:
            text = _below("of the call", sentiment["score"], rule)
            # With the version: another analysis may raise another alert, if the rule repeats.
            source = f"analysis:{analysis.version}:{speaker}"
            yield AlertMatch(
                rule.row, call.pk, text, source, speaker=speaker, found_after_call=True
            )


def _below(what: str, score: float, rule: ReadyRule) -> str:
    return f"Sentiment {what} {score_text(score)}; the limit is {limit_text(rule.limit)}."
