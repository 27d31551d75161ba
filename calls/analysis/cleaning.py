"""The boundary of the analysis: what any provider returns is cleaned and bounded here, once.

Text loses what a database or UTF-8 does not take, times are cut to the call, and lengths to the
limits below. ``skipped`` says what was cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import get_args

from calls.analysis.providers import ProviderError
from calls.conversation import (
    SPEAKERS,
    Label,
    Sentiment,
    Skipped,
    Span,
    Transcription,
    Turn,
    Understanding,
    Word,
    label_for,
)
from calls.formats.plain_text import clean_text, cut_text

MAX_TURNS = 20_000
MAX_TURN_LENGTH = 100_000  # characters; an hour of one voice without a pause has 60,000
MAX_TURN_WORDS = 20_000
MAX_SPANS = 100_000  # of speech, for each side
MAX_SUMMARY_LENGTH = 4_000
MAX_KEYWORDS = 20
MAX_KEYWORD_LENGTH = 100
MAX_INSIGHTS = 100
MAX_INSIGHT_LENGTH = 2_000
MAX_NAME_LENGTH = 200  # of models, prompts and insights, and of a request id
MAX_REASONS = 100
MAX_REASON_LENGTH = 1_000
MAX_SCORE = 5.0
_LABELS: tuple[Label, ...] = get_args(Label)


def clean_transcription(heard: Transcription, *, duration_ms: int) -> Transcription:
    """Return what was heard, safe to store. ``duration_ms`` is the length of the audio."""
    turns = [_turn(turn, duration_ms) for turn in heard.turns[:MAX_TURNS]]
    cut = [
        _cut_note("the transcript", "turns", len(heard.turns), MAX_TURNS),
        *(_turn_note(turn) for turn in heard.turns[:MAX_TURNS]),
    ]
    return Transcription(
        turns=tuple(turns),
        speech={
            who: tuple(_span(span, duration_ms) for span in heard.speech[who][:MAX_SPANS])
            for who in SPEAKERS
            if who in heard.speech
        },
        duration_ms=duration_ms,
        model=_name(heard.model),
        skipped=(*_reasons(heard.skipped), *_told("transcribe", cut)),
        request_ids=_ids(heard.request_ids),
    )


def clean_understanding(said: Understanding, *, turns: int) -> Understanding:
    """Return what was understood of so many turns, safe to store.

    Raises ProviderError unless there is one sentiment for each turn.
    """
    if len(said.sentiments) != turns:
        message = f"{len(said.sentiments)} sentiments came back for {turns} turns."
        raise ProviderError(message, code="invalid_answer", transient=True)
    summary = clean_text(said.summary).strip()
    keywords = [clean_text(word).strip() for word in said.keywords[:MAX_KEYWORDS]]
    insights = {
        _name(name): clean_text(answer).strip()
        for name, answer in islice(said.insights.items(), MAX_INSIGHTS)
    }
    cut = [
        _cut_note("the summary", "characters", len(summary), MAX_SUMMARY_LENGTH),
        _cut_note("the answer", "keywords", len(said.keywords), MAX_KEYWORDS),
        _cut_note("the answer", "insights", len(said.insights), MAX_INSIGHTS),
        *(
            _cut_note(f"the insight {name}", "characters", len(answer), MAX_INSIGHT_LENGTH)
            for name, answer in insights.items()
        ),
    ]
    return replace(
        said,
        sentiments=tuple(_sentiment(each) for each in said.sentiments),
        summary=cut_text(summary, MAX_SUMMARY_LENGTH),
        keywords=tuple(cut_text(word, MAX_KEYWORD_LENGTH) for word in keywords if word),
        model=_name(said.model),
        insights={
            name: cut_text(answer, MAX_INSIGHT_LENGTH) for name, answer in insights.items() if name
        },
        skipped=(*_reasons(said.skipped), *_told("understand", cut)),
        prompt=_name(said.prompt),
        request_ids=_ids(said.request_ids),
    )


def _turn(turn: Turn, duration_ms: int) -> Turn:
    span = _span(Span(turn.begin_ms, turn.end_ms), duration_ms)
    return Turn(
        turn.speaker,
        span.begin_ms,
        span.end_ms,
        cut_text(clean_text(turn.text), MAX_TURN_LENGTH),
        tuple(_word(word, duration_ms) for word in turn.words[:MAX_TURN_WORDS]),
    )


def _word(word: Word, duration_ms: int) -> Word:
    span = _span(Span(word.begin_ms, word.end_ms), duration_ms)
    return Word(span.begin_ms, span.end_ms, cut_text(clean_text(word.text), MAX_NAME_LENGTH))


def _span(span: Span, duration_ms: int) -> Span:
    begin_ms = min(max(0, span.begin_ms), duration_ms)
    return Span(begin_ms, min(max(begin_ms, span.end_ms), duration_ms))


def _sentiment(sentiment: Sentiment | None) -> Sentiment | None:
    if sentiment is None:  # not judged
        return None
    score = sentiment.score if math.isfinite(sentiment.score) else 0.0
    label = sentiment.label if sentiment.label in _LABELS else label_for(score)
    return Sentiment(label, min(max(score, -MAX_SCORE), MAX_SCORE))


def _turn_note(turn: Turn) -> str:
    return _cut_note("a turn", "characters", len(turn.text), MAX_TURN_LENGTH) or _cut_note(
        "a turn", "words", len(turn.words), MAX_TURN_WORDS
    )


def _cut_note(what: str, unit: str, given: int, most: int) -> str:
    return f"Too long: {what} had {given:,} {unit}; {most:,} are kept." if given > most else ""


def _told(stage: str, notes: Sequence[str]) -> list[Skipped]:
    told = list(dict.fromkeys(filter(None, notes)))
    return [Skipped(stage, note) for note in told[:MAX_REASONS]]


def _reasons(skipped: Sequence[Skipped]) -> list[Skipped]:
    return [
        Skipped(_name(each.stage), cut_text(clean_text(each.reason), MAX_REASON_LENGTH))
        for each in skipped[:MAX_REASONS]
    ]


def _ids(request_ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(_name(each) for each in request_ids[:MAX_REASONS])


def _name(text: str) -> str:
    return cut_text(clean_text(text), MAX_NAME_LENGTH)
