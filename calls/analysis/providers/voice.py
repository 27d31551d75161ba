"""Finding speech in audio, and rejecting recognised words that are not credible."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calls.analysis.media.resampling import resample
from calls.conversation import (
    Channel,
    Span,
)

RATE = 16_000  # what Whisper and Silero work at
WORD_GAP_MS = 600  # a longer pause inside an utterance starts a new one
_BLOCK_S = 300  # bounds memory: an hour at 16 kHz in float32 would be 230 MB a channel
WINDOW_S = 27.0  # Whisper takes 30 s at a time; a shorter window never cuts a word
NO_AUDIO = "The call has no audio."
_SHARP_MS = 1000  # an utterance ends at its words, unless they are this far from its edge
_PADDING_MS = 200  # margin around speech for recognition...
_REPORTED_PADDING_MS = 150  # ...and for talk time
VAD = {
    "threshold": 0.3,  # the usual 0.5 loses soft starts of speech on telephone lines
    "min_speech_duration_ms": 100,
    "min_silence_duration_ms": WORD_GAP_MS,
    "max_speech_duration_s": WINDOW_S - 1,
    "speech_pad_ms": _PADDING_MS,
}
_MAX_COMPRESSION_RATIO = 2.4  # a higher ratio means that words repeat in a loop
_MIN_LOG_PROBABILITY = -1.3
_MAX_NO_SPEECH = 0.6
_MIN_LOG_PROBABILITY_IF_NO_SPEECH = -0.7
_NOTHING = re.compile(
    r"The \w+'s channel is silent|No speech was found in the \w+'s channel"
    r"|No words were recognised in the \w+'s speech"
)
Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Utterance:
    """A span of speech in one channel: samples at 16 kHz, and their start in the call."""

    begin_ms: int
    samples: Samples

    @property
    def end_ms(self) -> int:
        return self.begin_ms + round(len(self.samples) * 1000 / RATE)


def speech_spans(channel: Channel) -> tuple[Span, ...]:
    """Return when a side talks, without recognition. Raises ImportError without the packages."""
    return tuple(_reported([Span(each.begin_ms, each.end_ms) for each in utterances(channel)]))


def utterances(channel: Channel) -> Iterator[Utterance]:
    """Yield the spans of speech in a channel, in order, with a margin of 200 ms."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    begin, block = 0, _BLOCK_S * channel.rate
    while begin < len(channel.samples):
        end = min(begin + block, len(channel.samples))
        samples = _floats(channel.samples[begin:end], channel.rate)
        found = get_speech_timestamps(samples, VadOptions(**VAD)) if samples.any() else []
        cut = end < len(channel.samples) and _runs_on(found, len(samples))
        for each in found[:-1] if cut else found:
            begin_ms = round(begin * 1000 / channel.rate + each["start"] * 1000 / RATE)
            yield Utterance(begin_ms, samples[each["start"] : each["end"]])
        # Speech that runs past the end of a block is processed as a whole in the next one.
        begin = begin + found[-1]["start"] * channel.rate // RATE if cut else end


def _floats(samples: NDArray[np.int16], rate: int) -> Samples:
    return resample(samples, rate, RATE).astype(np.float32) / np.float32(32768)


def _runs_on(found: Sequence[dict[str, int]], length: int) -> bool:
    return bool(found) and found[-1]["end"] > length - RATE and found[-1]["start"] > RATE


def is_credible(segment: Any) -> bool:
    """Return whether a segment was heard rather than invented, by Whisper's own scores."""
    floor = _MIN_LOG_PROBABILITY
    if segment.no_speech_prob > _MAX_NO_SPEECH:
        floor = _MIN_LOG_PROBABILITY_IF_NO_SPEECH
    return bool(
        segment.avg_logprob >= floor and segment.compression_ratio <= _MAX_COMPRESSION_RATIO
    )


def _edges(span: Utterance | Span) -> Span:
    trim = _PADDING_MS - _REPORTED_PADDING_MS
    return Span(span.begin_ms + trim, max(span.begin_ms + trim, span.end_ms - trim))


def _reported(spans: Sequence[Span]) -> Iterator[Span]:
    """Join touching spans of speech, and trim the margin that recognition needed."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.begin_ms - joined[-1].end_ms <= 1:
            joined[-1] = Span(joined[-1].begin_ms, span.end_ms)
        else:
            joined.append(span)
    return map(_edges, joined)


def snap_to_edges(said: Span, edge: Span, *, first: bool, last: bool) -> Span:
    """Return when words were said. The first and last words of an utterance have its edges, which
    are more precise than the times of words.
    """
    begin_ms, end_ms = said.begin_ms, said.end_ms
    if first and abs(begin_ms - edge.begin_ms) < _SHARP_MS:
        begin_ms = edge.begin_ms
    if last and abs(edge.end_ms - end_ms) < _SHARP_MS:
        end_ms = edge.end_ms
    return Span(begin_ms, max(begin_ms, end_ms))


def nothing_heard(channel: Channel, speech: Sequence[Span], *, heard: bool) -> str:
    """Return the note that a side said nothing, or "". ``heard``: it said words."""
    who = channel.speaker
    if not channel.samples.any():
        return f"The {who}'s channel is silent."
    if not speech:
        return f"No speech was found in the {who}'s channel."
    return "" if heard else f"No words were recognised in the {who}'s speech."


def is_about_nothing(note: str) -> bool:
    """Whether this is such a note about the audio that a provider was given."""
    return note == NO_AUDIO or bool(_NOTHING.match(note))
