"""Offline speech recognition of each channel of a call, with faster-whisper.

Silero's voice activity detection runs first, because Whisper invents words in silence and its times
are less precise. The settings are those that did best on telephone audio.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calls.analysis.providers.local.budget import check_budget
from calls.analysis.providers.local.speechmodel import SpeechModel, SpeechUnavailable, load_model
from calls.analysis.providers.voice import (
    NO_AUDIO,
    RATE,
    WINDOW_S,
    WORD_GAP_MS,
    Utterance,
    _edges,
    _reported,
    is_credible,
    nothing_heard,
    snap_to_edges,
    utterances,
)
from calls.conversation import (
    SPEAKERS,
    CallAudio,
    Channel,
    Skipped,
    Span,
    Speaker,
    Transcription,
    Turn,
    Word,
    join_turns,
)
from calls.process import NICE

__all__ = ["SpeechUnavailable", "transcribe"]
# Whisper's default of five takes a tenth longer and makes as many errors on recorded calls.
_BEAM_SIZE = 3
_SEPARATOR_S = 0.2


@dataclass(frozen=True, slots=True)
class SpokenWord:
    utterance: Utterance
    begin_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class ChannelResult:
    turns: tuple[Turn, ...] = ()
    speech: tuple[Span, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def transcribe(
    audio: CallAudio,
    *,
    language: str = "en",
    model_dir: Path | None = None,
    workers: int = 1,
    nice: int = NICE,
) -> Transcription:
    """Transcribe a call. Blocks one core for about 4 % of the length of the call.

    ``model_dir`` holds a CTranslate2 Whisper model to use instead of the bundled tiny.en;
    ``workers`` is the number of threads that transcribe at once, and ``nice`` how much those of the
    model give way. Raises SpeechUnavailable.
    """
    model = load_model(model_dir, workers, nice)
    code = model.check_language(language)
    results = {each.speaker: _channel(model, each, code) for each in audio.channels}
    empty = ChannelResult(skipped=(Skipped("transcribe", NO_AUDIO),))
    skipped = [each for result in results.values() or [empty] for each in result.skipped]
    return Transcription(
        turns=join_turns(turn for result in results.values() for turn in result.turns),
        speech={who: results.get(who, empty).speech for who in SPEAKERS},
        duration_ms=audio.duration_ms,
        model=model.name,
        skipped=tuple(skipped),
    )


def _channel(model: SpeechModel, channel: Channel, language: str) -> ChannelResult:
    spans: list[Span] = []
    words: list[SpokenWord] = []
    dropped: list[Span] = []
    for window in _windows(utterances(channel)):
        check_budget()
        spans += [Span(each.begin_ms, each.end_ms) for each in window]
        heard, left_out = _recognise(model, window, language)
        words += heard
        dropped += left_out
    turns = tuple(_turns(words, channel.speaker))
    speech = tuple(_reported(spans))
    return ChannelResult(turns, speech, tuple(_skipped(channel, speech, turns, dropped)))


def _windows(found: Iterator[Utterance]) -> Iterator[list[Utterance]]:
    """Group utterances into windows for Whisper."""
    window: list[Utterance] = []
    length = 0.0
    for each in found:
        needed = len(each.samples) / RATE + _SEPARATOR_S
        if window and length + needed > WINDOW_S:
            yield window
            window, length = [], 0.0
        window.append(each)
        length += needed
    if window:
        yield window


def _recognise(
    model: SpeechModel, window: Sequence[Utterance], language: str
) -> tuple[list[SpokenWord], list[Span]]:
    """Return the words of a window, and the spans whose words were too doubtful to keep."""
    separator = np.zeros(round(_SEPARATOR_S * RATE), np.float32)
    parts = [part for each in window for part in (each.samples, separator)]
    begins = np.cumsum([0, *(len(each.samples) + len(separator) for each in window[:-1])]) / RATE
    segments, _ = model.whisper.transcribe(
        np.concatenate(parts),
        language=language,
        beam_size=_BEAM_SIZE,
        word_timestamps=True,
        condition_on_previous_text=False,
    )
    words: list[SpokenWord] = []
    dropped: list[Span] = []
    for segment in segments:
        check_budget()
        placed = [_placed(word, window, begins) for word in segment.words or ()]
        if is_credible(segment):
            words += placed
        elif placed:
            dropped.append(Span(placed[0].begin_ms, placed[-1].end_ms))
    return words, dropped


def _placed(word: Any, window: Sequence[Utterance], begins: NDArray[np.float64]) -> SpokenWord:
    """Place a word on the timeline of the call. Its middle decides its utterance."""
    index = int(np.searchsorted(begins, (word.start + word.end) / 2, side="right")) - 1
    utterance, shift = window[max(index, 0)], begins[max(index, 0)]

    def in_call(seconds: float) -> int:
        moment = utterance.begin_ms + round(float(seconds - shift) * 1000)
        return min(max(moment, utterance.begin_ms), utterance.end_ms)

    return SpokenWord(utterance, in_call(word.start), in_call(word.end), str(word.word))


def _turns(words: Sequence[SpokenWord], speaker: Speaker) -> Iterator[Turn]:
    for _, group in groupby(words, lambda word: word.utterance.begin_ms):
        pieces = _pieces(list(group))
        for index, piece in enumerate(pieces):
            first, last = index == 0, index == len(pieces) - 1
            yield _turn(piece, speaker, first=first, last=last)


def _pieces(words: list[SpokenWord]) -> list[list[SpokenWord]]:
    """Split the words of an utterance at long pauses."""
    pieces = [words[:1]]
    for before, word in pairwise(words):
        if word.begin_ms - before.end_ms > WORD_GAP_MS:
            pieces.append([])
        pieces[-1].append(word)
    return pieces


def _turn(words: Sequence[SpokenWord], speaker: Speaker, *, first: bool, last: bool) -> Turn:
    said = Span(words[0].begin_ms, words[-1].end_ms)
    span = snap_to_edges(said, _edges(words[0].utterance), first=first, last=last)
    return Turn(
        speaker=speaker,
        begin_ms=span.begin_ms,
        end_ms=span.end_ms,
        text=" ".join("".join(word.text for word in words).split()),
        words=tuple(Word(word.begin_ms, word.end_ms, word.text.strip()) for word in words),
    )


def _skipped(
    channel: Channel, speech: Sequence[Span], turns: Sequence[Turn], dropped: Sequence[Span]
) -> Iterator[Skipped]:
    who = channel.speaker
    if note := nothing_heard(channel, speech, heard=bool(turns or dropped)):
        yield Skipped("transcribe", note)
    if dropped:
        seconds = sum(span.duration_ms for span in dropped) / 1000
        yield Skipped(
            "transcribe",
            f"{len(dropped)} passages of the {who} ({seconds:.1f} s) were too unclear to keep.",
        )
