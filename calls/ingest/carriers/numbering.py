"""Counts what is missing, repeated and out of order in a numbering, in bounded memory."""

from __future__ import annotations

from enum import Enum

HOLES_KEPT = 1000  # a number that comes after that many others went missing counts as repeated
LEAP = 100_000  # further than that nothing is missing: the sender counts anew


class Arrival(Enum):
    IN_ORDER = "in order"
    OUT_OF_ORDER = "out of order"
    REPEATED = "repeated"


class Numbering:
    """A numbering of messages that goes up by one. Its first number is where it begins."""

    def __init__(self) -> None:
        self.highest: int | None = None
        self.trusted = True
        self._holes: dict[int, None] = {}
        self._given_up = 0
        self._identity: object = None  # what the highest number stands for

    @property
    def missing(self) -> int:
        return self._given_up + len(self._holes) if self.trusted else 0

    def see(self, number: int | None, identity: object = None) -> Arrival:
        """Take note of a number, and of what it stands for if that can be told.

        None is in order. So is everything once a number has stood for two things: it counts
        something else, and is not trusted any more.
        """
        if number is not None and number == self.highest and identity not in (None, self._identity):
            self.trusted = False
        if number is None or not self.trusted:
            return Arrival.IN_ORDER
        if number in self._holes:
            del self._holes[number]
            return Arrival.OUT_OF_ORDER
        if self.highest is not None and 0 <= self.highest - number <= LEAP:
            return Arrival.REPEATED
        if self.highest is not None and 0 < number - self.highest <= LEAP:
            self._open(self.highest + 1, number)
        self.highest, self._identity = number, identity
        return Arrival.IN_ORDER

    def _open(self, begin: int, end: int) -> None:
        kept = max(begin, end - HOLES_KEPT)
        self._given_up += kept - begin
        self._holes.update(dict.fromkeys(range(kept, end)))
        while len(self._holes) > HOLES_KEPT:
            del self._holes[next(iter(self._holes))]
            self._given_up += 1
