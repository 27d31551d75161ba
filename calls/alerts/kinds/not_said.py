"""Words or phrases that a speaker must say, and did not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from django.conf import settings
from django.core.exceptions import ValidationError

from calls.alerts.kinds.base import AlertKind, ReadyRule
from calls.alerts.kinds.turns import turns_for
from calls.alerts.kinds.words import check_phrases, phrases_of
from calls.alerts.live.heard import HeardCall
from calls.alerts.matches import LIVE_SOURCE, AlertMatch
from calls.alerts.phrases import compile_phrases, find_phrase
from calls.models import AlertRule, Analysis, Call

MAX_WITHIN_S = 86_400
# Words may be recognised to begin a little later than they were spoken.
GRACE_MS = 2_000
SOURCE = "not_said"


class NotSaidKind(AlertKind):
    """Only certain if the speaker was heard throughout, in the language of the rule."""

    name = AlertRule.Kind.NOT_SAID
    fields = ("speaker", "phrases", "within_s", "language")
    hears = True

    def clean(self, rule: AlertRule) -> None:
        check_phrases(rule)
        if rule.within_s is not None and not 1 <= rule.within_s <= MAX_WITHIN_S:
            text = f"This kind needs 1 to {MAX_WITHIN_S} seconds, or none for the whole call."
            raise ValidationError({"within_s": text})

    def compile(self, rule: AlertRule) -> re.Pattern[str] | None:
        return compile_phrases(rule.phrases)

    def match_live(self, rule: ReadyRule, heard: HeardCall) -> Iterator[AlertMatch]:
        if not _is_heard_throughout(rule, heard) or not _knows(rule, heard.call.language):
            return
        until_ms = _until_ms(rule) or 0
        said = [each for each in heard.whole.utterances if rule.wants_speaker(each.speaker)]
        in_time = [each for each in said if each.begin_ms <= until_ms]
        # The wanted words may be among those that are held back.
        if not said or any(each.shown is None for each in in_time):
            return
        if not _is_said(rule, [each.shown or "" for each in in_time]):
            yield _match(rule, heard.pk, f"{LIVE_SOURCE}{SOURCE}")

    def reads_words(self, rule: ReadyRule) -> bool:
        return True

    def match_analysis(
        self, rule: ReadyRule, call: Call, analysis: Analysis
    ) -> Iterator[AlertMatch]:
        until_ms = _until_ms(rule)
        is_short = until_ms is not None and (call.duration_ms or 0) < until_ms
        if is_short or not _knows(rule, call.language):
            return
        turns = list(turns_for(rule, analysis))
        in_time = [each for each in turns if until_ms is None or each["begin_ms"] <= until_ms]
        if turns and not _is_said(rule, [turn["text"] for turn in in_time]):
            yield _match(rule, call.pk, SOURCE, found_after_call=True)


def _is_heard_throughout(rule: ReadyRule, heard: HeardCall) -> bool:
    """Whether everything relevant was transcribed live. If not, the result decides."""
    until_ms, progress = _until_ms(rule), heard.progress
    if until_ms is None or progress is None or progress.heard_until_ms is None:
        return False
    was_skipped = any(begin_ms <= until_ms for begin_ms, _ in progress.skipped)
    return progress.heard_until_ms >= until_ms + GRACE_MS and not was_skipped


def _until_ms(rule: ReadyRule) -> int | None:
    return None if rule.row.within_s is None else rule.row.within_s * 1000


def _knows(rule: ReadyRule, language: str) -> bool:
    """Whether the rule is for calls in this language. A language that nobody named fits all."""
    site = str(settings.AI_LANGUAGE)
    spoken, wanted = _tongue(language or site), _tongue(rule.row.language or site)
    return spoken == wanted or not (spoken and wanted)


def _tongue(language: str) -> str:
    return language.partition("-")[0].casefold()


def _is_said(rule: ReadyRule, texts: Sequence[str]) -> bool:
    """Whether a phrase is in the texts. It may span two of them."""
    return bool(rule.expression and find_phrase(rule.expression, " ".join(texts)))


def _match(
    rule: ReadyRule, call_pk: int, source: str, *, found_after_call: bool = False
) -> AlertMatch:
    return AlertMatch(
        rule.row,
        call_pk,
        _describe(rule),
        source,
        speaker=rule.row.speaker,
        offset_ms=_until_ms(rule),
        found_after_call=found_after_call,
    )


def _describe(rule: ReadyRule) -> str:
    first, *others = phrases_of(rule.row)
    wanted = f"“{first}” or any of {len(others)} more" if others else f"“{first}”"
    when = f"in the first {rule.row.within_s} s" if rule.row.within_s else "in the whole call"
    return f"Not said {when}: {wanted}."
