"""The packet map: received, missing, late and reordered packets by sequence number.

Each run of a stream has a lane of its own, of CELLS cells at most. The database counts them with an
index scan, so that the packets of a long call (180,000 for an hour at 20 ms) are not loaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from django.db import connection
from django.db.models import Case, Count, F, Q, Value, When
from django.db.models.functions import Least
from django.utils import timezone

from calls.models import COUNTED_FROM_ONE, Packet, PrunedRange, Stream

# The strip is WIDTH units wide, so a cell takes about four of them. A call with
# more streams than STREAM_LIMIT says how many are left out.
CELLS = 240
STREAM_LIMIT = 12
GAP_LIMIT = 50
WIDTH = 1000.0


@dataclass(frozen=True)
class Cell:
    """The packets of a stream with sequence numbers from ``first`` to ``last``, inclusive."""

    first: int
    last: int
    received: int
    late: int = 0
    reordered: int = 0
    pruned: int = 0

    @property
    def missing(self) -> int:
        return max(0, self.last - self.first + 1 - self.received - self.pruned)

    @property
    def kind(self) -> str:
        """The most important fact about the cell."""
        if self.missing:
            return "missing"
        if self.late:
            return "late"
        if self.reordered:
            return "reordered"
        return "pruned" if self.pruned else "received"


@dataclass(frozen=True)
class MapRun:
    """Adjacent cells of one kind, in units of the strip (0 to WIDTH)."""

    kind: str
    x: float
    width: float
    strength: float
    title: str


@dataclass(frozen=True)
class MapLane:
    stream: Stream
    cells: list[Cell]
    runs: list[MapRun] = field(default_factory=list)

    @property
    def gaps(self) -> list[MapRun]:
        return [run for run in self.runs if run.kind == "missing"][:GAP_LIMIT]


@dataclass(frozen=True)
class PacketMap:
    lanes: list[MapLane]
    more_streams: int = 0
    read_at: datetime = field(default_factory=timezone.now)

    @property
    def notable(self) -> list[str]:
        """The kinds of runs in the map, other than received."""
        return sorted({run.kind for lane in self.lanes for run in lane.runs} - {"received"})


def read_packet_map(streams: Sequence[Stream]) -> PacketMap:
    """Read the map of these streams, in four queries at most, however long the call is."""
    heard = [stream for stream in streams if stream.last_sequence is not None]
    drawn = heard[:STREAM_LIMIT]
    received = _count(drawn)
    late = _count([one for one in drawn if one.late_count], Q(late=True))
    reordered = _count_reordered([one for one in drawn if one.reordered_count])
    pruned = _pruned(drawn)
    lanes = []
    for stream in drawn:
        cells = [
            Cell(
                first, last, received[stream.pk, at], late[stream.pk, at],
                reordered[stream.pk, at], _overlap(pruned[stream.pk], first, last),
            )
            for at, (first, last) in enumerate(_bounds(stream))
        ]  # fmt: skip
        lanes.append(MapLane(stream, cells, list(_runs(cells))))
    return PacketMap(lanes, more_streams=len(heard) - len(drawn))


def _bounds(stream: Stream) -> Iterator[tuple[int, int]]:
    origin = stream.origin
    span = (stream.last_sequence or 0) - origin + 1
    count = min(CELLS, span)
    # The inverse of (sequence - origin) * count // span, the formula in both queries below.
    edges = [origin + -(-at * span // count) for at in range(count + 1)]
    return ((edges[at], edges[at + 1] - 1) for at in range(count))


Counts = defaultdict[tuple[int, int], int]


def _count(streams: Sequence[Stream], condition: Q | None = None) -> Counts:
    """Return the number of packets in each (stream, cell)."""
    if not streams:
        return defaultdict(int)
    # As ``calls.models.origin_of``.
    origin = Case(
        When(
            stream__run=1,
            stream__first_sequence__lt=COUNTED_FROM_ONE,
            then=Least(F("stream__first_sequence"), Value(1)),
        ),
        default=F("stream__first_sequence"),
    )
    span = F("stream__last_sequence") - origin + 1
    rows = (
        Packet.objects.filter(condition or Q(), stream__in=streams)
        .annotate(cell=(F("sequence") - origin) * Least(span, CELLS) / span)
        .values_list("stream_id", "cell")
        .annotate(count=Count("*"))
        .order_by()
    )
    return defaultdict(int, {(stream, cell): count for stream, cell, count in rows})


# overtaken_at: when the first packet with a higher sequence arrived. The window runs from the
# highest sequence down, so one pass over the packets of a stream is enough.
_REORDERED = """
SELECT p.stream_id, (p.sequence - s.column2) * s.column4 / s.column3, COUNT(*) FROM (
  SELECT stream_id, sequence, received_at, MIN(received_at) OVER (
    PARTITION BY stream_id ORDER BY sequence DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  ) AS overtaken_at FROM calls_packet WHERE stream_id IN ({streams})
) p JOIN (VALUES {spans}) AS s ON s.column1 = p.stream_id
WHERE p.received_at > p.overtaken_at GROUP BY 1, 2
"""


def _count_reordered(streams: Sequence[Stream]) -> Counts:
    """Count the packets that arrived after a packet with a higher sequence number."""
    if not streams:
        return defaultdict(int)
    # Only integers get into the text of the statement, so nothing can be injected.
    ids = ", ".join(str(int(stream.pk)) for stream in streams)
    spans = ", ".join(
        f"({int(stream.pk)}, {stream.origin}, {span}, {min(CELLS, span)})"
        for stream in streams
        for span in [(stream.last_sequence or 0) - stream.origin + 1]
    )
    with connection.cursor() as cursor:
        cursor.execute(_REORDERED.format(streams=ids, spans=spans))
        return defaultdict(int, {(stream, cell): count for stream, cell, count in cursor})


def _pruned(streams: Sequence[Stream]) -> dict[int, list[tuple[int, int]]]:
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    ranges = PrunedRange.objects.filter(stream__in=streams)
    for stream, first, last in ranges.values_list("stream_id", "first_sequence", "last_sequence"):
        found[stream].append((first, last))
    return found


def _overlap(ranges: Iterable[tuple[int, int]], first: int, last: int) -> int:
    return sum(max(0, min(last, end) - max(first, begin) + 1) for begin, end in ranges)


def _runs(cells: Sequence[Cell]) -> Iterator[MapRun]:
    scale = WIDTH / len(cells)
    place = 0
    for (kind, _), group in groupby(cells, key=_likeness):
        run = list(group)
        yield MapRun(
            kind,
            x=round(place * scale, 2),
            width=round(len(run) * scale, 2),
            strength=_strength(run),
            title=_title(kind, run),
        )
        place += len(run)


def _likeness(cell: Cell) -> tuple[str, float]:
    return cell.kind, _strength([cell])


def _strength(run: Sequence[Cell]) -> float:
    """Return the opacity. It has a minimum, so that one missing packet among many is visible."""
    sequences = run[-1].last - run[0].first + 1
    missing = sum(cell.missing for cell in run)
    return round(max(0.4, missing / sequences), 2) if missing else 1.0


def _title(kind: str, run: Sequence[Cell]) -> str:
    first, last = run[0].first, run[-1].last
    name = f"Packet {first:,}" if first == last else f"Packets {first:,} to {last:,}"
    number = sum(getattr(cell, kind) for cell in run)
    if number == last - first + 1:
        return f"{name}: {kind}" if first == last else f"{name}: all {kind}"
    return f"{name}: {number:,} {kind}"
