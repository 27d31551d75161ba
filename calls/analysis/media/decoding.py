"""Decoding: from bytes to 16-bit samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calls.analysis.media.g711 import ALAW, MULAW
from calls.formats.media_types import MediaFormat


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
