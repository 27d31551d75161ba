"""Rules about what is known when a call ends, is analysed or fails: read from the event log."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import DatabaseError

from calls import events
from calls.alerts import duty
from calls.alerts.phrases import excerpt, find_phrase
from calls.alerts.rules import ReadyRule, RuleBook
from calls.alerts.services import Finding, raise_alerts
from calls.alerts.sweep import is_lossy, told_length, told_loss
from calls.alerts.words import said
from calls.lifecycle import CallState
from calls.models import AlertRule, Analysis, Call, CallEvent

log = logging.getLogger(__name__)

Kind = AlertRule.Kind
WATCH = "events"
READ_LIMIT = 200


def open_log() -> int:
    return duty.open_watch(WATCH, start=events.head())


def watch_log(book: RuleBook, after: int, *, now: datetime) -> int:
    """Judge the calls of the next events. Returns the new position, which is then stored."""
    found = events.read(after=after, limit=READ_LIMIT)
    for event in found:
        if event.type == events.StateChanged.type and event.call is not None:
            raise_alerts(_findings(book, event, event.call), now=now)
    if found:
        duty.advance(WATCH, found[-1].id)
        return found[-1].id
    return after


def _findings(book: RuleBook, event: CallEvent, call: Call) -> list[Finding]:
    try:
        return list(_judge(book, event, call))
    except DatabaseError:
        raise
    except Exception:
        # Results are data: what one lacks must not stop the alerts of every other call.
        log.exception("no alerts from event %d of call %s", event.id, call.call_id)
        return []


def _judge(book: RuleBook, event: CallEvent, call: Call) -> Iterator[Finding]:
    rules = [rule for rule in book.of(*Kind.values) if rule.wants(queue=call.queue)]
    if event.state == CallState.COMPLETED:
        yield from judge_end(rules, call)
    elif event.state == CallState.FAILED:
        reason = str(event.data.get("reason", ""))
        for rule in _of(rules, Kind.FAILED):
            yield Finding(rule.row, call.pk, reason or "No reason.", f"event:{event.id}")
    elif event.state == CallState.ARCHIVED:
        analysis = call.analyses.order_by("-version").first()
        if analysis is not None:
            yield from judge_analysis(rules, call, analysis)


def _of(rules: Sequence[ReadyRule], kind: str) -> list[ReadyRule]:
    return [rule for rule in rules if rule.row.kind == kind]


def judge_end(rules: Sequence[ReadyRule], call: Call) -> Iterator[Finding]:
    """What the sweep of live calls would have found, had it looked in the last moment."""
    for rule in _of(rules, Kind.LOSS):
        if is_lossy(call, rule.row.limit or 0):
            yield Finding(rule.row, call.pk, told_loss(rule.row, call), "end")
    for rule in _of(rules, Kind.LONG_CALL):
        length = (call.ended_at or call.opened_at) - call.opened_at
        if length.total_seconds() > (rule.row.limit or 0):
            yield Finding(rule.row, call.pk, told_length(rule.row), "end")


def judge_analysis(rules: Sequence[ReadyRule], call: Call, analysis: Analysis) -> Iterator[Finding]:
    """Yield what rules find in the turns and figures of an analysis. Its turns are redacted."""
    for rule in rules:
        if rule.row.kind == Kind.WORDS:
            yield from _words(rule, call, analysis)
        elif rule.row.kind == Kind.SENTIMENT:
            yield from _moods(rule, call, analysis)
        elif rule.row.kind == Kind.SILENCE:
            yield from _silences(rule, call, analysis)


def _turns(rule: ReadyRule, analysis: Analysis) -> Iterator[dict[str, Any]]:
    for turn in analysis.turns:
        if rule.row.speaker in ("", turn["speaker"]):
            yield turn


def _quoting(rule: ReadyRule, call: Call, turn: dict[str, Any], found: str) -> Finding:
    return Finding(
        rule.row,
        call.pk,
        found,
        source=f"turn:{turn['begin_ms']}:{turn['speaker']}",
        quote=excerpt(turn["text"], rule.expression),
        speaker=turn["speaker"],
        offset_ms=max(0, int(turn["begin_ms"])),
        in_hindsight=True,
    )


def _words(rule: ReadyRule, call: Call, analysis: Analysis) -> Iterator[Finding]:
    for turn in _turns(rule, analysis):
        words = rule.expression and find_phrase(rule.expression, turn["text"])
        if words:
            yield _quoting(rule, call, turn, said(rule, turn["text"], words))


def _moods(rule: ReadyRule, call: Call, analysis: Analysis) -> Iterator[Finding]:
    limit = rule.row.limit or 0
    if rule.row.per_turn:
        for turn in _turns(rule, analysis):
            if turn.get("score") is not None and turn["score"] < limit:
                text = f"Sentiment of a turn {turn['score']:.1f}; the limit is {limit:g}."
                yield _quoting(rule, call, turn, text)
        return
    overall = (analysis.metrics.get("sentiment") or {}).get("overall") or {}
    for who, mood in overall.items():
        if rule.row.speaker in ("", who) and mood["score"] < limit:
            text = f"Sentiment of the call {mood['score']:.1f}; the limit is {limit:g}."
            source = f"analysis:{analysis.version}:{who}"
            yield Finding(rule.row, call.pk, text, source, speaker=who)


def _silences(rule: ReadyRule, call: Call, analysis: Analysis) -> Iterator[Finding]:
    stretches = (analysis.metrics.get("non_talk") or {}).get("instances") or []
    for stretch in stretches:
        length_s = (stretch["end_ms"] - stretch["begin_ms"]) / 1000
        if length_s > (rule.row.limit or 0):
            text = f"Nobody talked for {length_s:.0f} s; the limit is {rule.row.limit:g} s."
            source = f"non_talk:{stretch['begin_ms']}"
            at_ms = max(0, int(stretch["begin_ms"]))
            yield Finding(rule.row, call.pk, text, source, offset_ms=at_ms, in_hindsight=True)
