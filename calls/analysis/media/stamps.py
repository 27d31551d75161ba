"""Reads senders' time stamps: their unit, and where packets of text belong in time.

Stamps may be in s, ms, us, ns or ticks of 100 ns, count from an epoch or from anything else, be 0
for unknown, jump, or be nonsense. Every length that follows from them has a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, isnan, log, nan
from statistics import median

from calls.analysis.media.timeline import MAX_GAP_S, MAX_SILENCE_S, Floats

UNITS = (1.0, 1e3, 1e6, 1e9)  # ticks a second
LONGEST_S = 24 * 3600.0
LARGEST = 1e19  # nanoseconds since the epoch reach this in the year 2286
_EPOCH = (1.2e9, 2.6e9)  # seconds: the years 2008 to 2052
# Clocks that count from an epoch: their ticks a second, and the seconds from their epoch to 1970.
_CLOCKS = (
    *((unit, 0.0) for unit in UNITS),
    (1e7, 62_135_596_800.0),  # .NET, since the year 1
    (1e7, 11_644_473_600.0),  # Windows, since 1601
)
_MOST = 0.8  # of the stamps must look like a clock
_LEAST_RECEIVED_S = 5.0
_PLAUSIBLE = (0.5, 30.0)  # seconds on the clock per second of speech: silences, and slow typists
_SLOWEST = 100.0  # the same, if nothing else tells seconds from milliseconds
_JITTER_S = 60.0  # a stamp that is off by less is not worth a note
_SAMPLES = 0.1  # how far the pace of a clock that counts samples may be from the rate
_AHEAD = 3  # stamps that are asked whether an odd one is the start of something new


def clean(stamp: float) -> float:
    """Return a stamp, NaN if it is no number that a clock can show."""
    return stamp if isfinite(stamp) and abs(stamp) <= LARGEST else nan


def epoch_unit(stamps: Iterable[float]) -> float | None:
    """Return the ticks a second of stamps that count from an epoch, or None for other clocks."""
    known = [stamp for stamp in stamps if isfinite(stamp)]
    for unit, before in _CLOCKS:
        inside = sum(_EPOCH[0] <= stamp / unit - before <= _EPOCH[1] for stamp in known)
        if known and inside >= _MOST * sum(stamp != 0 for stamp in known) and inside:
            return unit
    return None


def unit_of_pace(pace: float, received: float | None = None) -> float:
    """Return the ticks a second of a clock. ``pace`` is its ticks per second of speech.

    ``received`` is its ticks per second between the first and the last packet's arrival.
    """
    for unit in UNITS:
        if _PLAUSIBLE[0] <= pace / unit < _PLAUSIBLE[1]:
            return unit
    if received:
        return min(UNITS, key=lambda unit: abs(log(received / unit)))
    return next((unit for unit in UNITS if pace / unit <= _SLOWEST), UNITS[-1])


def nearest_unit(pace: float) -> float:
    """Return the ticks a second of a clock that makes ``pace`` ticks in a second of reception."""
    if pace <= _SLOWEST:
        return UNITS[0]
    return min(UNITS, key=lambda unit: abs(log(pace / unit)))


def clock_unit(stamps: Floats, paces: Sequence[float | None], rate: int) -> float:
    """Return the ticks a second of a track's clock, which may count samples as well.

    ``paces`` are ticks per second of audio, of all tracks of the call. A recording that is sent at
    full speed has a small pace, so that only a large one says anything.
    """
    known = [pace for pace in paces if pace is not None]
    pace = median(known) if known else 1.0
    if unit := epoch_unit(stamps[:: 1 + len(stamps) // 100].tolist()):
        return unit
    if pace <= _SLOWEST:
        return UNITS[0]
    if abs(pace / rate - 1) <= _SAMPLES:
        return float(rate)
    return min(UNITS[1:], key=lambda unit: abs(log(pace / unit)))


@dataclass(frozen=True, slots=True)
class Placed:
    """The times of the packets of a stream, in seconds on its clock, never decreasing.

    ``unknown`` counts packets without a usable time, ``capped`` gaps that were cut to the limits,
    ``set_back`` how often the clock went back.
    """

    times: list[float]
    unknown: int = 0
    capped: int = 0
    set_back: int = 0


def read_seconds(
    streams: Sequence[Sequence[float]],
    spoken_s: Sequence[Sequence[float]],
    received_s: float | None = None,
) -> list[list[float]]:
    """Return the stamps of each stream in seconds, NaN where the sender did not know the time.

    ``spoken_s`` is how long the words of each packet take, ``received_s`` how long it took to
    receive all of them.
    """
    cleaned = [[clean(stamp) for stamp in stamps] for stamps in streams]
    shared = _unit(cleaned, spoken_s, received_s)
    return [_in_seconds(stamps, epoch_unit(stamps), shared) for stamps in cleaned]


def _in_seconds(stamps: list[float], epoch: float | None, shared: float) -> list[float]:
    """Scale stamps. 0 is a time only at the start of a clock that counts from the call's start."""
    seconds: list[float] = []
    has_begun = epoch is not None
    for stamp in stamps:
        has_begun = has_begun or (isfinite(stamp) and stamp != 0)
        seconds.append(nan if stamp == 0 and has_begun else stamp / (epoch or shared))
    return seconds


