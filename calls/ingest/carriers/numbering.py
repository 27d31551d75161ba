"""Places messages by their numbers, and counts missing, duplicate and reordered ones.

A number is a hint. It wraps around at 2^16 or 2^32, or restarts within a socket. A message is a
duplicate only if its content and its time are those of a recent one with the same number.
"""

from __future__ import annotations

from array import array
from enum import Enum

HOLES_KEPT = 1000  # missing numbers remembered; the others can no longer arrive
RECENT_KEPT = 257  # messages; a duplicate is found among as many at least. A prime: see _slot
SAME_KEPT = 4  # messages in one slot: two tracks may share a numbering, fractions of times a slot
LEAP = 100_000  # a longer jump is not a gap: the sender has restarted its numbering
NEAR = 1000  # the widest reordering; a jump beyond it must have the time it needs
BEGINNING = 50  # messages of a numbering that may overtake its first one
CLOSE = 5  # messages; the times of two tracks with one numbering may disagree over so few
LEAST_MS = 1.0  # no frame is this short
WRAPS = (2**16, 2**32)


class Arrival(Enum):
    IN_ORDER = "in order"
    OUT_OF_ORDER = "out of order"
    REPEATED = "repeated"


class Numbering:
    """A numbering of messages that goes up by one, from whatever number comes first.

    ``place`` is where the last message that was seen belongs: its number, counted on across wraps.
    ``restarts`` says how often the numbering has restarted. Each restart begins a new order.
    """

    def __init__(self) -> None:
        self.place = 0
        self.restarts = 0
        self.highest: int | None = None  # place
        self.trusted = True
        self._offset = 0  # from a number to its place
        self._wrap = 0  # after how many numbers it wraps around, once it has
        self._first = 0  # place of the first message since the numbering restarted
        self._seen = 0  # messages since then
        self._stamp_ms: float | None = None  # of the highest place
        self._holes: dict[int, None] = {}
        self._given_up = 0
        # Digests by slot, the newest first. Sets of them would take eight times the memory.
        self._recent = array("q")

    @property
    def missing(self) -> int:
        return self._given_up + len(self._holes) if self.trusted else 0

    def see(
        self, number: int | None, content: object = None, stamp_ms: float | None = None
    ) -> Arrival:
        """Record a number, and the content and time of its message if known.

        None counts as in order. If two different messages in a row share a number, the numbers
        count something else: they are no longer trusted, and everything is in order from then on.
        """
        if content is not None and self._is_known(number, content, stamp_ms):
            return Arrival.REPEATED
        if number is None:
            return Arrival.IN_ORDER
        if self.highest is None:
            return self._start_at(number, stamp_ms)
        place = number + self._offset
        if place == self.highest + 1 and self.trusted:
            # Nearly every message. None of the checks below applies to it.
            self.highest = self.place = place
            self._stamp_ms = stamp_ms
            self._seen += 1
            return Arrival.IN_ORDER
        if content is not None and place == self.highest:
            self.trusted = False
        if not self.trusted:
            self.highest += 1
            self.place = self.highest
            return Arrival.IN_ORDER
        return self._placed(number, self.highest, content, stamp_ms)

    def _is_known(self, number: int | None, content: object, stamp_ms: float | None) -> bool:
        if number is None:
            return False
        if not self._recent:
            self._recent = array("q", bytes(8 * RECENT_KEPT * SAME_KEPT))
        digest = hash((number, stamp_ms, content))
        slot = _slot(number, stamp_ms)
        same = self._recent[slot : slot + SAME_KEPT]
        if digest in same:
            return True
        same.insert(0, digest)
        self._recent[slot : slot + SAME_KEPT] = same[:SAME_KEPT]
        return False

    def _placed(
        self, number: int, highest: int, content: object, stamp_ms: float | None
    ) -> Arrival:
        self._seen += 1
        self._offset += self._wrapped(number, highest - self._offset)
        self.place = number + self._offset
        if self._wrap and self.place - highest >= self._wrap // 2:
            self.place -= self._wrap  # overtaken by the first number after the wrap
        close = highest - self.place <= CLOSE
        if self.place in self._holes and (close or self._is_not_after(stamp_ms)):
            del self._holes[self.place]
            return Arrival.OUT_OF_ORDER
        ahead = self.place - highest
        if 0 < ahead <= LEAP and not self._is_too_fast(ahead, stamp_ms):
            self._open(highest + 1, self.place)
            self.highest, self._stamp_ms = self.place, stamp_ms
            return Arrival.IN_ORDER
        if ahead <= 0 and content is None:
            return Arrival.REPEATED
        if self._is_beginning(stamp_ms):
            self._open(self.place + 1, self._first)
            self._first = self.place
            return Arrival.OUT_OF_ORDER
        return self._start_at(number, stamp_ms)

    def _start_at(self, number: int, stamp_ms: float | None) -> Arrival:
        """Let a numbering start with this number."""
        self.restarts += self.highest is not None
        self.place = self.highest = self._first = number
        self._offset, self._wrap, self._stamp_ms, self._seen = 0, 0, stamp_ms, 1
        self._given_up += len(self._holes)
        self._holes.clear()
        return Arrival.IN_ORDER

    def _wrapped(self, number: int, last: int) -> int:
        """Return what to add to numbers from now on: 0 unless this one follows a wrap."""
        for wrap in WRAPS:
            follows = 0 < (number - last) % wrap <= NEAR
            if last < wrap and last - number >= wrap // 2 and follows:
                self._wrap = wrap
                return wrap
        return 0

    def _is_too_fast(self, ahead: int, stamp_ms: float | None) -> bool:
        if ahead <= NEAR or stamp_ms is None or self._stamp_ms is None:
            return False
        return stamp_ms != self._stamp_ms and stamp_ms - self._stamp_ms < ahead * LEAST_MS

    def _is_beginning(self, stamp_ms: float | None) -> bool:
        """Whether a message belongs before the first one, which has overtaken it."""
        if self._seen > BEGINNING or not 0 < self._first - self.place <= BEGINNING:
            return False
        return self._is_not_after(stamp_ms)

    def _is_not_after(self, stamp_ms: float | None) -> bool:
        """Whether a message with a lower number can be older than the one with the highest."""
        return stamp_ms is None or self._stamp_ms is None or stamp_ms <= self._stamp_ms

    def _open(self, begin: int, end: int) -> None:
        kept = max(begin, end - HOLES_KEPT)
        self._given_up += max(0, kept - begin)
        self._holes.update(dict.fromkeys(range(kept, end)))
        while len(self._holes) > HOLES_KEPT:
            del self._holes[next(iter(self._holes))]
            self._given_up += 1


def _slot(number: int, stamp_ms: float | None) -> int:
    """Return where the digests of messages with this number and time are kept.

    Steady steps of the number, of the time or of both visit all slots before they return to one.
    """
    return (number + hash(stamp_ms)) % RECENT_KEPT * SAME_KEPT
