"""Counts missing, duplicate and reordered numbers of a numbering, in bounded memory."""

from __future__ import annotations

from enum import Enum

HOLES_KEPT = 1000  # missing numbers remembered; one that comes after that is a duplicate
LEAP = 100_000  # a longer jump is not a gap: the sender has restarted its numbering


class Arrival(Enum):
    IN_ORDER = "in order"
    OUT_OF_ORDER = "out of order"
    REPEATED = "repeated"


class Numbering:
    """A numbering of messages that goes up by one, from whatever number comes first."""

    def __init__(self) -> None:
        self.highest: int | None = None
        self.trusted = True
        self._holes: dict[int, None] = {}
        self._given_up = 0
        self._identity: object = None  # of the message with the highest number

    @property
    def missing(self) -> int:
        return self._given_up + len(self._holes) if self.trusted else 0

    def see(self, number: int | None, identity: object = None) -> Arrival:
        """Record a number, and the identity of its message if known.

        None counts as in order. If two different messages share a number, it counts something else:
        the numbering is no longer trusted, and everything is in order from then on.
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
