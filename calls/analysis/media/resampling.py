"""Changing the sample rate with a windowed sinc filter, in plain numpy."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

_ZERO_CROSSINGS = 24
_KAISER_BETA = 9.0
_ROLLOFF = 0.95
_MAX_DENOMINATOR = 1000
_MIN_FRAME = 160
_BLOCK_SAMPLES = 1 << 19


def resample(samples: NDArray[np.int16], from_rate: int, to_rate: int) -> NDArray[np.int16]:
    """Convert mono int16 samples from ``from_rate`` to ``to_rate`` Hz.

    The result has ``round(len(samples) * to_rate / from_rate)`` samples and no delay. A dense
    product per frame needs more multiplications than a polyphase filter, but BLAS does all of
    them: an hour at 8 kHz takes less than a second.
    """
    if from_rate == to_rate:
        return samples
    kernel, hop, reach = _kernel(from_rate, to_rate)
    produced = kernel.shape[1]
    length = round(len(samples) * to_rate / from_rate)
    count = ceil(length / produced)
    out = np.empty((count, produced), dtype=np.int16)
    # If rounding added a sample, the last frame may start after the end of the input.
    padded = np.pad(samples, (reach, 2 * (hop + reach)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[0])[::hop]
    step = max(1, _BLOCK_SAMPLES // kernel.shape[0])
    for first in range(0, count, step):
        last = min(first + step, count)
        block = frames[first:last].astype(np.float32) @ kernel
        out[first:last] = np.clip(np.rint(block), -32768, 32767)
    return out.reshape(-1)[:length]


class StreamResampler:
    """Resamples audio that arrives in pieces. Joined, the pieces equal ``resample`` of the whole.

    Up to 60 ms are held back until more samples arrive, because the filter looks ahead.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        self._same = from_rate == to_rate
        if self._same:
            return
        self._kernel, self._hop, self._reach = _kernel(from_rate, to_rate)
        self._waiting = np.zeros(self._reach, np.int16)  # before the start is silence

    def feed(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return what can be said now of the samples so far."""
        if self._same:
            return samples
        self._waiting = np.concatenate([self._waiting, samples])
        size = self._kernel.shape[0]
        if len(self._waiting) < size:
            return np.zeros(0, np.int16)
        frames = np.lib.stride_tricks.sliding_window_view(self._waiting, size)[:: self._hop]
        made = np.clip(np.rint(frames.astype(np.float32) @ self._kernel), -32768, 32767)
        self._waiting = self._waiting[len(frames) * self._hop :]
        out: NDArray[np.int16] = made.astype(np.int16).reshape(-1)
        return out


@lru_cache(maxsize=16)
def _kernel(from_rate: int, to_rate: int) -> tuple[NDArray[np.float32], int, int]:
    """Return the matrix that maps a frame of input, with its margins, to a frame of output.

    Also returns how many input samples a frame consumes, and the margin on each side.
    """
    ratio = Fraction(to_rate, from_rate).limit_denominator(_MAX_DENOMINATOR)
    repeat = ceil(_MIN_FRAME / ratio.denominator)
    hop, produced = ratio.denominator * repeat, ratio.numerator * repeat
    cutoff = _ROLLOFF * min(1.0, float(ratio))
    reach = ceil(_ZERO_CROSSINGS / cutoff)
    inputs = np.arange(-reach, hop + reach, dtype=np.float64)[:, None]
    outputs = np.arange(produced, dtype=np.float64)[None, :] / float(ratio)
    distance = inputs - outputs
    inside = np.sqrt(np.clip(1 - (distance / reach) ** 2, 0, None))
    window = np.where(np.abs(distance) < reach, np.i0(_KAISER_BETA * inside), 0.0)
    kernel = cutoff * np.sinc(cutoff * distance) * window / np.i0(_KAISER_BETA)
    return kernel.astype(np.float32), hop, reach
