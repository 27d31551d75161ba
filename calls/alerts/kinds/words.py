"""Words and phrases, in packets and utterances of live calls, and in transcripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.core.exceptions import ValidationError

from calls.alerts.kinds.base import AlertKind, ReadyRule
from calls.alerts.kinds.turns import quote_live, quote_turn, turns_for
from calls.alerts.live.heard import HeardCall
from calls.alerts.matches import AlertMatch
from calls.alerts.phrases import compile_phrases, find_phrase
from calls.models import AlertRule, Analysis, Call

# All phrases are one expression, which is searched in every packet.
MAX_PHRASES, MAX_PHRASE_LENGTH = 200, 100


class WordsKind(AlertKind):
    name = AlertRule.Kind.WORDS
    fields = ("speaker", "phrases")
    hears = True
    reads_packets = True

    def clean(self, rule: AlertRule) -> None:
        check_phrases(rule)

    def compile(self, rule: AlertRule) -> re.Pattern[str] | None:
        return compile_phrases(rule.phrases)

    def match_live(self, rule: ReadyRule, heard: HeardCall) -> Iterator[AlertMatch]:
        if rule.expression is None:
            return
        for passage in heard.passages:
            if not rule.wants_speaker(passage.speaker):
                continue
            if found := passage.find(rule.expression):
                text = describe_words(rule, found.text, found.words)
                yield quote_live(rule, heard, found.utterances, text, begin_ms=found.begin_ms)

    def reads_words(self, rule: ReadyRule) -> bool:
        return True

    def match_analysis(
        self, rule: ReadyRule, call: Call, analysis: Analysis
    ) -> Iterator[AlertMatch]:
        for turn in turns_for(rule, analysis):
            words = rule.expression and find_phrase(rule.expression, turn["text"])
            if words:
                yield quote_turn(rule, call, turn, describe_words(rule, turn["text"], words))


def phrases_of(rule: AlertRule) -> list[str]:
    return [line.strip() for line in rule.phrases.splitlines() if line.strip()]


def check_phrases(rule: AlertRule) -> None:
    """Raise ValidationError unless the phrases can be searched for."""
    lines = phrases_of(rule)
    if not lines or len(lines) > MAX_PHRASES:
        text = f"This kind needs 1 to {MAX_PHRASES} words or phrases, one per line."
        raise ValidationError({"phrases": text})
    for line in lines:
        if len(line) > MAX_PHRASE_LENGTH:
            text = f"At most {MAX_PHRASE_LENGTH} characters a phrase: {line[:30]}…"
            raise ValidationError({"phrases": text})
        if not any(character.isalnum() for character in line):
            raise ValidationError({"phrases": f"There is no word in {line!r}."})


def describe_words(rule: ReadyRule, redacted: str, words: str) -> str:
    """Name the words that were found, unless redaction removed them as personal data."""
    if rule.expression and find_phrase(rule.expression, redacted):
        return f"Said “{words}”."
    return "Said words that are personal data."
