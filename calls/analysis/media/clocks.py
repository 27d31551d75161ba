"""Makes the stamps of a track's packets usable: unknown, wild and set-back ones are replaced.

``stamps`` holds the stamps of the packets of one track in order, in any unit, NaN where there is
none. ``heard`` holds the seconds of audio before each packet. The text of a call has the same rules
in ``stamps``.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from calls.analysis.media.stamps import epoch_unit
from calls.analysis.media.timeline import MAX_GAP_S, Floats

_LEAP_S = 1.0  # between two packets; less is jitter or a pause
_ODD = 50  # packets whose stamps may be wild in a row
_FIRST_ODD = 3  # the same for the first ones of a track
_MOST_LEAPS = 1000  # a clock with more of them says nothing


def with_known_stamps(stamps: Floats, heard: Floats) -> Floats:
    """Replace unknown stamps by what the audio since the previous known one shows.

    0 means unknown, except in the first packet of a clock that counts from the call's start.
    """
    known = _known(stamps)
    if known.all():
        return stamps
    if not known.any():
        return np.zeros(len(stamps))
    at = np.flatnonzero(known)
    lengths = np.diff(heard[at])
    paces = np.diff(stamps[at])[lengths > 0] / lengths[lengths > 0]
    pace = float(np.median(paces)) if len(paces) else 0.0
    before = at[np.maximum(np.searchsorted(at, np.arange(len(stamps)), side="right") - 1, 0)]
    return np.where(known, stamps, stamps[before] + pace * (heard - heard[before]))


def _known(stamps: Floats) -> NDArray[np.bool_]:
    is_number = np.isfinite(stamps)
    if epoch_unit(stamps[:: 1 + len(stamps) // 100].tolist()) is not None:
        return np.asarray(is_number & (stamps != 0))
    is_first = np.arange(len(stamps)) == 0
    return np.asarray(is_number & ((stamps != 0) | is_first))


def without_leaps(ahead: Floats) -> tuple[Floats, int]:
    """Remove the leaps that show no pause. Returns how often the clock was set back, too.

    ``ahead`` is by how many seconds the clock is ahead of the audio at each packet. If it comes
    back after a few packets, the stamps of those are wild. If it falls for good, the clock was set
    back, and goes on from there.
    """
    leaps = np.flatnonzero(np.abs(np.diff(ahead)) > _LEAP_S) + 1
    if not 0 < len(leaps) <= _MOST_LEAPS:
        return ahead, 0
    out, shift, set_back = ahead.copy(), 0.0, 0
    edges = [0, *leaps.tolist(), len(ahead)]
    parts = list(pairwise(edges))
    at = int(_is_first_odd(ahead, parts))
    out[: parts[at][0]] = ahead[parts[at][0]]
    level = float(ahead[parts[at][1] - 1])
    at += 1
    while at < len(parts):
        begin, end = parts[at]
        back = _back(ahead, parts, at, level - shift)
        if back is not None:
            out[begin : parts[back][0]] = level
            at = back
            begin, end = parts[at]
        elif ahead[begin] + shift < level:
            shift, set_back = level - float(ahead[begin]), set_back + 1
        out[begin:end] = ahead[begin:end] + shift
        level = float(out[end - 1])
        at += 1
    return out, set_back


def _is_first_odd(ahead: Floats, parts: list[tuple[int, int]]) -> bool:
    """Whether the first few stamps are absurdly far from those that follow."""
    (begin, end), (_, next_end) = parts[:2]
    is_short = end - begin <= min(_FIRST_ODD, next_end - end - 1)
    is_far = abs(float(ahead[end] - ahead[end - 1])) > MAX_GAP_S
    return is_short and is_far and _back(ahead, parts, 1, float(ahead[end - 1])) is None


def _back(ahead: Floats, parts: list[tuple[int, int]], at: int, level: float) -> int | None:
    """Return the part, a few packets later, at which the clock is back at its level."""
    begin = parts[at][0]
    for later in range(at + 1, len(parts)):
        start = parts[later][0]
        if start - begin > _ODD:
            return None
        if abs(float(ahead[start]) - level) <= _LEAP_S:
            return later
    return None