def _unit(
    streams: Sequence[Sequence[float]],
    spoken_s: Sequence[Sequence[float]],
    received_s: float | None,
) -> float:
    """Return the ticks a second that most packets agree on."""
    paces = list(_paces(streams, spoken_s))
    if not paces:
        return UNITS[0]
    received = None
    if received_s is not None and received_s >= _LEAST_RECEIVED_S:
        received = _spread(streams) / received_s
    return unit_of_pace(median(paces), received)


def _paces(
    streams: Sequence[Sequence[float]], spoken_s: Sequence[Sequence[float]]
) -> Iterator[float]:
    for stamps, lengths in zip(streams, spoken_s, strict=True):
        for (before, after), spoken in zip(pairwise(stamps), lengths, strict=False):
            # A step from 0, which may mean unknown, is no step of the clock.
            if spoken and before and after > before:
                yield (after - before) / spoken


def _spread(streams: Sequence[Sequence[float]]) -> float:
    """Return the ticks between the earliest and the latest stamps, without the wild ones."""
    known = sorted(each for stamps in streams for each in stamps if isfinite(each) and each)
    return known[-1 - len(known) // 20] - known[len(known) // 20]


def place(stamps: Sequence[float], spoken_s: Sequence[float]) -> Placed:
    """Return a time for each packet of a stream, in order. ``stamps`` are seconds or NaN.

    A packet without a usable stamp gets the time of its neighbour. A stamp is not usable if it fits
    neither what came before nor what follows. If it fits what follows, the clock has jumped: a jump
    forward is a gap, cut to the limits that audio has, a jump back is none.
    """
    times: list[float] = []
    at = anchor = nan
    unknown = capped = set_back = 0
    jumped_s = 0.0
    for index, stamp in enumerate(stamps):
        following = [each for each in stamps[index + 1 : index + 8] if isfinite(each)][:_AHEAD]
        if not isfinite(stamp) or _is_odd(stamp, anchor, following):
            unknown += not abs(stamp - anchor) <= _JITTER_S
        elif not isfinite(anchor):
            at = anchor = stamp
            times = [at] * len(times)  # those before it have no time of their own
        elif 0 <= stamp - anchor <= MAX_GAP_S:
            # The difference first: a large stamp has no digits left for a short time.
            at, anchor = at + (stamp - anchor), stamp
        elif stamp < anchor:
            set_back += 1
            at, anchor = at + min(spoken_s[index - 1], MAX_GAP_S), stamp
        else:
            gap_s = max(0.0, min(MAX_GAP_S, MAX_SILENCE_S - jumped_s))
            capped += 1
            jumped_s += gap_s
            at, anchor = at + gap_s, stamp
        times.append(at)
    return Placed(times, unknown, capped, set_back)


def _is_odd(stamp: float, anchor: float, following: Sequence[float]) -> bool:
    """Whether a stamp fits neither the previous usable one nor those that follow."""
    if not isfinite(anchor):
        # Nothing contradicts the only stamp of a stream.
        return bool(following) and not _is_near(stamp, following)
    if 0 <= stamp - anchor <= MAX_GAP_S:
        return False
    return any(0 <= each - anchor <= MAX_GAP_S for each in following) or not _is_near(
        stamp, following
    )


def _is_near(stamp: float, following: Sequence[float]) -> bool:
    return any(abs(each - stamp) <= MAX_GAP_S for each in following)


def align(streams: Sequence[Sequence[float]]) -> tuple[list[list[float]], int]:
    """Put the streams of a call on one timeline that starts at 0. Return it with the gaps cut.

    No stream starts later than MAX_GAP_S after the end of those before it, and no time is later
    than LONGEST_S. A stream without a clock starts with the first one.
    """
    first = min((times[0] for times in streams if isfinite(times[0])), default=0.0)
    starts = [first if isnan(times[0]) else times[0] for times in streams]
    shift, end, capped = 0.0, 0.0, 0
    aligned: list[list[float]] = [[] for _ in streams]
    for index in sorted(range(len(streams)), key=lambda each: starts[each]):
        times = [0.0 if isnan(each) else each - first - shift for each in streams[index]]
        if times[0] > end + MAX_GAP_S:
            extra = times[0] - end - MAX_GAP_S
            shift, capped = shift + extra, capped + 1
            times = [each - extra for each in times]
        aligned[index] = [min(each, LONGEST_S) for each in times]
        end = max(end, times[-1])
    return aligned, capped
