"""Compares the written scripts, as text or as synthetic speech, with their truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from benchmarks.speech.accuracy import Document, Score, judge_call
from benchmarks.speech.synthetic_voice import speak
from benchmarks.speech.text_scripts import TextScript, planted
from calls.analysis.metrics import measure
from calls.analysis.providers.local.sentiment import score_sentiment
from calls.analysis.providers.local.speech import transcribe
from calls.conversation import Span, Speaker, Turn
from calls.redaction.redact import redact


def judge_text(script: TextScript) -> Score:
    """Judge a script as if every word had been recognised."""
    said = [asdict(turn) for turn in script.turns]
    return judge_call(planted(script, said), _document(script.turns, {}, script.turns[-1].end_ms))


def judge_spoken(script: TextScript, synthesiser: str) -> Score:
    """Judge the transcript of the local provider when a synthesiser reads the script."""
    spoken = speak(script, synthesiser)
    heard = transcribe(spoken.audio)
    said = [asdict(turn) for turn in spoken.turns]
    return judge_call(
        planted(script, said), _document(heard.turns, heard.speech, heard.duration_ms)
    )


def _document(
    turns: Sequence[Turn], speech: dict[Speaker, tuple[Span, ...]], duration_ms: int
) -> Document:
    found = redact(turns)
    moods = score_sentiment([turn.text for turn in found.turns])
    return {
        "heard": [asdict(turn) for turn in turns],
        "turns": [asdict(turn) for turn in found.turns],
        "redactions": [asdict(item) for item in found.redactions],
        **measure(found.turns, moods, speech, duration_ms).as_json(),
    }


@dataclass(frozen=True, kw_only=True)
class Total:
    """The totals over many scripts."""

    scripts: int
    word_error_rate: float
    planted: int
    redacted: int
    needless: int
    trends: int
    moods: int


def total(scores: Sequence[Score]) -> Total:
    return Total(
        scripts=len(scores),
        word_error_rate=sum(score.word_error_rate for score in scores) / len(scores),
        planted=sum(score.planted for score in scores),
        redacted=sum(score.redacted for score in scores),
        needless=sum(score.false_positives for score in scores),
        trends=sum(score.trend == score.trend_truth for score in scores),
        moods=sum(score.sentiment == score.sentiment_truth for score in scores),
    )
