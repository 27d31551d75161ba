"""The binary frames that carry the sound of a call. docs/listening.md describes them."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

VERSION = 1
CHANNELS = 2
MAX_AGE_MS = 65_535
# version, channels, age of the last sample in ms, rate, number of the frame, first sample
HEADER = struct.Struct("<BBHIII")


def pack_frame(
    samples: NDArray[np.int16], *, rate: int, number: int, position: int, age_s: float
) -> bytes:
    """Return a frame of ``samples``, whose shape is (n, 2). ``age_s`` is that of the last one."""
    age_ms = min(max(0, round(age_s * 1000)), MAX_AGE_MS)
    header = HEADER.pack(
        VERSION, CHANNELS, age_ms, rate, number & 0xFFFFFFFF, position & 0xFFFFFFFF
    )
    return header + samples.astype("<i2").tobytes()
