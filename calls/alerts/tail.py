"""New packets that carry words, none left out, soon after their commit.

PostgreSQL hands out ids before commit, so packet 8 may be seen before packet 7 is there. Ingest
must not wait for a reader, so there is no lock; instead the tail reads what is new at once, and
reads every stretch a second time when all transactions that could still fill it have ended. Only
then does its position move. What is read twice after a crash is raised once: alerts are unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Length

from calls.alerts import duty
from calls.models import Packet

WATCH = "packets"
READ_LIMIT = 2_000
# Words have spaces, or are short; anything else that does not say what it is, is taken for audio.
UNDECLARED_LENGTH = 100


class Heard(NamedTuple):
    """A packet with words."""

    pk: int
    call_pk: int
    queue: str
    swapped: bool
    track: str
    data: str


@dataclass(frozen=True)
class _Mark:
    """Everything up to ``top`` is there once no transaction before ``xid`` is running."""

    top: int
    xid: int


class PacketTail:
    """Reads on from where its row in the database says."""

    def __init__(self) -> None:
        self._low = duty.open_watch(WATCH, start=newest_packet())
        self._top = self._low
        self._seen: set[int] = set()
        self._mark: _Mark | None = None

    def read(self) -> list[Heard]:
        """Return packets that were not returned before; call ``done`` once they are dealt with."""
        self._confirmed = self._low
        found = self._second_look()
        head = newest_packet()
        fresh = list(_words().filter(pk__gt=self._top)[:READ_LIMIT])
        newest = fresh[-1][0] if fresh else 0
        self._top = max(newest, self._top if len(fresh) == READ_LIMIT else max(head, self._top))
        self._seen.update(row[0] for row in fresh)
        if self._mark is None and self._top > self._confirmed:
            # The transaction number after the reading: whoever took an id below has a lower one.
            self._mark = _Mark(self._top, _next_transaction())
        return [Heard(*row) for row in [*found, *fresh]]

    def _second_look(self) -> list[Any]:
        mark = self._mark
        if mark is None or _oldest_transaction() < mark.xid:
            return []
        stretch = _words().filter(pk__gt=self._low, pk__lte=mark.top)
        # A transaction that ran for long leaves a long stretch: only what is new of it is kept.
        missed = []
        if not _is_ordered():
            missed = [row for row in stretch.iterator() if row[0] not in self._seen]
        self._confirmed, self._mark = mark.top, None
        return missed

    def done(self) -> None:
        if self._confirmed > self._low:
            self._low = self._confirmed
            self._seen = {pk for pk in self._seen if pk > self._low}
            duty.advance(WATCH, self._low)


def _words() -> QuerySet[Any, Any]:
    """Packets with words, in order; audio is left in the database."""
    said = Q(stream__media__startswith="text") | Q(
        stream__media="", stream__call__media__startswith="text"
    )
    unsaid = Q(stream__media="", stream__call__media="")
    wordy = Q(data__contains=" ") | Q(length__lt=UNDECLARED_LENGTH)
    packets = Packet.objects.annotate(length=Length("data")).filter(said | (unsaid & wordy))
    call, queue = F("stream__call_id"), F("stream__call__queue")
    swapped = F("stream__call__speakers_swapped")
    return packets.order_by("pk").values_list("pk", call, queue, swapped, "track", "data")


def newest_packet() -> int:
    return Packet.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _is_ordered() -> bool:
    """SQLite has one writer: ids appear in their order."""
    return connection.vendor != "postgresql"


def _next_transaction() -> int:
    """Return a number above that of every transaction that has written until now.

    Ingest locks a call's row, and so has its number, before it takes ids for packets.
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
