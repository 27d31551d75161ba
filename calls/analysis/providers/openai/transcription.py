"""Reading a server's answer about one piece of audio into turns, in every shape in use."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from calls.analysis.providers.local.sentences import split_sentences
from calls.analysis.providers.openai.loudness import loud_spans
from calls.analysis.providers.voice import is_credible, speech_spans
from calls.conversation import Channel, Span, Speaker, Turn, Word

SECOND_MS = 1000.0
NANOSECOND_MS = 1e-6
MILLISECOND_MS = 1.0


class Unreadable(Exception):
    """The answer is JSON, but not a transcript. The message says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text with Whisper's confidence scores, if the server sends them."""

    begin_ms: int
    end_ms: int
    text: str
    no_speech_prob: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class AudioTranscript:
    """The transcript of one piece of audio. ``dropped`` holds spans that Whisper invented."""

    turns: tuple[Turn, ...]
    text: str
    dropped: tuple[Span, ...] = ()
    estimated: bool = False
    request_id: str = ""


def find_speech(channel: Channel) -> tuple[Span, ...]:
    """Return when a side talks: by Silero if it is installed, or else by energy."""
    if not loud_spans(channel):
        return ()
    try:
        return speech_spans(channel)
    except ImportError:
        return loud_spans(channel)


def read_answer(
    body: Any, speaker: Speaker, extent: Span, speech: Sequence[Span]
) -> AudioTranscript:
    """Return what was heard in ``extent`` of the call. Raises Unreadable.

    ``speech`` tells where the words can be if the server gives no times.
    """
    if not isinstance(body, dict) or not isinstance(body.get("text"), str):
        raise Unreadable("there is no text in it")
    rows = _rows(body.get("segments"))
    unit_ms = _unit_ms(rows + _rows(body.get("words")), extent)
    segments = [found for row in rows if (found := _segment(row, extent, unit_ms))]
    estimated = not segments and bool(body["text"].strip())
    if estimated:
        segments = list(spread(body["text"], _within(speech, extent) or [extent]))
    kept = [segment for segment in segments if is_credible(segment)]
    words = sorted(_words(body, rows, extent, unit_ms), key=lambda word: word.begin_ms)
    return AudioTranscript(
        turns=tuple(_turn(segment, words, speaker) for segment in kept),
        text=body["text"].strip(),
        dropped=tuple(Span(each.begin_ms, each.end_ms) for each in segments if each not in kept),
        estimated=estimated,
    )


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _unit_ms(rows: Sequence[dict[str, Any]], extent: Span) -> float:
    """Return the unit of times in ms: a second, unless the end would be far beyond the audio."""
    latest = max((number(row.get("end")) or 0.0 for row in rows), default=0.0)
    if latest * SECOND_MS <= 10 * extent.duration_ms:
        return SECOND_MS
    return NANOSECOND_MS if latest > 100 * extent.duration_ms else MILLISECOND_MS


def _segment(row: dict[str, Any], extent: Span, unit_ms: float) -> Segment | None:
    text = row.get("text")
    span = _span(row, extent, unit_ms)
    if not isinstance(text, str) or not text.strip() or span is None:
        return None
    doubts = {
        name: value
        for name in ("no_speech_prob", "avg_logprob", "compression_ratio")
        if (value := number(row.get(name))) is not None
    }
    return Segment(span.begin_ms, span.end_ms, " ".join(text.split()), **doubts)


def _words(
    body: dict[str, Any], segments: Sequence[dict[str, Any]], extent: Span, unit_ms: float
) -> Iterator[Word]:
    rows = _rows(body.get("words")) or [
        row for each in segments for row in _rows(each.get("words"))
    ]
    for row in rows:
        text = row.get("word") or row.get("text")
        span = _span(row, extent, unit_ms)
        if isinstance(text, str) and text.strip() and span is not None:
            yield Word(span.begin_ms, span.end_ms, text.strip())


def _span(row: dict[str, Any], extent: Span, unit_ms: float) -> Span | None:
    """Return a span on the timeline of the call, cut to the audio that was sent."""
    start, end = number(row.get("start")), number(row.get("end"))
    if start is None or end is None:
        return None
    begin_ms = min(extent.begin_ms + max(0, round(start * unit_ms)), extent.end_ms)
    end_ms = min(extent.begin_ms + max(0, round(end * unit_ms)), extent.end_ms)
    return Span(begin_ms, max(begin_ms, end_ms))


def number(value: Any) -> float | None:
    """Return a finite number, also from text, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _turn(segment: Segment, words: Sequence[Word], speaker: Speaker) -> Turn:
    """Join a segment with its words: words have more precise times, the segment punctuation."""
    own = tuple(word for word in words if _is_in(word, segment))
    begin_ms = own[0].begin_ms if own else segment.begin_ms
    end_ms = max(own[-1].end_ms if own else segment.end_ms, begin_ms)
    return Turn(speaker, begin_ms, end_ms, segment.text, own)


def _is_in(word: Word, segment: Segment) -> bool:
    return segment.begin_ms <= (word.begin_ms + word.end_ms) / 2 < segment.end_ms


def _within(spans: Sequence[Span], extent: Span) -> list[Span]:
    clipped = (
        Span(max(each.begin_ms, extent.begin_ms), min(each.end_ms, extent.end_ms)) for each in spans
    )
    return [each for each in clipped if each.duration_ms > 0]


def spread(text: str, spans: Sequence[Span]) -> Iterator[Segment]:
    """Spread sentences without times over the speech, in proportion to their length."""
    sentences = split_sentences(text)
    total_ms = sum(span.duration_ms for span in spans)
    characters = sum(map(len, sentences)) or 1
    said = 0
    for sentence in sentences:
        begin_ms = _at(spans, total_ms * said / characters)
        said += len(sentence)
        yield Segment(begin_ms, max(begin_ms, _at(spans, total_ms * said / characters)), sentence)


def _at(spans: Sequence[Span], spoken_ms: float) -> int:
    """Return when in the call this much speech has passed."""
    for span in spans:
        if spoken_ms <= span.duration_ms:
            return round(span.begin_ms + spoken_ms)
        spoken_ms -= span.duration_ms
    return spans[-1].end_ms
