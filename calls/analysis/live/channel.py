"""One channel of a live stream: its samples so far, and the utterances in them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calls.analysis.live.endpointing import Endpointer, Spoken
from calls.analysis.media.resampling import StreamResampler
from calls.analysis.providers.voice import RATE
from calls.conversation import Speaker

CONTEXT_S = 10.0  # audio before an utterance that helps to recognise it
MAX_SPEECH_S = 15.0  # longer speech is cut at a pause, so that its words appear in time
NEEDLE = 256  # samples by which an utterance is found again in the finished recording


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Identifies the samples of an utterance: some of them in full, and a checksum of all.

    ``gap_checksum`` is that of the samples before it: from the end of the previous utterance of the
    channel, or from the channel's first sample.
    """

    length: int
    needle_at: int
    needle: bytes
    checksum: int
    gap_checksum: int = 0


@dataclass(frozen=True, slots=True)
class LiveUtterance:
    """An utterance with the audio before it. Times are milliseconds from the start of the call.

    ``samples`` (int16 at ``rate`` Hz) start ``context_ms`` before ``begin_ms``. ``place`` is the
    first sample of the utterance in its channel.
    """

    stream: str
    track: str
    speaker: Speaker
    begin_ms: int
    end_ms: int
    context_ms: int
    samples: NDArray[np.int16]
    rate: int
    place: int
    fingerprint: Fingerprint


class LiveChannel:
    """``feed`` audio in order. Yields utterances as they end."""

    def __init__(
        self,
        *,
        stream: str,
        track: str,
        speaker: Speaker,
        rate: int,
        offset_ms: int,
        detector: Any = None,
    ) -> None:
        self.speaker = speaker
        self._stream, self._track = stream, track
        self._rate = rate
        self._offset_ms = offset_ms
        self._resampler = StreamResampler(rate, RATE)
        self._endpointer = Endpointer(max_speech_s=MAX_SPEECH_S, detector=detector)
        self._kept = np.zeros(0, np.int16)
        self._kept_from = 0
        self._gap, self._gap_to = 0, 0  # checksum since the last utterance, up to this sample

    @property
    def settled_ms(self) -> int:
        """The time in the call up to which every utterance has been yielded."""
        return self._offset_ms + round(self._endpointer.settled * 1000 / RATE)

    def feed(self, samples: NDArray[np.int16]) -> Iterator[LiveUtterance]:
        """Take the next samples, at the rate of the channel."""
        self._kept = np.concatenate([self._kept, samples])
        heard = self._resampler.feed(samples).astype(np.float32) / np.float32(32768)
        for spoken in self._endpointer.feed(heard):
            yield self._utterance(spoken)
        self._forget()

    def finish(self) -> Iterator[LiveUtterance]:
        """Yield the utterance that is still going on, if there is one."""
        for spoken in self._endpointer.finish():
            yield self._utterance(spoken)

    def _utterance(self, spoken: Spoken) -> LiveUtterance:
        begin, end = self._at(spoken.begin), self._at(spoken.end)
        first = max(self._kept_from, end - round((CONTEXT_S + MAX_SPEECH_S) * self._rate))
        first = max(first, begin - round(CONTEXT_S * self._rate))
        own = self._cut(begin, end)
        self._extend_gap(begin)
        found = fingerprint(own, gap_checksum=self._gap)
        self._gap, self._gap_to = 0, begin + len(own)
        return LiveUtterance(
            stream=self._stream,
            track=self._track,
            speaker=self.speaker,
            begin_ms=self._offset_ms + round(begin * 1000 / self._rate),
            end_ms=self._offset_ms + round(end * 1000 / self._rate),
            context_ms=round((begin - first) * 1000 / self._rate),
            samples=self._cut(first, end),
            rate=self._rate,
            place=begin,
            fingerprint=found,
        )

    def _at(self, heard: int) -> int:
        """Convert a position at 16 kHz into one at the rate of the channel."""
        return heard * self._rate // RATE

    def _cut(self, begin: int, end: int) -> NDArray[np.int16]:
        return self._kept[max(0, begin - self._kept_from) : end - self._kept_from].copy()

    def _extend_gap(self, end: int) -> None:
        """Include samples up to ``end``, in which no utterance will be found any more."""
        if end > self._gap_to:
            self._gap = _checksum(self._cut(self._gap_to, end), self._gap)
            self._gap_to = end

    def _forget(self) -> None:
        self._extend_gap(self._at(self._endpointer.settled))
        keep = self._at(self._endpointer.settled) - round(CONTEXT_S * self._rate)
        if keep - self._kept_from > self._rate:
            self._kept = self._kept[keep - self._kept_from :].copy()
            self._kept_from = keep


def fingerprint(samples: NDArray[np.int16], *, gap_checksum: int = 0) -> Fingerprint:
    """Fingerprint the samples of an utterance. The needle is its loudest part: silence repeats."""
    at = 0
    if len(samples) > NEEDLE:
        blocks = samples[: len(samples) - len(samples) % NEEDLE].reshape(-1, NEEDLE)
        energy = np.abs(blocks.astype(np.int32)).sum(axis=1)
        at = int(energy.argmax()) * NEEDLE
    needle = samples[at : at + NEEDLE].astype("<i2").tobytes()
    return Fingerprint(len(samples), at, needle, _checksum(samples), gap_checksum)


def _checksum(samples: NDArray[np.int16], start: int = 0) -> int:
    return zlib.crc32(samples.astype("<i2").tobytes(), start)
