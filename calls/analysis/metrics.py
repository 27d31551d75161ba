"""Metrics of a call: sentiment over time, talk time, silence, interruptions, speed.

Definitions follow Amazon Contact Lens; scores run from -5 to +5, times are ms.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import mul
from typing import Any, Literal

from calls.conversation import SPEAKERS, Sentiment, Span, Speaker, Turn, label_for

# Stretches of talk in steps of STEP_MS, sorted and apart from each other. Their number depends on
# what was said, never on the length of the call, which a sender's clock decides.
Stretches = list[tuple[int, int]]
Trend = Literal["improving", "worsening", "steady"]
STEP_MS = 10
QUARTERS = 4
NON_TALK_MS = 3_000
# A shorter pause is a breath and does not end a stretch of speech.
BREATH_MS = 300
LANGUAGE_LENGTH = 16  # of Call.unjudged_language
HEARD_MS = 500
INTERRUPTION_MS = 400
# How far the score of the last third must differ from the rest.
TREND_CHANGE = 2.0
LAST_PART = 1 / 3
_WORD = re.compile(r"[^\W_]+(?:['\u2019.,-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Period:
    """A quarter of the call. ``score`` is None where the speaker says nothing."""

    begin_ms: int
    end_ms: int
    score: float | None


@dataclass(frozen=True, slots=True)
class SentimentFigures:
    """Sentiment by speaker. Speakers without a judged turn are left out."""

    overall: dict[Speaker, Sentiment]
    by_quarter: dict[Speaker, tuple[Period, ...]]
    trend: dict[Speaker, Trend]


@dataclass(frozen=True, slots=True)
class Talk:
    total_ms: int
    words_per_minute: int


@dataclass(frozen=True, slots=True)
class NonTalk:
    """Stretches of at least 3 s in which nobody talks."""

    total_ms: int
    instances: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Interruptions:
    """``by`` maps the interrupting speaker to the spans in which both talk."""

    count: int
    total_ms: int
    by: dict[Speaker, tuple[Span, ...]]


@dataclass(frozen=True, slots=True)
class Metrics:
    duration_ms: int
    sentiment: SentimentFigures
    talk: dict[Speaker, Talk]
    non_talk: NonTalk
    interruptions: Interruptions

    def as_json(self) -> dict[str, Any]:
        """Return nested dicts and lists with snake_case keys and integer milliseconds."""
        sentiment, interruptions = self.sentiment, self.interruptions
        return {
            "duration_ms": self.duration_ms,
            "sentiment": {
                "overall": {who: _fields(overall) for who, overall in sentiment.overall.items()},
                "by_quarter": {who: _listed(each) for who, each in sentiment.by_quarter.items()},
                "trend": dict(sentiment.trend),
            },
            "talk": {who: _fields(talk) for who, talk in self.talk.items()},
            "non_talk": {
                "total_ms": self.non_talk.total_ms,
                "instances": _listed(self.non_talk.instances),
            },
            "interruptions": {
                "count": interruptions.count,
                "total_ms": interruptions.total_ms,
                "by": {who: _listed(spans) for who, spans in interruptions.by.items()},
            },
        }


def _listed(values: Sequence[Span | Period]) -> list[dict[str, Any]]:
    return [_fields(value) for value in values]


def _fields(value: Sentiment | Span | Period | Talk) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def measure(
    turns: Sequence[Turn],
    sentiments: Sequence[Sentiment | None],
    speech: Mapping[Speaker, Sequence[Span]],
    duration_ms: int,
) -> Metrics:
    """Return the metrics of a call.

    ``sentiments`` has one entry for each turn, None for one that was not judged. ``speech`` holds
    the spans in which each side talks; if it is empty, the spans of the turns are used. Raises
    ValueError if the numbers of turns and sentiments differ.
    """
    if len(turns) != len(sentiments):
        raise ValueError(f"{len(turns)} turns, but {len(sentiments)} sentiments")
    talking = speech if any(speech.values()) else _turn_spans(turns)
    duration_ms = max([duration_ms, *(turn.end_ms for turn in turns)])
    rows = {speaker: _stretches(talking.get(speaker, ()), duration_ms) for speaker in SPEAKERS}
    return Metrics(
        duration_ms,
        measure_sentiment(turns, sentiments, duration_ms),
        {speaker: _talk(turns, speaker, row) for speaker, row in rows.items() if row},
        _non_talk(rows, duration_ms),
        _interruptions(rows),
    )


def measure_sentiment(
    turns: Sequence[Turn], sentiments: Sequence[Sentiment | None], duration_ms: int
) -> SentimentFigures:
    """Return the overall sentiment, sentiment by quarter and trend of each judged speaker.

    Turns are weighted by their number of words: a short goodbye says little about the call.
    """
    overall: dict[Speaker, Sentiment] = {}
    quarters: dict[Speaker, tuple[Period, ...]] = {}
    trends: dict[Speaker, Trend] = {}
    for speaker in SPEAKERS:
        own = [
            (turn, sentiment.score)
            for turn, sentiment in zip(turns, sentiments, strict=True)
            if turn.speaker == speaker and sentiment is not None
        ]
        if not own:
            continue
        scores = [score for _, score in own]
        weights = [float(max(1, count_words(turn.text))) for turn, _ in own]
        mean = round(_average(scores, weights), 2)
        overall[speaker] = Sentiment(label_for(mean), mean)
        spans = [Span(turn.begin_ms, turn.end_ms) for turn, _ in own]
        quarters[speaker] = _by_quarter(spans, scores, weights, duration_ms)
        trends[speaker] = trend_of(scores, weights)
    return SentimentFigures(overall, quarters, trends)


def headline(figures: Mapping[str, Any]) -> dict[str, str]:
    """Pick the sentiments and trends that lists show. Empty for a side that was not judged.

    ``figures`` are metrics as JSON, of a finished call or of a call so far. They may name the
    language of a side that was not judged.
    """
    overall, trend = figures["sentiment"]["overall"], figures["sentiment"]["trend"]
    return {
        **{f"{who}_sentiment": overall.get(who, {}).get("label", "") for who in SPEAKERS},
        **{f"{who}_trend": trend.get(who, "") for who in SPEAKERS},
        "unjudged_language": str(figures.get("unjudged_language", ""))[:LANGUAGE_LENGTH],
    }


def _average(scores: Sequence[float], weights: Sequence[float]) -> float:
    weighted: float = sum(map(mul, scores, weights))
    return weighted / sum(weights)


def trend_of(scores: Sequence[float], weights: Sequence[float]) -> Trend:
    """Compare the last third of a speaker's words with the rest."""
    if len(scores) < 2:
        return "steady"
    boundary = sum(weights) * (1 - LAST_PART)
    begins = [0.0, *accumulate(weights)]
    earlier = [
        min(max(boundary - begin, 0.0), weight)
        for begin, weight in zip(begins, weights, strict=False)
    ]
    later = [weight - before for weight, before in zip(weights, earlier, strict=True)]
    change = _average(scores, later) - _average(scores, earlier)
    if abs(change) < TREND_CHANGE:
        return "steady"
    return "improving" if change > 0 else "worsening"


