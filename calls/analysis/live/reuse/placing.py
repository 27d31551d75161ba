"""Finds the live utterances in the audio of the finished call. Pure values.

An utterance is where all of its samples are. Packets that came late, or a second stream of the same
speaker, change samples: then the utterance is not found, and its place stays open.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from calls.conversation import Channel, Word

NEAR_S = 2.0  # how far from its time in the live call an utterance is looked for first
_MOST_HITS = 200  # places of a needle that are compared in full: silence may repeat for hours
_FAR_SEARCHES = 50  # in the whole channel, for each live channel
_TRIES = 10  # utterances that may show how far the live clock was off


@dataclass(frozen=True, slots=True)
class Known:
    """A live utterance: its words, and its fingerprint (see LiveUtterance)."""

    channel: str
    number: int
    begin_ms: int
    text: str
    words: tuple[Word, ...]
    length: int
    checksum: int
    needle_at: int
    needle: bytes
    gap_checksum: int
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """An utterance and its samples [begin, end) in the finished channel."""

    known: Known
    begin: int

    @property
    def end(self) -> int:
        return self.begin + self.known.length


Extent = tuple[int, int]  # samples, the end excluded


class _Recorded:
    """A finished channel, and the parts of it that are taken by utterances."""

    def __init__(self, channel: Channel) -> None:
        self.rate, self.length = channel.rate, len(channel.samples)
        self._bytes = channel.samples.astype("<i2", copy=False).tobytes()
        self._view = memoryview(self._bytes)
        self._taken: list[Extent] = []

    def take(self, known: Known, begin: int) -> Placed:
        placed = Placed(known, begin)
        self._taken.insert(bisect_left(self._taken, (begin, 0)), (begin, placed.end))
        return placed

    def checksum(self, begin: int, end: int) -> int:
        return zlib.crc32(self._view[2 * begin : 2 * end])

    def find(self, known: Known, near: int, low: int, high: int) -> int | None:
        """Return the free place in [low, high) that has the samples, closest to ``near``."""
        low, high = max(0, low), min(high, self.length - known.length + 1)
        hits = sorted(self._hits(known, low, high), key=lambda at: abs(at - near))
        for at in hits:
            if self._is_free(at, at + known.length) and (
                self.checksum(at, at + known.length) == known.checksum
            ):
                return at
        return None

    def _hits(self, known: Known, low: int, high: int) -> Iterator[int]:
        begin = 2 * (low + known.needle_at)
        end = 2 * (high - 1 + known.needle_at) + len(known.needle)
        for _ in range(_MOST_HITS):
            begin = self._bytes.find(known.needle, begin, end)
            if begin < 0:
                return
            if begin % 2 == 0:
                yield begin // 2 - known.needle_at
            begin += 1

    def _is_free(self, begin: int, end: int) -> bool:
        place = bisect_left(self._taken, (end, 0))
        return place == 0 or self._taken[place - 1][1] <= begin


def place_utterances(channel: Channel, known: Sequence[Known]) -> tuple[list[Placed], list[Extent]]:
    """Return the utterances that were found, and the extents that neither they nor the proven
    gaps between them cover, both in order.

    No two utterances overlap. Those of one live channel keep their order.
    """
    recorded = _Recorded(channel)
    ordered = sorted(known, key=lambda each: (each.channel, each.number))
    found: list[Placed] = []
    gaps: list[Extent] = []
    for _, group in groupby(ordered, key=lambda each: each.channel):
        placed = _place_channel(recorded, list(group))
        found += placed
        gaps += _proven_gaps(recorded, placed)
    found.sort(key=lambda each: each.begin)
    covered = [*((each.begin, each.end) for each in found), *gaps]
    return found, list(_open(channel, covered))


def _place_channel(recorded: _Recorded, known: Sequence[Known]) -> list[Placed]:
    """Place the utterances of one live channel: first near their time, then the others anywhere
    between those.
    """
    shift = _find_shift(recorded, known)
    if shift is None:
        return []
    near = round(NEAR_S * recorded.rate)
    places: list[Placed | None] = []
    floor = 0
    for each in known:
        wanted = _expected(each, recorded) + shift
        at = recorded.find(each, wanted, max(floor, wanted - near), wanted + near)
        places.append(None if at is None else recorded.take(each, at))
        if at is not None:
            floor, shift = at + each.length, at - _expected(each, recorded)
    _place_far(recorded, known, places)
    return [each for each in places if each is not None]


def _place_far(recorded: _Recorded, known: Sequence[Known], places: list[Placed | None]) -> None:
    searches = 0
    for index, each in enumerate(known):
        if places[index] is not None or searches >= _FAR_SEARCHES:
            continue
        searches += 1
        low = max((one.end for one in places[:index] if one), default=0)
        high = min((one.begin for one in places[index:] if one), default=recorded.length)
        at = recorded.find(each, _expected(each, recorded), low, high - each.length + 1)
        if at is not None:
            places[index] = recorded.take(each, at)


def _find_shift(recorded: _Recorded, known: Sequence[Known]) -> int | None:
    """Return by how many samples the finished call is later than the live one; None if no
    utterance is found.
    """
    longest = sorted(known, key=lambda each: -each.length)[:_TRIES]
    near = round(NEAR_S * recorded.rate)
    for reach in (near, recorded.length):
        for each in longest:
            wanted = _expected(each, recorded)
            at = recorded.find(each, wanted, wanted - reach, wanted + reach)
            if at is not None:
                return at - wanted
    return None


def _expected(known: Known, recorded: _Recorded) -> int:
    return known.begin_ms * recorded.rate // 1000


def _proven_gaps(recorded: _Recorded, placed: Sequence[Placed]) -> Iterator[Extent]:
    """Yield the extents before utterances that have the samples in which no speech was found."""
    for before, each in pairwise([None, *placed]):
        if each is None:
            continue
        begin, number = (0, -1) if before is None else (before.end, before.known.number)
        follows = each.known.number == number + 1
        if follows and recorded.checksum(begin, each.begin) == each.known.gap_checksum:
            yield begin, each.begin


def _open(channel: Channel, covered: Sequence[Extent]) -> Iterator[Extent]:
    """Yield what is not covered, without the digital silence at both ends of each extent."""
    end = 0
    for begin, until in [*sorted(covered), (len(channel.samples), len(channel.samples))]:
        sound = np.flatnonzero(channel.samples[end:begin])
        if len(sound):
            yield end + int(sound[0]), end + int(sound[-1]) + 1
        end = max(end, until)
