"""Decoding: from bytes to 16-bit samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calls.analysis.media.g711 import ALAW, MULAW
from calls.formats.media_types import MediaFormat

LEAST_SAMPLES = 8_000
_QUIET = 100.0  # a quieter line is too silent to judge


def decode_audio(payload: bytes, media: MediaFormat) -> NDArray[np.int16]:
    """Return samples of shape (n, channels). An incomplete last sample is dropped."""
    if media.encoding == "mulaw":
        samples = MULAW[np.frombuffer(payload, np.uint8)]
    elif media.encoding == "alaw":
        samples = ALAW[np.frombuffer(payload, np.uint8)]
    else:
        order = ">i2" if media.encoding == "l16be" else "<i2"
        samples = np.frombuffer(payload, order, count=len(payload) // 2).astype(np.int16)
    whole = len(samples) - len(samples) % media.channels
    return samples[:whole].reshape(-1, media.channels)


def sample_count(payload: bytes, media: MediaFormat) -> int:
    """Return how many samples per channel ``decode_audio`` would return."""
    return len(payload) // media.width


def sound_of(payload: bytes, media: MediaFormat) -> tuple[float, float]:
    """Return the correlation of neighbouring samples, from -1 to 1, and the loudness.

    Both are 0 if there is too little sound to judge.
    """
    samples = decode_audio(payload, media)[:, 0].astype(np.float64)
    if len(samples) < LEAST_SAMPLES:
        return 0.0, 0.0
    samples -= samples.mean()
    energy = float(np.square(samples).sum())
    loud = (energy / len(samples)) ** 0.5
    if loud < _QUIET:
        return 0.0, 0.0
    return float((samples[1:] * samples[:-1]).sum()) / energy, loud
