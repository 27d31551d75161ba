"""Finding the utterances of a stream of audio while it arrives, with Silero's voice detection.

The whole-call analysis asks Silero about finished audio (``providers.voice``). Here the model keeps
its state between pieces, so that an utterance is known WORD_GAP_MS after its last sound. The rules
for its edges are the same, so that both find the same utterances.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from calls.analysis.providers.voice import RATE, VAD, Samples

FRAME = 512  # samples of one frame of Silero: 32 ms
_CONTEXT = 64  # samples before a frame that Silero wants to see again
_STATE = (1, 1, 128)
_HYSTERESIS = 0.15  # speech ends below the threshold minus this, as in faster-whisper
_SHORT_PAUSE = RATE * 98 // 1000  # where speech of maximal length may be cut
_PAD = int(RATE * VAD["speech_pad_ms"]) // 1000
_MIN_SILENCE = int(RATE * VAD["min_silence_duration_ms"]) // 1000
_MIN_SPEECH = int(RATE * VAD["min_speech_duration_ms"]) // 1000
_EARLY = RATE * 250 // 1000  # after this pause, an utterance has probably ended


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance: its samples at 16 kHz with their margin, and where they start in the stream."""

    begin: int
    samples: Samples

    @property
    def end(self) -> int:
        return self.begin + len(self.samples)


class Detector:
    """Silero with its state. Returns the probability of speech for each frame of 32 ms."""

    def __init__(self) -> None:
        from faster_whisper.vad import get_vad_model

        self._session = get_vad_model().session
        self._h = np.zeros(_STATE, np.float32)
        self._c = np.zeros(_STATE, np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)

    def judge(self, samples: Samples) -> list[float]:
        """Rate whole frames: the length must be a multiple of FRAME."""
        frames = samples.reshape(-1, FRAME)
        before = np.concatenate([self._context[None], frames[:-1, -_CONTEXT:]])
        batch = np.concatenate([before, frames], axis=1)
        found, self._h, self._c = self._session.run(
            None, {"input": batch, "h": self._h, "c": self._c}
        )
        self._context = frames[-1, -_CONTEXT:].copy()
        return [float(value) for value in np.asarray(found).reshape(-1)]


class Endpointer:
    """Takes the samples of one channel with ``feed``, and yields utterances as they end.

    ``max_speech_s`` cuts longer speech at its last short pause. ``detector`` is Silero unless a
    test brings its own. To continue what another one began, say where the samples start with
    ``at``, and where its last utterance ended with ``done``: what is before that only prepares the
    detector.
    """

    def __init__(
        self, *, max_speech_s: float, detector: Any = None, at: int = 0, done: int = 0
    ) -> None:
        self._detector = detector or Detector()
        self._longest = round(max_speech_s * RATE)
        self._kept = np.zeros(0, np.float32)  # samples that an utterance may still need
        self._kept_from = at  # position of the first of them
        self._pending = np.zeros(0, np.float32)  # less than a frame
        self._at = at  # samples rated so far
        self._from = done
        self._begin: int | None = None  # of the speech in progress
        self._pause: int | None = None  # where it may have ended
        self._cut: int | None = None  # its last short pause
        self._done = done  # end of the last utterance, with its margin

    @property
    def settled(self) -> int:
        """The position up to which nothing more will be found."""
        open_from = self._at if self._begin is None else self._begin
        return max(self._done, open_from - _PAD)

    def feed(self, samples: Samples) -> Iterator[Spoken]:
        """Take the next samples at 16 kHz, and yield the utterances that have ended."""
        waiting = np.concatenate([self._pending, samples])
        whole = len(waiting) - len(waiting) % FRAME
        self._pending = waiting[whole:]
        if not whole:
            return
        frames = waiting[:whole]
        self._kept = np.concatenate([self._kept, frames])
        for probability in self._detector.judge(frames):
            if self._at + FRAME > self._from:
                yield from self._step(probability)
            self._at += FRAME
        self._forget()

    def ending(self) -> Spoken | None:
        """Return the utterance as it is if the pause that has begun is its end."""
        if self._begin is None or self._pause is None or self._at - self._pause < _EARLY:
            return None
        return self._between(self._begin, self._pause)

    def finish(self) -> Iterator[Spoken]:
        """Yield the utterance in progress, if there is one, after the last samples."""
        rest = len(self._pending)
        if rest:
            yield from self.feed(np.zeros(FRAME - rest, np.float32))
        if self._begin is not None:
            yield from self._close(self._at)

    def _step(self, probability: float) -> Iterator[Spoken]:
        if probability >= VAD["threshold"]:
            self._pause = None
            if self._begin is None:
                self._begin, self._cut = self._at, None
                return
        if self._begin is None:
            return
        if self._at - self._begin > self._longest:
            yield from self._split()
            return
        if probability < VAD["threshold"] - _HYSTERESIS:
            if self._pause is None:
                self._pause = self._at
            if self._at - self._pause > _SHORT_PAUSE:
                self._cut = self._pause
            if self._at - self._pause >= _MIN_SILENCE:
                yield from self._close(self._pause)

    def _split(self) -> Iterator[Spoken]:
        """End speech that has become too long, at its last pause if there was one."""
        cut, goes_on = self._cut, self._pause is None
        # A longer margin would reach into the next word.
        yield from self._close(self._at if cut is None else cut, margin=_SHORT_PAUSE // 2)
        if goes_on:
            self._begin = self._at if cut is None else cut

    def _close(self, end: int, *, margin: int = _PAD) -> Iterator[Spoken]:
        spoken = self._between(self._begin or 0, end, margin)
        self._begin = self._pause = self._cut = None
        if spoken is not None:
            self._done = spoken.end
            yield spoken

    def _between(self, begin: int, end: int, margin: int = _PAD) -> Spoken | None:
        """Return the speech with its margin, or None if it is too short to be speech."""
        if end - begin <= _MIN_SPEECH:
            return None
        first = max(self._done, begin - _PAD)
        last = min(self._kept_from + len(self._kept), end + margin)
        return Spoken(first, self._kept[first - self._kept_from : last - self._kept_from].copy())

    def _forget(self) -> None:
        keep = min(len(self._kept), max(0, self.settled - self._kept_from))
        self._kept, self._kept_from = self._kept[keep:], self._kept_from + keep
