"""Reads the new packets of all leased calls with one query, without missing any.

PostgreSQL hands out ids before commit. Packets of one call are inserted under the lock of its row,
so within a stream ids become visible in order, and each stream has a position of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import F, QuerySet

from calls.models import Packet

PAGE = 2_000  # packets of one stream read at a time
PAGES = 20  # read in one round
NEWEST = 1_500  # packets looked at to find the newest seconds of a stream
NEWEST_S = 10.0
_COLUMNS = ("pk", "stream_id", "track", "sequence", "timestamp", "data", "received_at")


class StoredPacket(NamedTuple):
    pk: int
    stream_pk: int
    track: str
    sequence: int
    timestamp: float
    data: str
    received_at: datetime


@dataclass(slots=True)
class _Reading:
    """How far a stream has been read: all ids up to ``after``; None while it is behind.

    A stream that is behind is read separately: its packets from ``since`` on and above ``above``,
    or its newest ones.
    """

    since: int | None = None
    above: int | None = None
    newest: bool = False
    received_after: datetime | None = None
    after: int | None = None

    @property
    def is_whole(self) -> bool:
        return self.since is None and self.above is None and not self.newest


class PacketReader:
    """``open`` streams; ``read`` returns their packets, each of them once."""

    def __init__(self) -> None:
        self._streams: dict[int, _Reading] = {}
        self._floor = _Floor()

    def open(self, stream_pk: int, *, since: int | None, above: int | None) -> None:
        """Read the packets from a sequence on, and above an id; by default all of them."""
        self._streams[stream_pk] = _Reading(since, above)

    def open_newest(
        self, stream_pk: int, *, above: int | None, received_after: datetime | None
    ) -> None:
        """Read the packets of the last seconds, and all that follow."""
        self._streams[stream_pk] = _Reading(None, above, True, received_after)

    def close(self, stream_pks: Collection[int]) -> None:
        for pk in stream_pks:
            self._streams.pop(pk, None)

    def read(self) -> list[StoredPacket]:
        # First: a stream that has just been read to its end has its next packets read at once.
        together = {pk: one for pk, one in self._streams.items() if one.after is not None}
        return [*self._catch_up(), *self._read_together(together)]

    def _read_together(self, streams: dict[int, _Reading]) -> list[StoredPacket]:
        if not streams:
            return []
        floor = self._floor.confirm()
        low = min(one.after or 0 for one in streams.values())
        found = _of_streams(list(streams)).filter(pk__gt=low).order_by("pk")
        fresh = []
        for row in found.values_list(*_COLUMNS):
            packet = StoredPacket(*row)
            reading = streams[packet.stream_pk]
            if packet.pk > (reading.after or 0):
                reading.after = packet.pk
                fresh.append(packet)
        for reading in streams.values():
            reading.after = max(reading.after or 0, floor)
        return fresh

    def _catch_up(self) -> Iterator[StoredPacket]:
        behind = {pk: one for pk, one in self._streams.items() if one.after is None}
        if not behind:
            return
        simple = [pk for pk, one in behind.items() if one.is_whole]
        if simple:
            rows = _packets(
                Packet.objects.filter(stream__in=simple).order_by("stream", "sequence"), PAGE
            )
            if len(rows) < PAGE:
                yield from self._note(rows)
                behind = {pk: one for pk, one in behind.items() if pk not in simple}
        for pk in list(behind)[:PAGES]:
            yield from self._read_alone(pk, behind[pk])

    def _note(self, rows: list[StoredPacket]) -> list[StoredPacket]:
        for row in rows:
            reading = self._streams[row.stream_pk]
            reading.after = max(reading.after or 0, row.pk)
        return rows

    def _read_alone(self, pk: int, reading: _Reading) -> list[StoredPacket]:
        own = Packet.objects.filter(stream=pk)
        if reading.above is not None:
            own = own.filter(pk__gt=reading.above)
        if reading.newest:
            return self._note(_newest(own, reading.received_after))
        if reading.since is not None:
            own = own.filter(sequence__gte=reading.since)
        rows = _packets(own.order_by("sequence"), PAGE)
        if len(rows) < PAGE:
            self._note(rows)
            if not rows and reading.above is not None:
                reading.after = reading.above
        else:
            reading.since = rows[-1].sequence + 1
        return rows


def _of_streams(pks: Collection[int]) -> QuerySet[Packet]:
    # The sum keeps the database from the index by stream, through which it would visit every
    # packet of these streams. By its key it visits the new packets only.
    return Packet.objects.annotate(of=F("stream_id") + 0).filter(of__in=pks)


def _packets(found: QuerySet[Packet], limit: int) -> list[StoredPacket]:
    return [StoredPacket(*row) for row in found.values_list(*_COLUMNS)[:limit]]


def _newest(own: QuerySet[Packet], after: datetime | None) -> list[StoredPacket]:
    rows = _packets(own.order_by("-sequence"), NEWEST)[::-1]
    if not rows:
        return []
    begin = max(row.received_at for row in rows) - timedelta(seconds=NEWEST_S)
    return [row for row in rows if row.received_at >= max(begin, after or begin)]


class _Floor:
    """The id up to which every packet is visible, whatever its call."""

    def __init__(self) -> None:
        self._value = 0
        self._mark: tuple[int, int] | None = None  # newest id, and the next transaction then

    def confirm(self) -> int:
        """Return an id up to which a query from now on sees every packet."""
        if connection.vendor != "postgresql":
            self._value = _ask("SELECT MAX(id) FROM calls_packet")[0] or 0
            return self._value
        # A transaction has a number before it takes ids, because it locks its call first. So when
        # all with lower numbers have ended, no id below the newest one can still appear.
        oldest, following, newest = _ask(
            "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint, "
            "(SELECT MAX(id) FROM calls_packet) FROM pg_current_snapshot() s"
        )
        if self._mark is not None and oldest >= self._mark[1]:
            self._value, self._mark = self._mark[0], None
        if self._mark is None:
            self._mark = newest or 0, following
        return self._value


def _ask(statement: str) -> tuple[int, ...]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row: tuple[int, ...] = cursor.fetchone()
    return row
