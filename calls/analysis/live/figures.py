"""Sentiment and metrics of a call so far, defined as those of a finished call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from calls.analysis.metrics import Metrics, measure
from calls.analysis.providers.local.languages import (
    JUDGED,
    languages_of_turns,
    unjudged_language,
)
from calls.conversation import Label, Sentiment, Span, Speaker, Turn

LANGUAGE_TURNS = 40  # tell a language, and cost a millisecond


class Judged(Protocol):
    """An utterance with its sentiment: ``score`` is None if that is not known."""

    @property
    def speaker(self) -> str: ...
    @property
    def begin_ms(self) -> int: ...
    @property
    def end_ms(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def sentiment(self) -> str: ...
    @property
    def score(self) -> float | None: ...


def live_figures(
    utterances: Sequence[Judged],
    *,
    duration_ms: int,
    speech: Mapping[Speaker, Sequence[Span]],
    language: str = "",
) -> dict[str, Any]:
    """Return the figures of a call so far. ``language`` is the declared one.

    ``duration_ms`` is the time up to which the call was transcribed, and ``speech`` holds the spans
    in which each side talks; if it is empty, the spans of the utterances are used.
    """
    turns = [
        Turn(cast(Speaker, each.speaker), each.begin_ms, each.end_ms, each.text)
        for each in utterances
    ]
    sentiments = [_sentiment(each) for each in utterances]
    measured = measure(turns, sentiments, speech, duration_ms)
    figures = measured.as_json()
    return {
        "sentiment": {name: figures["sentiment"][name] for name in ("overall", "trend")},
        "talk": figures["talk"],
        "interruptions": {name: figures["interruptions"][name] for name in ("count", "total_ms")},
        "non_talk": {
            "total_ms": measured.non_talk.total_ms,
            "longest_ms": max(
                (span.duration_ms for span in measured.non_talk.instances), default=0
            ),
        },
        "silence_since_ms": _silence_since_ms(measured),
        "unjudged_language": _unjudged_language(turns, sentiments, language),
    }


def _unjudged_language(
    turns: Sequence[Turn], sentiments: Sequence[Sentiment | None], declared: str
) -> str:
    """Return the language of a side whose sentiment is not known, from what was said last."""
    judged = {turn.speaker for turn, one in zip(turns, sentiments, strict=True) if one is not None}
    if all(turn.speaker in judged for turn in turns):
        return ""
    newest = turns[-LANGUAGE_TURNS:]
    return unjudged_language(newest, languages_of_turns(newest, declared))


def _sentiment(utterance: Judged) -> Sentiment | None:
    if utterance.score is None:
        return None
    return Sentiment(cast(Label, utterance.sentiment), utterance.score)


def _silence_since_ms(measured: Metrics) -> int | None:
    """Return since when nobody has talked, if that is long enough to count as silence."""
    last = measured.non_talk.instances[-1:]
    return next((span.begin_ms for span in last if span.end_ms == measured.duration_ms), None)


def score_turns(
    turns: Sequence[Turn], *, language: str, heard: Sequence[Turn]
) -> list[Sentiment | None]:
    """Return the sentiment of each turn, by the models of this machine whatever AI_PROVIDER is.

    It is None for a turn that is not in English. ``language`` is that of the call, and ``heard`` is
    what was said so far: a turn of a few words does not show its language. A sentence takes about
    5 ms of processor time, and the first call loads the models, so do not call it on the event
    loop. Without their packages, word lists are used.
    """
    from calls.analysis.providers.local.sentiment import score_sentiment

    spoken = languages_of_turns(turns, language, heard=heard)
    judged = [turn.text for turn, each in zip(turns, spoken, strict=True) if each == JUDGED]
    scores = iter(score_sentiment(judged) if judged else ())
    return [next(scores) if each == JUDGED else None for each in spoken]
