"""Waveforms: the loudness of each side of a recording over time, for drawing on a page.

One byte for each 50 ms of each side, the agent's first: the peak amplitude, 255 for full scale.
It is stored in a separate file, whose name is derived from the recording's.
"""

from __future__ import annotations

import logging
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from calls.conversation import SPEAKERS, CallAudio, Span

log = logging.getLogger(__name__)
STEP_MS = 50
FOLDER = "waveforms"
SUFFIX = ".peaks"
BLOCK_STEPS = 256
FULL_SCALE = 32768
Peaks = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Waveform:
    """``peaks`` has a row for each of SPEAKERS."""

    peaks: Peaks

    @property
    def duration_ms(self) -> int:
        return int(self.peaks.shape[1]) * STEP_MS


def measure_audio(audio: CallAudio) -> Waveform:
    length = -(-audio.duration_ms // STEP_MS)
    peaks = np.zeros((len(SPEAKERS), length), np.uint8)
    for channel in audio.channels:
        found = _peaks(channel.samples, channel.rate * STEP_MS // 1000)[:length]
        peaks[SPEAKERS.index(channel.speaker), : len(found)] = found
    return Waveform(peaks)


def measure_wav(source: IO[bytes]) -> Waveform:
    """Measure a recording block by block: an hour would need too much memory in a web request."""
    rows: list[list[Peaks]] = [[] for _ in SPEAKERS]
    with wave.open(source, "rb") as wav:
        step = wav.getframerate() * STEP_MS // 1000
        while block := wav.readframes(step * BLOCK_STEPS):
            frames = np.frombuffer(block, dtype="<i2").reshape(-1, len(SPEAKERS))
            for place, row in enumerate(rows):
                row.append(_peaks(frames[:, place], step))
    return Waveform(np.stack([np.concatenate([np.zeros(0, np.uint8), *row]) for row in rows]))


def _peaks(samples: NDArray[np.int16], step: int) -> Peaks:
    """Return the peak of each step. A short last step is padded with silence."""
    padded = np.ascontiguousarray(np.pad(samples, (0, -len(samples) % step)))
    steps = padded.reshape(-1, step)
    highest = np.maximum(steps.max(axis=1).astype(np.int32), -steps.min(axis=1).astype(np.int32))
    found: Peaks = np.minimum(highest * 256 // FULL_SCALE, 255).astype(np.uint8)
    return found


def silence(waveform: Waveform, spans: Sequence[Span]) -> Waveform:
    """Return the waveform with both sides silent in each step that a span touches."""
    peaks = waveform.peaks.copy()
    for span in spans:
        peaks[:, max(0, span.begin_ms // STEP_MS) : max(0, -(-span.end_ms // STEP_MS))] = 0
    return Waveform(peaks)


def turn(waveform: Waveform) -> Waveform:
    """Return the waveform with the sides swapped."""
    return Waveform(waveform.peaks[::-1])


def waveform_name(recording: str) -> str:
    """Return the name of the waveform file of a recording."""
    return f"{FOLDER}/{recording.partition('/')[2] or recording}{SUFFIX}"


def recorded(waveform: str) -> str:
    """Return the file name of a recording for that of its waveform, both without folders."""
    return waveform.removesuffix(SUFFIX)


def keep_waveform(recording: str, waveform: Waveform) -> None:
    """Store the waveform of a recording. Failures are only logged: it can be measured again."""
    name = waveform_name(recording)
    try:
        stored = default_storage.save(name, ContentFile(waveform.peaks.tobytes()))
        if stored != name:  # another process was faster
            default_storage.delete(stored)
    except Exception:  # each storage backend has its own errors
        log.exception("could not store the waveform of %s", recording)


def stored_waveform(recording: str) -> Waveform | None:
    try:
        with default_storage.open(waveform_name(recording)) as file:
            found = np.frombuffer(file.read(), np.uint8)
    except FileNotFoundError:
        return None
    return Waveform(found.reshape(len(SPEAKERS), -1)) if len(found) % len(SPEAKERS) == 0 else None
