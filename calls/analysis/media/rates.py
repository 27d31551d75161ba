"""Compares the sample rate that a sender declares with its clock and with the sound itself.

Samples of 24 kHz that are declared as 8 kHz make three seconds of every second. A sender that
paces an old recording by a clock of its own does the same, so the clock alone corrects nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from calls.analysis.media.decoding import sound_of
from calls.analysis.media.timeline import Floats, Ints
from calls.formats.media_types import MediaFormat

STANDARD_RATES = (8_000, 16_000, 24_000, 32_000, 44_100, 48_000)
LEAST_S = 5.0  # of a clock that is believed
LEAST_PACKETS = 10
_WINDOW_S = 1.0
_TOLERANCE = 0.03  # of a rate; a pair of standard rates is at least 9 % apart
_SPREAD = 0.1  # how far the pace of a second may be from the usual one...
_STEADY = 0.8  # ...in this share of the seconds
_NOTED = 1.25  # a smaller factor is the drift of a clock
_MOST = 6.5  # a larger one is a recording sent at full speed
# The correlation of neighbouring samples: 0.77 to 0.87 for speech at 8 kHz, more at higher rates.
# In a wrong encoding it is 0.05 to 0.3.
_SMOOTH, _SPEECH = 0.9, 0.5


@dataclass(frozen=True, slots=True)
class RateDoubt:
    """The clock contradicts the declared rate. ``factor`` is seconds of audio per second.

    ``rate`` is the right rate if clock and sound agree on one, otherwise None.
    """

    factor: float
    rate: int | None


def doubt_rate(
    stamps: Floats, lengths: Ints, lost: Ints, payload: bytes, media: MediaFormat
) -> RateDoubt | None:
    """Return what contradicts the rate of a track, or None.

    ``stamps`` are in seconds, ``lengths`` in samples, ``lost`` says how many packets are missing
    before each one. ``payload`` is some of its audio.
    """
    pace = steady_pace(stamps, lengths / media.rate, lost)
    if pace is None or not log(_NOTED) < abs(log(pace)) < log(_MOST):
        return None
    shown = media.rate / pace
    rate = min(STANDARD_RATES, key=lambda each: abs(log(each / shown)))
    is_standard = rate != media.rate and abs(rate / shown - 1) <= _TOLERANCE
    return RateDoubt(1 / pace, rate if is_standard and _sounds(payload, media, rate) else None)


def steady_pace(stamps: Floats, seconds: Floats, lost: Ints) -> float | None:
    """Return the seconds on the clock per second of audio, None unless they are steady.

    Pauses and losses make single seconds longer. The usual second decides.
    """
    if len(stamps) < LEAST_PACKETS or stamps[-1] - stamps[0] < LEAST_S:
        return None
    steps, length = np.diff(stamps), seconds[:-1]
    kept = (lost[1:] == 0) & (length > 0)
    steps, length = steps[kept], length[kept]
    if not length.sum() > 0:
        return None
    windows = np.floor((np.cumsum(length) - length) / _WINDOW_S).astype(np.int64)
    starts = np.flatnonzero(np.diff(windows, prepend=-1))
    paces = np.add.reduceat(steps, starts) / np.add.reduceat(length, starts)
    usual = float(np.median(paces))
    if usual <= 0 or np.mean(np.abs(paces / usual - 1) <= _SPREAD) < _STEADY:
        return None
    return usual


def _sounds(payload: bytes, media: MediaFormat, rate: int) -> bool:
    """Whether the audio may have this rate. Samples at a higher rate than declared are smoother."""
    smooth, _ = sound_of(payload, media)
    if rate < media.rate:
        return smooth >= _SPEECH
    return smooth >= _SMOOTH and not _is_doubled(payload, media)


def _is_doubled(payload: bytes, media: MediaFormat) -> bool:
    """Whether every sample comes twice: stereo of two equal channels, declared as mono."""
    width = media.width
    pairs = np.frombuffer(payload[: len(payload) - len(payload) % (2 * width)], np.uint8)
    halves = pairs.reshape(-1, 2, width)
    return bool(np.array_equal(halves[:, 0], halves[:, 1]))
