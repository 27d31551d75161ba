"""Joins the runs of a stream into one numbering, in the order in which the packets were spoken.

A sender that restarts its numbering, or wraps it around, opens another run of its stream, and so
does a second sender that numbers separately under the same name (``calls.ingest.streams.runs``).
Runs follow one another, or they are concurrent and merge by their clocks. Within a run, the number
decides. If the clock of a run was reset, the run is placed by the time of reception.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby, pairwise
from math import isnan
from operator import attrgetter, itemgetter
from statistics import median

from calls.analysis.media.packets import PacketRow
from calls.analysis.media.stamps import UNITS, clean, epoch_unit, nearest_unit
from calls.analysis.media.timeline import MAX_GAP_S

_LEAP = 1000  # numbers; a longer jump against the clock divides a run
_JITTER_S = 1.0  # clocks of tracks in one numbering may be so far apart
_LONG_S = 3.0  # in less time, delays hide the pace of a clock
_OTHER_CLOCK_S = 60.0  # a jump that reception contradicts by more shows another clock


@dataclass(slots=True)
class _Part:
    """Packets of one numbering, by number. ``shift_s`` is added to their clock."""

    rows: Sequence[PacketRow]
    shift_s: float = 0.0

    @property
    def earliest(self) -> float:
        return min(row.timestamp for row in self.rows) + self.shift_s

    @property
    def latest(self) -> float:
        return max(row.timestamp for row in self.rows) + self.shift_s


@dataclass(slots=True)
class _Group:
    """Concurrent parts."""

    parts: list[_Part] = field(default_factory=list)

    @property
    def rows(self) -> list[PacketRow]:
        return [row for part in self.parts for row in part.rows]

    @property
    def earliest(self) -> float:
        return min(part.earliest for part in self.parts)

    @property
    def latest(self) -> float:
        return max(part.latest for part in self.parts)

    @property
    def step_s(self) -> float:
        """The usual time between two packets."""
        return (self.latest - self.earliest) / max(1, len(self.rows) - 1)


def join_runs(rows: Sequence[PacketRow]) -> tuple[list[PacketRow], list[str]]:
    """Return packets with one numbering for each stream, and notes on what was seen.

    ``rows`` are ordered by stream, run and sequence. A stream with one run stays as it is.
    """
    joined: list[PacketRow] = []
    restarts = shared = 0
    for _, of_stream in groupby(rows, attrgetter("stream")):
        stream = list(of_stream)
        if len(_parts(stream)) == 1:
            joined += stream
            continue
        groups = _grouped(_parts(_in_seconds(stream)))
        restarts += len(groups) - 1
        shared += any(len(group.parts) > 1 for group in groups)
        joined += _renumbered(groups)
    return joined, list(_notes(restarts, shared))


def _parts(stream: Sequence[PacketRow]) -> list[_Part]:
    runs = groupby(stream, attrgetter("run"))
    return [part for _, of_run in runs for part in _divided(list(of_run))]


def _in_seconds(rows: Sequence[PacketRow]) -> list[PacketRow]:
    """Return packets with their times in seconds, 0 where a time is no number."""
    stamps = [clean(row.timestamp) for row in rows]
    unit = epoch_unit(stamps) or _unit_of_pace(rows, stamps)
    return [
        row._replace(timestamp=0.0 if isnan(stamp) else stamp / unit)
        for row, stamp in zip(rows, stamps, strict=True)
    ]


def _unit_of_pace(rows: Sequence[PacketRow], stamps: Sequence[float]) -> float:
    """Return the ticks a second of a clock that does not count from the epoch."""
    arrived = sorted((row.received, stamp) for row, stamp in zip(rows, stamps, strict=True))
    paces = [
        (stamp - before) / (received - earlier)
        for (earlier, before), (received, stamp) in pairwise(arrived)
        if received > earlier and stamp > before
    ]
    return nearest_unit(median(paces)) if paces else UNITS[0]


def restart_note(restarts: int) -> str:
    times = {1: "once", 2: "twice"}.get(restarts, f"{restarts} times")
    return f"The sender restarted its numbering {times}."


def _notes(restarts: int, shared: int) -> Iterator[str]:
    if restarts:
        yield restart_note(restarts)
    if shared:
        yield "Several numberings share one stream: their packets were merged by their times."


def _divided(run: Sequence[PacketRow]) -> list[_Part]:
    """Divide a run where its numbers leap up and its clock falls, as after a wrap.

    Such runs were stored before runs were told apart, or with the packets of the two sides mixed.
    """
    cuts = [
        at
        for at, (before, after) in enumerate(pairwise(run), 1)
        if after.sequence - before.sequence > _LEAP and after.timestamp < before.timestamp
    ]
    if not cuts:
        return [_Part(run)]
    bounds = pairwise([0, *cuts, len(run)])
    parts = sorted((_Part(run[begin:end]) for begin, end in bounds), key=attrgetter("earliest"))
    if all(before.latest < after.earliest for before, after in pairwise(parts)):
        return parts
    return [_Part(run)]


def _grouped(parts: Sequence[_Part]) -> list[_Group]:
    groups = [_Group([parts[0]])]
    for part in parts[1:]:
        last = groups[-1]
        if _is_concurrent(last, part):
            last.parts.append(part)
        else:
            part.shift_s = _shift(last, part)
            groups.append(_Group([part]))
    return groups


def _is_concurrent(group: _Group, part: _Part) -> bool:
    """Whether two numberings ran side by side. If not, the second one followed the first."""
    before, overlap_s = group.rows, group.latest - part.earliest
    if max(group.latest, part.latest) == min(group.earliest, part.earliest):
        return _is_interleaved(before, part.rows)  # the clock stands still
    if overlap_s <= 0 or _is_jitter(group, part, overlap_s):
        return False
    if _is_live(group, part):
        # Concurrent senders have one clock; a reset one lags by what was said before.
        return abs(_lag(part.rows, part.shift_s) - _group_lag(group)) < overlap_s / 2
    return _tracks(before).isdisjoint(_tracks(part.rows))


def _is_jitter(group: _Group, part: _Part, overlap_s: float) -> bool:
    shorter = min(group.latest - group.earliest, part.latest - part.earliest)
    return overlap_s < min(_JITTER_S, shorter / 2)


def _is_interleaved(before: Sequence[PacketRow], after: Sequence[PacketRow]) -> bool:
    began = min(row.received for row in after)
    if max(row.received for row in [*before, *after]) == min(row.received for row in before):
        return _tracks(before).isdisjoint(_tracks(after))
    behind = sum(row.received > began for row in before)
    return 2 * behind > min(len(before), len(after))


def _is_live(group: _Group, part: _Part) -> bool:
    """Whether packets were received at the pace of their clock, and not uploaded at once."""
    received = [row.received for row in [*group.rows, *part.rows]]
    clock_s = max(group.latest, part.latest) - min(group.earliest, part.earliest)
    return clock_s >= _LONG_S and max(received) - min(received) >= clock_s / 2


def _lag(rows: Iterable[PacketRow], shift_s: float) -> float:
    return median(row.received - row.timestamp - shift_s for row in rows)


def _group_lag(group: _Group) -> float:
    return median(_lag(part.rows, part.shift_s) for part in group.parts)


def _tracks(rows: Iterable[PacketRow]) -> set[str]:
    return {row.track for row in rows}


def _shift(group: _Group, part: _Part) -> float:
    """Return the seconds to add to the clock of a run that follows, if it was reset."""
    passed_s = part.earliest - group.latest
    live = _is_live(group, part)
    pause_s = min(row.received for row in part.rows) - max(row.received for row in group.rows)
    pause_s = min(max(pause_s, group.step_s), MAX_GAP_S) if live else group.step_s
    goes_on = 0 <= passed_s <= MAX_GAP_S and (not live or passed_s - pause_s <= _OTHER_CLOCK_S)
    if goes_on or (passed_s < 0 and _is_jitter(group, part, -passed_s)):
        return 0.0
    return pause_s - passed_s


def _renumbered(groups: Sequence[_Group]) -> Iterator[PacketRow]:
    """Yield packets in order. A number that is missing in its run is missing in the result."""
    number = 0
    for group in groups:
        parts = [_keyed(part) for part in group.parts]
        before: dict[int, int] = {}
        for _, row, shift_s in heapq.merge(*parts, key=itemgetter(0)):
            number += max(1, row.sequence - before.get(row.run, row.sequence - 1))
            before[row.run] = row.sequence
            timestamp = row.timestamp + shift_s if shift_s else row.timestamp
            yield row._replace(run=1, sequence=number, timestamp=timestamp)


def _keyed(part: _Part) -> Iterator[tuple[tuple[float, float, int, int], PacketRow, float]]:
    """Yield packets with their place among those of concurrent runs. The number decides first."""
    stamps = accumulate((row.timestamp for row in part.rows), max)
    received = accumulate((row.received for row in part.rows), max)
    for row, stamp, moment in zip(part.rows, stamps, received, strict=True):
        yield (stamp + part.shift_s, moment, row.sequence, row.run), row, part.shift_s
