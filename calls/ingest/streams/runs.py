"""Which run of a stream a packet belongs to. Decides only; ``record`` reads and writes.

A sequence number is a hint, not an identity. A sender may restart its numbering, wrap it around, or
be one of two that number separately under one stream name. Each numbering is a run of the stream,
with a row of its own. A packet is a duplicate only if one with the same number has the same
timestamp, track and data. Two packets that share a number and differ belong to different runs.
Without such a collision, a new run is opened only if number and clock clearly contradict each
other. A clock that does not advance contradicts nothing.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from calls.ingest.packets import IncomingPacket
from calls.ingest.tables import Content, StreamRow, digest_of
from calls.models import SEVERAL_TRACKS

MAX_RUNS = 100  # of one stream; see ``Router._overflow``
WRAPS = (2**16, 2**32)
LEAP = 1000  # numbers; a shorter jump forwards is a gap if the clock advances at all
NEAR = 100  # numbers; the widest reordering of packets from several requests
FEW = 10  # numbers; two clocks in one numbering may disagree over so few packets
STEPS = 5  # packets; two runs whose clocks agree so well cannot be told apart by them
JITTER_S = 1.0  # how far such clocks may be apart
FASTER = 100  # no sender counts this many times faster than on average...
SLOWER = 20  # ...or, before its first packet, this many times slower

Pair = tuple[int, int]  # stream, sequence


def is_next(runs: Sequence[StreamRow], arrived: Sequence[IncomingPacket]) -> bool:
    """Whether packets simply continue a stream that has one run. Nearly all packets do."""
    if len(runs) != 1:
        return False
    last = runs[0].last_sequence
    expected = arrived[0].sequence if last is None else last + 1
    for packet in arrived:
        if packet.sequence != expected:
            return False
        expected += 1
    return True


def suspects(runs: Sequence[StreamRow], arrived: Sequence[IncomingPacket]) -> Iterator[Pair]:
    """Yield the (stream, sequence) pairs that must be known before the packets can be routed.

    A number above the last of a run is free. A duplicate has the timestamp of the packet that it
    repeats, so it lies in the clock's range. A stream in order therefore asks for nothing, and
    neither does the newest run of one whose clock advances.
    """
    states = [_Run(row) for row in runs if row.last_sequence is not None]
    for packet in arrived:
        for run in states:
            if run.spans(packet.sequence) and (run.heard(packet) or not run.contradicts(packet)):
                yield run.row.id, packet.sequence


def route(
    runs: list[StreamRow],
    arrived: Sequence[IncomingPacket],
    asked: Container[Pair],
    stored: Mapping[Pair, Content | None],
) -> tuple[list[tuple[StreamRow, list[IncomingPacket]]], list[StreamRow]]:
    """Return the new packets of each run, and the run of each duplicate.

    ``arrived`` is in order of arrival. Appends the runs that have to be opened to ``runs``.
    ``asked`` has the pairs of ``suspects``, ``stored`` the contents of those that are stored.
    """
    router = _Router(runs, asked, stored)
    for packet in arrived:
        router.take(packet)
    return [(run.row, run.packets) for run in router.runs if run.packets], router.duplicates


@dataclass(slots=True)
class _Run:
    """A run while a batch is routed: its state after the packets that it got so far."""

    row: StreamRow
    first: int | None = None
    last: int | None = None
    earliest: float | None = None
    latest: float | None = None
    track: str = ""
    packets: list[IncomingPacket] = field(default_factory=list)
    taken: dict[int, IncomingPacket] = field(default_factory=dict)

    def __post_init__(self) -> None:
        row = self.row
        self.first, self.last, self.track = row.first_sequence, row.last_sequence, row.track
        self.earliest, self.latest = row.earliest, row.latest

    def spans(self, sequence: int) -> bool:
        """Whether a number lies among those that were stored before this batch."""
        first, last = self.row.first_sequence, self.row.last_sequence
        return first is not None and last is not None and first <= sequence <= last

    def heard(self, packet: IncomingPacket) -> bool:
        """Whether the packet's time lies in the range of those stored before this batch."""
        earliest, latest = self.row.earliest, self.row.latest
        return earliest is None or latest is None or earliest <= packet.timestamp <= latest

    def add(self, packet: IncomingPacket) -> None:
        sequence, stamp = packet.sequence, packet.timestamp
        if self.last is None or self.first is None:
            self.first = self.last = sequence
            self.earliest = self.latest = stamp
            self.track = packet.track
        else:
            self.first, self.last = min(self.first, sequence), max(self.last, sequence)
            if self.earliest is not None and self.latest is not None:
                self.earliest, self.latest = min(self.earliest, stamp), max(self.latest, stamp)
            if self.track != packet.track:
                self.track = SEVERAL_TRACKS
        self.taken[sequence] = packet
        self.packets.append(packet)

    def contradicts(self, packet: IncomingPacket) -> bool:
        """Whether the packet cannot be of this run, by its number and its time."""
        if self.first is None or self.last is None:
            return False
        if packet.sequence > self.last:
            return self._leaps(packet.sequence - self.last, packet.timestamp)
        if self.wraps(packet):
            return True
        return self._falls(packet.sequence, packet.timestamp)

    @property
    def _rate(self) -> float:
        """Numbers per second of the clock; 0 if the clock does not advance or is unknown."""
        if None in (self.first, self.last, self.earliest, self.latest):
            return 0.0
        passed = self.latest - self.earliest  # type: ignore[operator]
        return (self.last - self.first) / passed if passed > 0 else 0.0  # type: ignore[operator]

    def seconds_apart(self, packet: IncomingPacket) -> float:
        """Return how far a packet's time is from the time expected by its number; 0 for jitter."""
        if self.last is None or self.latest is None:
            return 0.0
        rate = self._rate
        expected = (packet.sequence - self.last) / rate if rate else 0.0
        apart = abs(packet.timestamp - self.latest - expected)
        return apart if apart > (STEPS / rate if rate else JITTER_S) else 0.0

    def _leaps(self, jump: int, stamp: float) -> bool:
        """Whether a number is too far ahead for the time that has passed, if any has."""
        rate = self._rate
        if not rate or self.latest is None:
            return False
        if jump <= LEAP:
            return jump > NEAR and stamp < self.latest - JITTER_S
        return jump > LEAP + FASTER * rate * max(0.0, stamp - self.latest)

    def wraps(self, packet: IncomingPacket) -> bool:
        """Whether a number follows the last one in 16 or 32 bits, and the clock does not object."""
        if self.first is None or self.last is None:
            return False
        if not any(
            self.last < wrap
            and self.last - packet.sequence >= wrap // 2
            and 0 < (packet.sequence - self.last) % wrap <= LEAP
            for wrap in WRAPS
        ):
            return False
        if self._rate and self.latest is not None:
            return packet.timestamp >= self.latest - 2 * JITTER_S
        return packet.sequence < self.first

    def _falls(self, sequence: int, stamp: float) -> bool:
        """Whether a number goes back where the clock does not."""
        rate = self._rate
        if not rate or self.earliest is None or self.latest is None:
            return False
        assert self.first is not None and self.last is not None  # noqa: S101, PT018 (for mypy)
        if stamp > self.latest and sequence <= 1 and sequence < self.first:
            return True
        if self.last - sequence <= FEW:
            return False
        if stamp > self.latest + JITTER_S:
            return True
        if sequence < self.first:
            before = self.first - sequence
            return before > NEAR and stamp > self.earliest - before / (SLOWER * rate)
        return sequence > self.first + FEW and stamp < self.earliest - JITTER_S


