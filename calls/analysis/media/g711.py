"""G.711: the 256 values of mu-law and of A-law as 16-bit linear samples, computed by formula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BIAS = 33  # mu-law adds it before taking the logarithm (ITU-T G.711, table 2)


def _fields(codes: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    return (codes >> 4) & 7, codes & 15


def _mulaw_table() -> NDArray[np.int16]:
    codes = ~np.arange(256, dtype=np.int32) & 0xFF
    exponent, mantissa = _fields(codes)
    magnitude = (((2 * mantissa + _BIAS) << exponent) - _BIAS) << 2
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


def _alaw_table() -> NDArray[np.int16]:
    codes = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = _fields(codes)
    normal = (2 * mantissa + _BIAS) << np.maximum(exponent - 1, 0)
    magnitude = np.where(exponent == 0, 2 * mantissa + 1, normal) << 3
    return np.where(codes & 0x80, magnitude, -magnitude).astype(np.int16)


MULAW: NDArray[np.int16] = _mulaw_table()
ALAW: NDArray[np.int16] = _alaw_table()
