"""Reading a server's response about one piece of audio into turns, in every shape in use."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from calls.analysis.providers.local.sentences import split_sentences
from calls.analysis.providers.openai.doubt import (
    compression_ratio,
    drop_loops,
    is_in_silence,
    is_subtitle,
)
from calls.analysis.providers.openai.loudness import loud_spans
from calls.analysis.providers.voice import is_credible, speech_spans
from calls.conversation import Channel, Span, Speaker, Turn, Word

SECOND_MS = 1000.0
NANOSECOND_MS = 1e-6
MILLISECOND_MS = 1.0
# Of one piece of audio. A model in a loop, or a broken server, may send millions.
MAX_ROWS = 50_000
MAX_TEXT = 1_000_000
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:[.,]\d{1,9})?)", re.ASCII)


class Unreadable(Exception):
    """The response is JSON, but not a transcript. The message says why."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of text with Whisper's confidence scores, if the server sends them."""

    begin_ms: int
    end_ms: int
    text: str
    no_speech_prob: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 1.0
    is_timed: bool = True


@dataclass(frozen=True, slots=True)
class AudioTranscript:
    """The transcript of one piece of audio.

    ``dropped`` holds spans that were invented beyond doubt, ``doubtful`` those that may be.
    """

    turns: tuple[Turn, ...]
    text: str
    dropped: tuple[Span, ...] = ()
    doubtful: tuple[Span, ...] = ()
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
    rows = _rows(body.get("segments")) if isinstance(body, dict) else []
    text = _whole_text(body, rows)
    unit_ms = _unit_ms(rows + _rows(body.get("words")), extent)
    timed = [_segment(row, extent, unit_ms) for row in rows if _words_of(row)]
    segments = list(_filled(timed, extent)) if any(each.is_timed for each in timed) else []
    estimated = len([each for each in segments if each.is_timed]) < len(timed)
    if not segments and text:
        estimated = True
        segments = list(spread(text, _within(speech, extent) or [extent]))
    kept = list(_believed(segments, speech))
    keys = {id(segment) for segment in kept}
    words = sorted(_words(body, rows, extent, unit_ms), key=_middle)
    middles = [_middle(word) for word in words]
    return AudioTranscript(
        turns=tuple(_turn(each, _words_in(each, words, middles), speaker) for each in kept),
        text=text,
        dropped=tuple(_extent_of(each) for each in segments if id(each) not in keys),
        doubtful=tuple(
            _extent_of(each)
            for each in kept
            if speech and each.is_timed and is_in_silence(each, speech)
        ),
        estimated=estimated,
    )


def _whole_text(body: Any, rows: Sequence[dict[str, Any]]) -> str:
    """Return the text, or else the text of the segments. Raises Unreadable without either."""
    text = body.get("text") if isinstance(body, dict) else None
    if isinstance(text, str):
        return text.strip()[:MAX_TEXT]
    told = [words for row in rows if (words := _words_of(row))]
    if not told:
        raise Unreadable("there is no text in it")
    return " ".join(told)[:MAX_TEXT]


def _words_of(row: dict[str, Any]) -> str:
    text = row.get("text")
    return " ".join(text.split()) if isinstance(text, str) else ""


def _believed(segments: Sequence[Segment], speech: Sequence[Span]) -> Iterator[Segment]:
    """Yield the segments that were not invented beyond doubt."""
    credible = [each for each in segments if is_credible(each)]
    for each in drop_loops(credible):
        if not (speech and each.is_timed and is_subtitle(each) and is_in_silence(each, speech)):
            yield each


def _filled(segments: Sequence[Segment], extent: Span) -> Iterator[Segment]:
    """Yield the segments. Those without usable times lie between their neighbours."""
    later_ms, latest = [], extent.end_ms
    for each in reversed(segments):
        later_ms.append(latest)
        latest = each.begin_ms if each.is_timed else latest
    end_ms = extent.begin_ms
    for each, next_ms in zip(segments, reversed(later_ms), strict=True):
        between = Span(end_ms, max(end_ms, next_ms))
        end_ms = max(end_ms, each.end_ms if each.is_timed else between.end_ms)
        yield (
            each
            if each.is_timed
            else replace(each, begin_ms=between.begin_ms, end_ms=between.end_ms)
        )


def _extent_of(segment: Segment) -> Span:
    return Span(segment.begin_ms, segment.end_ms)


def _rows(value: Any) -> list[dict[str, Any]]:
    rows = value[:MAX_ROWS] if isinstance(value, list) else []
    return [row for row in rows if isinstance(row, dict)]


def _unit_ms(rows: Sequence[dict[str, Any]], extent: Span) -> float:
    """Return the unit of times in ms: a second, unless the end would be far beyond the audio."""
    latest = max((_time(row.get("end")) or 0.0 for row in rows), default=0.0)
    if latest * SECOND_MS <= 10 * extent.duration_ms:
        return SECOND_MS
    return NANOSECOND_MS if latest > 100 * extent.duration_ms else MILLISECOND_MS


def _segment(row: dict[str, Any], extent: Span, unit_ms: float) -> Segment:
    text, span = _words_of(row), _span(row, extent, unit_ms)
    doubts: dict[str, Any] = {
        "compression_ratio": compression_ratio(text),  # many servers do not send it
    } | {
        name: value
        for name in ("no_speech_prob", "avg_logprob", "compression_ratio")
        if (value := number(row.get(name))) is not None
    }
    if span is None:
        return Segment(extent.begin_ms, extent.begin_ms, text, **doubts, is_timed=False)
    return Segment(span.begin_ms, span.end_ms, text, **doubts)


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
    start, end = _time(row.get("start")), _time(row.get("end"))
    if start is None or end is None or end < 0:
        return None
    begin_ms = min(extent.begin_ms + max(0, round(start * unit_ms)), extent.end_ms)
    end_ms = min(extent.begin_ms + max(0, round(end * unit_ms)), extent.end_ms)
    return Span(begin_ms, max(begin_ms, end_ms))


def _time(value: Any) -> float | None:
    """Return a number, or the seconds of a time such as ``00:01:02.500``."""
    clock = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if clock is None:
        return number(value)
    hours, minutes, seconds = clock.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))


def number(value: Any) -> float | None:
    """Return a finite number, also from text, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _turn(segment: Segment, own: tuple[Word, ...], speaker: Speaker) -> Turn:
    """Join a segment with its words: words have more precise times, the segment punctuation."""
    begin_ms = own[0].begin_ms if own else segment.begin_ms
    end_ms = max(own[-1].end_ms if own else segment.end_ms, begin_ms)
    return Turn(speaker, begin_ms, end_ms, segment.text, own)


def _middle(word: Word) -> float:
    return (word.begin_ms + word.end_ms) / 2


def _words_in(
    segment: Segment, words: Sequence[Word], middles: Sequence[float]
) -> tuple[Word, ...]:
    """Return the words whose middle lies in the segment. ``words`` are sorted by it."""
    first, last = bisect_left(middles, segment.begin_ms), bisect_left(middles, segment.end_ms)
    return tuple(words[first:last])


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
        end_ms = max(begin_ms, _at(spans, total_ms * said / characters))
        ratio = compression_ratio(sentence)
        yield Segment(begin_ms, end_ms, sentence, compression_ratio=ratio)


def _at(spans: Sequence[Span], spoken_ms: float) -> int:
    """Return when in the call this much speech has passed."""
    for span in spans:
        if spoken_ms <= span.duration_ms:
            return round(span.begin_ms + spoken_ms)
        spoken_ms -= span.duration_ms
    return spans[-1].end_ms