def count_words(text: str) -> int:
    return len(_WORD.findall(text))


def _by_quarter(
    spans: Sequence[Span], scores: Sequence[float], weights: Sequence[float], duration_ms: int
) -> tuple[Period, ...]:
    edges = [round(duration_ms * number / QUARTERS) for number in range(QUARTERS + 1)]
    periods = []
    for begin, end in pairwise(edges):
        shares = [
            weight * _share_within(span, begin, end)
            for span, weight in zip(spans, weights, strict=True)
        ]
        score = round(_average(scores, shares), 2) if any(shares) else None
        periods.append(Period(begin, end, score))
    return tuple(periods)


def _share_within(span: Span, begin: int, end: int) -> float:
    # Turns of text calls have no length. Give them 1 ms, so that they fall into a quarter.
    reach = max(span.end_ms, span.begin_ms + 1)
    inside = min(reach, end) - max(span.begin_ms, begin)
    return max(0, inside) / (reach - span.begin_ms)


def _turn_spans(turns: Sequence[Turn]) -> dict[Speaker, list[Span]]:
    return {
        speaker: [Span(turn.begin_ms, turn.end_ms) for turn in turns if turn.speaker == speaker]
        for speaker in SPEAKERS
    }


def _stretches(spans: Sequence[Span], duration_ms: int) -> Stretches:
    """Return the stretches in which a speaker talks, within the call."""
    last = -(-duration_ms // STEP_MS)
    steps = (
        (max(0, round(span.begin_ms / STEP_MS)), min(last, round(span.end_ms / STEP_MS)))
        for span in spans
    )
    return _joined((begin, end) for begin, end in steps if begin < end)


def _joined(pairs: Iterable[tuple[int, int]], gap: int = 1) -> Stretches:
    """Sort stretches, and join those that are less than ``gap`` steps apart."""
    joined: Stretches = []
    for begin, end in sorted(pairs):
        if joined and begin - joined[-1][1] < gap:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    return joined


def _talk(turns: Sequence[Turn], speaker: Speaker, row: Stretches) -> Talk:
    total_ms = sum(end - begin for begin, end in row) * STEP_MS
    words = sum(count_words(turn.text) for turn in turns if turn.speaker == speaker)
    return Talk(total_ms, round(words * 60_000 / total_ms))


def _non_talk(rows: Mapping[Speaker, Stretches], duration_ms: int) -> NonTalk:
    talk = _joined(stretch for speaker in SPEAKERS for stretch in rows[speaker])
    edges = [0, *(edge for stretch in talk for edge in stretch), -(-duration_ms // STEP_MS)]
    instances = tuple(
        Span(begin * STEP_MS, min(end * STEP_MS, duration_ms))
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
        if (end - begin) * STEP_MS >= NON_TALK_MS
    )
    return NonTalk(sum(span.duration_ms for span in instances), instances)


def _interruptions(rows: Mapping[Speaker, Stretches]) -> Interruptions:
    # Breaths do not end a stretch.
    whole = {speaker: _joined(rows[speaker], BREATH_MS // STEP_MS) for speaker in SPEAKERS}
    agent, customer = SPEAKERS
    by = {
        speaker: spans
        for speaker, other in ((agent, customer), (customer, agent))
        if (spans := _cut_in(whole[speaker], whole[other]))
    }
    found = [span for spans in by.values() for span in spans]
    return Interruptions(len(found), sum(span.duration_ms for span in found), by)


def _cut_in(own: Stretches, other: Stretches) -> tuple[Span, ...]:
    """Return the spans in which ``own`` interrupts ``other``.

    The other side must have talked for 0.5 s before, and ``own`` must talk for at least 0.4 s.
    """
    heard, least = HEARD_MS // STEP_MS, INTERRUPTION_MS // STEP_MS
    begins = [begin for begin, _ in other]
    spans = []
    for begin, end in own:
        place = bisect_right(begins, begin - heard) - 1
        if end - begin < least or place < 0 or other[place][1] <= begin:
            continue
        spans.append(Span(begin * STEP_MS, min(end, other[place][1]) * STEP_MS))
    return tuple(spans)
