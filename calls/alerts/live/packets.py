"""Reads new packets that carry words soon after their commit, without missing any.

PostgreSQL hands out ids before commit, so packet 8 may be seen before packet 7 is there. Ingest
must not wait for a reader, so there is no lock. Instead the tail reads new packets at once, and
reads every stretch a second time when all transactions that could still fill it have ended. Only
then does its position move. After a crash, packets are read twice but raise only one alert.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Length

from calls.alerts import watches
from calls.models import Packet

WATCH = "packets"
READ_LIMIT = 2_000
# Words have spaces or are short. Any other packet without a media type is treated as audio.
UNDECLARED_LENGTH = 100


class TextPacket(NamedTuple):
    """A packet with words."""

    pk: int
    call_pk: int
    queue: str
    agent: str
    language: str
    swapped: bool
    track: str
    data: str


@dataclass(frozen=True)
class _Mark:
    """All packets up to ``top`` are visible once no transaction before ``xid`` is running."""

    top: int
    xid: int


class PacketTail:
    """Reads on from the position in the database."""

    def __init__(self) -> None:
        self._low = watches.open_watch(WATCH, start=newest_packet())
        self._stored = self._top = self._low
        self._seen: set[int] = set()
        self._mark: _Mark | None = None

    def read(self) -> list[TextPacket]:
        """Return packets that were not returned before. Call ``done`` after handling them."""
        self._confirmed = self._low
        found = self._second_look()
        # Before the packets are read: one that is committed in between stays above it.
        head = newest_packet()
        fresh = list(_words().filter(pk__gt=self._top)[:READ_LIMIT])
        newest = fresh[-1][0] if fresh else 0
        # After a full read, there may be more words below the head.
        self._top = max(newest, self._top if len(fresh) == READ_LIMIT else max(head, self._top))
        self._seen.update(row[0] for row in fresh)
        if self._mark is None and self._top > self._confirmed:
            # Taken after the read: a transaction that took a lower id has a lower number.
            self._mark = _Mark(self._top, _next_transaction())
        return [TextPacket(*row) for row in [*found, *fresh]]

    def _second_look(self) -> list[Any]:
        mark = self._mark
        if mark is None or _oldest_transaction() < mark.xid:
            return []
        stretch = _words().filter(pk__gt=self._low, pk__lte=mark.top)
        # A long transaction leaves a long stretch: keep only the packets that are new.
        missed = []
        if not _is_ordered():
            missed = [row for row in stretch.iterator() if row[0] not in self._seen]
        self._confirmed, self._mark = mark.top, None
        return missed

    def done(self, *, store: bool = True) -> None:
        """Note that what was read is handled. ``store`` says whether nothing waits any more."""
        if self._confirmed > self._low:
            self._low = self._confirmed
            self._seen = {pk for pk in self._seen if pk > self._low}
        if store and self._low > self._stored:
            self._stored = self._low
            watches.advance(WATCH, self._low)


def _words() -> QuerySet[Any, Any]:
    """Return packets with words, in order. Audio stays in the database."""
    said = Q(stream__media__startswith="text") | Q(
        stream__media="", stream__call__media__startswith="text"
    )
    unsaid = Q(stream__media="", stream__call__media="")
    wordy = Q(data__contains=" ") | Q(length__lt=UNDECLARED_LENGTH)
    packets = Packet.objects.annotate(length=Length("data")).filter(said | (unsaid & wordy))
    of_call = [
        F(f"stream__{field}")
        for field in ("call_id", "call__queue", "call__agent", "call__language")
    ]
    swapped = F("stream__call__speakers_swapped")
    return packets.order_by("pk").values_list("pk", *of_call, swapped, "track", "data")


def newest_packet() -> int:
    return Packet.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _is_ordered() -> bool:
    """Whether ids become visible in order, as on SQLite, which has one writer."""
    return connection.vendor != "postgresql"


def _next_transaction() -> int:
    """Return a number above that of every transaction that has written so far.

    Ingest locks a call's row, and so has a number, before it takes ids for packets.
    """
    return 0 if _is_ordered() else _ask("SELECT pg_current_xact_id()::text::bigint")


def _oldest_transaction() -> int:
    if _is_ordered():
        return 0
    return _ask("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")


def _ask(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        answer: int = cursor.fetchone()[0]
    return answer
