"""Placing the packets of one track in time, and the silences between them.

Numbers only, no audio. The samples are the clock of a track: a packet starts where the previous
one ended, unless packets are lost or the sender's clock shows a real pause. Jitter, stalls and
packets stamped in groups never add or remove a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PAUSE_S = 0.2  # a clock this far ahead of the audio shows a pause, not jitter
MAX_GAP_S = 600.0  # one bad timestamp must not exhaust the memory...
MAX_SILENCE_S = 3600.0  # ...and neither must many of them
_STEP_S = 0.02  # a pause starts with a jump, a clock that runs fast does not
_WINDOW_S = 2.0  # the longest stall or group of packets that counts as jitter
_SEQUENCE_JUMP_S = 2.0  # if the clock contradicts a loss by more than this, nothing was lost
_STEADY = (0.5, 2.0)


@dataclass(frozen=True, slots=True)
class TrackClock:
    """The packets of one track in order. ``lengths`` and ``usual`` are in samples.

    ``stamps`` are in seconds. ``lost[i]`` is the number of sequence numbers of the stream that are
    missing between packets i-1 and i, ``tracks`` the number of tracks that share them.
    """

    rate: int
    stamps: Floats
    lengths: Ints
    lost: Ints
    usual: int
    tracks: int


@dataclass(frozen=True, slots=True)
class Silences:
    """Samples of silence before each packet.

    ``capped`` counts gaps cut to the limits, ``jumps`` those that the clock contradicts.
    """

    before: Ints
    capped: int
    jumps: int


def pace(stamps: Floats, lengths: Ints, rate: int) -> float | None:
    """Return seconds on the clock per second of audio, or None if the track is too short.

    1.0 is a live call, 1000 a clock that counts milliseconds, 0 a clock that stands still or a
    recording that is sent at full speed.
    """
    durations = lengths[:-1] / rate
    if len(durations) == 0 or durations.sum() == 0:
        return None
    steps = np.diff(stamps)[durations > 0] / durations[durations > 0]
    median = float(np.median(steps))
    overall = float((stamps[-1] - stamps[0]) / durations.sum())
    return min((median, overall), key=lambda value: abs(np.log(max(value, 1e-9))))


def is_steady(value: float | None) -> bool:
    return value is None or _STEADY[0] <= value <= _STEADY[1]


def lost_before(sequences: Ints, stream: Ints, unit: int) -> Ints:
    """Return how many sequence numbers of the stream are missing just before each packet.

    ``stream`` holds all received sequence numbers, sorted; ``unit`` is their step.
    """
    passed = np.rint(np.diff(sequences) / unit).astype(np.int64)
    came = np.diff(np.searchsorted(stream, sequences))
    return np.concatenate(([0], np.maximum(passed - came, 0)))


def sequence_unit(stream: Ints, paces: Sequence[float | None]) -> int:
    """Return the step of a stream's sequence numbers: 1, or more if the sender counts samples.

    A larger step is the unit only if the clock shows that nothing is missing.
    """
    steps = np.diff(stream)
    step = int(np.median(steps)) if len(steps) else 1
    contiguous = [value is not None and abs(value - 1) < 0.25 for value in paces]
    return step if step > 1 and contiguous and all(contiguous) else 1


def heard_before(lengths: Ints, rate: int) -> Floats:
    """Return the seconds of audio before each packet of a track, without silences."""
    return np.asarray(np.concatenate(([0], np.cumsum(lengths)[:-1])) / rate, np.float64)


def offsets(clock: TrackClock) -> Floats:
    """Return by how many seconds the clock is ahead of the audio at each packet."""
    return clock.stamps - heard_before(clock.lengths, clock.rate)


def without_jitter(raw: Floats, clock: TrackClock) -> Floats:
    """Return the lowest offset of the next two seconds.

    After a stall the offset falls back, after a pause it stays. A single wild timestamp is removed
    first.
    """
    if len(raw) > 2:
        middle = np.median(np.stack((raw[:-2], raw[1:-1], raw[2:])), axis=0)
        raw = np.concatenate((raw[:1], middle, raw[-1:]))
    width = 1 + int(np.ceil(_WINDOW_S * clock.rate / clock.usual))
    ahead = np.pad(raw, (0, width - 1), constant_values=np.inf)
    lowest: Floats = np.lib.stride_tricks.sliding_window_view(ahead, width).min(axis=1)
    return lowest


def silences(
    clock: TrackClock, ahead: Floats, *, steady: bool, most_s: float = MAX_SILENCE_S
) -> Silences:
    """Return the silence before each packet of a track, ``most_s`` in all.

    ``ahead`` is the result of ``without_jitter``.
    """
    before = np.zeros(len(clock.lengths), np.int64)
    inserted, capped, jumps = 0, 0, 0
    candidates = clock.lost > 0
    if steady:
        candidates[1:] |= np.diff(ahead) >= _STEP_S
    for index in np.flatnonzero(candidates):
        behind = float(ahead[index] - ahead[0]) * clock.rate - inserted if steady else None
        wanted, jumped = _silence(clock, int(clock.lost[index]), behind)
        room = round(min(MAX_GAP_S, most_s - inserted / clock.rate) * clock.rate)
        before[index] = min(wanted, max(room, 0))
        capped += int(before[index] < wanted)
        jumps += int(jumped)
        inserted += int(before[index])
    return Silences(before, capped, jumps)


def _silence(clock: TrackClock, lost: int, behind: float | None) -> tuple[int, bool]:
    """Return the samples of silence, and whether the sequence jumped without a loss.

    ``behind`` is the number of samples by which the audio lags the clock, None without a clock.
    """
    if behind is None:
        return round(lost / clock.tracks) * clock.usual, False
    packets = round(max(behind, 0.0) / clock.usual) * clock.usual if lost else 0
    if lost and clock.tracks == 1:
        if lost * clock.usual - behind > _SEQUENCE_JUMP_S * clock.rate:
            return packets, True
        packets = lost * clock.usual
    is_pause = round(behind) - packets >= round(PAUSE_S * clock.rate)
    return (round(behind) if is_pause else packets), False
