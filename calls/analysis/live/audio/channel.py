"""One channel of a live stream: its samples so far, and the utterances in them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calls.analysis.live.audio.endpointing import FRAME, Endpointer, Spoken
from calls.analysis.media.resampling import StreamResampler
from calls.analysis.providers.voice import RATE
from calls.conversation import Speaker

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
class Position:
    """Where a channel continues: everything said before sample ``settled`` is known.

    ``gap`` is the CRC-32 of the samples from the last utterance to there, and ``number`` that of
    the next utterance. ``offset_ms`` is the time of sample 0 in the call.
    """

    settled: int
    gap: int
    number: int
    offset_ms: int


@dataclass(frozen=True, slots=True)
class LiveUtterance:
    """An utterance. Times are milliseconds from the start of the call.

    ``samples`` are int16 at ``rate`` Hz. The audio before them does not help to recognise them: on
    recorded calls it made as many errors and took twice the time. ``place`` is the first sample in
    the channel, and ``before`` the position in front of it.
    """

    channel: str
    speaker: Speaker
    begin_ms: int
    end_ms: int
    samples: NDArray[np.int16]
    rate: int
    place: int
    fingerprint: Fingerprint
    before: Position

    @property
    def identity(self) -> tuple[str, int, int]:
        """The same samples of a channel have the same identity."""
        return self.channel, self.place, self.fingerprint.length


class LiveChannel:
    """``feed`` audio in order. Yields utterances as they end.

    ``at`` is the place of the first sample that will come. ``position`` continues what another
    channel object began: the samples before it only prepare the voice detection.
    """

    def __init__(
        self,
        *,
        name: str,
        speaker: Speaker,
        rate: int,
        position: Position,
        at: int = 0,
        detector: Any = None,
    ) -> None:
        self.name, self.speaker, self.rate = name, speaker, rate
        self._offset_ms = position.offset_ms
        self._number = position.number
        self._gap, self._gap_to = position.gap, position.settled
        begin = -(-at // _grid(rate)) * _grid(rate)
        self._early = begin - at  # samples before the first frame
        self._resampler = StreamResampler(rate, RATE)
        self._endpointer = Endpointer(
            max_speech_s=MAX_SPEECH_S,
            detector=detector,
            at=begin * RATE // rate,
            done=-(-position.settled * RATE // rate),
        )
        self._kept = np.zeros(0, np.int16)
        self._kept_from = begin

    @property
    def settled_ms(self) -> int:
        """The time in the call up to which every utterance has been yielded."""
        return self._offset_ms + round(self._endpointer.settled * 1000 / RATE)

    @property
    def received_ms(self) -> int:
        """The time in the call up to which there is audio."""
        return self._ms(self._kept_from + len(self._kept))

    @property
    def position(self) -> Position:
        return Position(self._gap_to, self._gap, self._number, self._offset_ms)

    def feed(self, samples: NDArray[np.int16]) -> Iterator[LiveUtterance]:
        """Take the next samples, at the rate of the channel."""
        early = min(self._early, len(samples))
        self._early -= early
        samples = samples[early:]
        self._kept = np.concatenate([self._kept, samples])
        heard = self._resampler.feed(samples).astype(np.float32) / np.float32(32768)
        for spoken in self._endpointer.feed(heard):
            yield self._ended(spoken)
        self._sum_gap(self._at(self._endpointer.settled))
        self._forget()

    def finish(self) -> Iterator[LiveUtterance]:
        """Yield the utterance in progress, if there is one."""
        for spoken in self._endpointer.finish():
            yield self._ended(spoken)

    def ending(self) -> LiveUtterance | None:
        """Return the utterance that has probably ended, before this is certain."""
        spoken = self._endpointer.ending()
        return None if spoken is None else self._utterance(spoken)

    def _ended(self, spoken: Spoken) -> LiveUtterance:
        self._sum_gap(self._at(spoken.begin))
        utterance = self._utterance(spoken)
        self._gap, self._gap_to = 0, utterance.place + utterance.fingerprint.length
        self._number += 1
        return utterance

    def _utterance(self, spoken: Spoken) -> LiveUtterance:
        begin, end = self._at(spoken.begin), self._at(spoken.end)
        samples = self._cut(begin, end)
        return LiveUtterance(
            channel=self.name,
            speaker=self.speaker,
            begin_ms=self._ms(begin),
            end_ms=self._ms(end),
            samples=samples,
            rate=self.rate,
            place=begin,
            fingerprint=fingerprint(samples, gap_checksum=self._gap),
            before=Position(begin, self._gap, self._number, self._offset_ms),
        )

    def _sum_gap(self, end: int) -> None:
        """Add the samples up to ``end``, which belong to no utterance, to the checksum."""
        if end > self._gap_to:
            self._gap = zlib.crc32(_bytes(self._cut(self._gap_to, end)), self._gap)
            self._gap_to = end

    def _ms(self, sample: int) -> int:
        return self._offset_ms + round(sample * 1000 / self.rate)

    def _at(self, heard: int) -> int:
        """Convert a position at 16 kHz into one at the rate of the channel."""
        return heard * self.rate // RATE

    def _cut(self, begin: int, end: int) -> NDArray[np.int16]:
        return self._kept[max(0, begin - self._kept_from) : max(0, end - self._kept_from)].copy()

    def _forget(self) -> None:
        old = min(self._gap_to - self._kept_from, len(self._kept))
        if old > self.rate:
            self._kept, self._kept_from = self._kept[old:].copy(), self._kept_from + old


def _grid(rate: int) -> int:
    """Return the samples after which frames of the voice detection begin at whole samples.

    A channel that continues another starts there, so that its frames are the same.
    """
    return FRAME * rate // math.gcd(FRAME * rate, RATE)


def fingerprint(samples: NDArray[np.int16], *, gap_checksum: int = 0) -> Fingerprint:
    """Fingerprint the samples of an utterance. The needle is its loudest part: silence repeats."""
    at = 0
    if len(samples) > NEEDLE:
        blocks = samples[: len(samples) - len(samples) % NEEDLE].reshape(-1, NEEDLE)
        energy = np.abs(blocks.astype(np.int32)).sum(axis=1)
        at = int(energy.argmax()) * NEEDLE
    needle = _bytes(samples[at : at + NEEDLE])
    return Fingerprint(len(samples), at, needle, zlib.crc32(_bytes(samples)), gap_checksum)


def _bytes(samples: NDArray[np.int16]) -> bytes:
    return samples.astype("<i2").tobytes()