class _Router:
    def __init__(
        self,
        runs: list[StreamRow],
        asked: Container[Pair],
        stored: Mapping[Pair, Content | None],
    ) -> None:
        self.runs = [_Run(row) for row in runs]
        self.duplicates: list[StreamRow] = []
        self._rows = runs
        self._asked = asked
        self._stored = stored

    def take(self, packet: IncomingPacket) -> None:
        candidates = []
        for run in self.runs:
            if self._is_duplicate(run, packet):
                self.duplicates.append(run.row)
                return
            if self._may_hold(run, packet):
                candidates.append(run)
        # A wrap-around takes no number that is free in an older run.
        self._add([] if self.runs[-1].wraps(packet) else candidates, packet)

    def _is_duplicate(self, run: _Run, packet: IncomingPacket) -> bool:
        taken = run.taken.get(packet.sequence)
        if taken is not None:
            return _is_same(taken, packet)
        pair = run.row.id, packet.sequence
        if pair not in self._stored or not run.heard(packet):
            return False
        content = self._stored[pair]
        # For a pruned packet, only the number and the range of the clock are left.
        return content is None or content == (
            packet.timestamp,
            packet.track,
            digest_of(packet.data),
        )

    def _may_hold(self, run: _Run, packet: IncomingPacket) -> bool:
        if not self._is_free(run, packet.sequence) or run.contradicts(packet):
            return False
        # Only the newest run has long gaps: an older one is over, or its sender continues without
        # any.
        return run is self.runs[-1] or run.last is None or packet.sequence <= run.last + NEAR

    def _is_free(self, run: _Run, sequence: int) -> bool:
        if sequence in run.taken:
            return False
        pair = run.row.id, sequence
        return not run.spans(sequence) or (pair in self._asked and pair not in self._stored)

    def _add(self, candidates: list[_Run], packet: IncomingPacket) -> None:
        if len(candidates) == 1:
            candidates[0].add(packet)
        elif candidates:
            self._best(candidates, packet).add(packet)
        elif len(self.runs) < MAX_RUNS:
            self._open(packet).add(packet)
        else:
            self._overflow(packet)

    def _best(self, candidates: list[_Run], packet: IncomingPacket) -> _Run:
        """Choose by the number, then by the track and the clock. The newest run is preferred.

        The track decides only between runs that have one track each, such as two senders that
        number separately.
        """
        by_track = all(run.track != SEVERAL_TRACKS for run in candidates)

        def unlikeness(run: _Run) -> tuple[bool, bool, float, int]:
            distance = 0 if run.last is None else abs(packet.sequence - run.last)
            is_far = distance > NEAR
            apart = 0.0 if is_far else run.seconds_apart(packet)
            return is_far, by_track and run.track != packet.track, apart, -run.row.run

        return min(candidates, key=unlikeness)

    def _open(self, packet: IncomingPacket) -> _Run:
        last = self._rows[-1]
        media = packet.media or last.media  # a sender may declare it only once
        row = StreamRow(0, last.call_pk, last.name, last.run + 1, media)
        self._rows.append(row)
        self.runs.append(_Run(row))
        return self.runs[-1]

    def _overflow(self, packet: IncomingPacket) -> None:
        """Store the packet behind the newest run, with the next free number.

        No well-behaved sender restarts this often. Its packets are kept all the same; the limit
        bounds the cost of a hostile one.
        """
        newest = self.runs[-1]
        assert newest.last is not None  # noqa: S101 (for mypy)
        newest.add(replace(packet, sequence=newest.last + 1))


def _is_same(one: IncomingPacket, other: IncomingPacket) -> bool:
    return (one.timestamp, one.track, one.data) == (other.timestamp, other.track, other.data)
