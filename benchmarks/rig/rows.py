"""Writes rows to the database of a run: an API key, a bulk insert, a full table.

`python -m benchmarks.rig.rows key | copy COUNT | fill COUNT` runs in its own process, because
Django's settings name one database. It prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import django
from django.db import connection, transaction
from django.utils import timezone

from benchmarks.rig.phones import AUDIO, FRAME_S

if TYPE_CHECKING:
    from calls.models import Stream

COLUMNS = "stream_id, sequence, track, timestamp, received_at, late, data"
STREAMS = 50
BLOCK = 5_000  # rows in one statement


def make_key() -> str:
    """Make an API key that may send packets and read calls, and return its plain text."""
    from calls.keys import create_key
    from calls.models import ApiKey

    return create_key(name="bench", scopes=[ApiKey.Scope.INGEST, ApiKey.Scope.READ])[1]


def copy_rows(count: int) -> dict[str, Any]:
    """Insert packets as fast as possible in one transaction, and return how long it took.

    The rows are ready before the clock starts, so this is the limit of the database alone.
    """
    now = timezone.now()
    streams = open_streams("copy", count, now)
    blocks = [_block(stream, first, last, now) for stream, first, last in _spans(streams)]
    begin = time.perf_counter()
    with transaction.atomic():
        for block in blocks:
            _insert(block)
    return {"packets": _total(streams), "seconds": time.perf_counter() - begin}


def fill(count: int) -> dict[str, Any]:
    """Store packets of earlier calls, and leave the database as if they were old."""
    now = timezone.now()
    streams = open_streams("earlier", count, now)
    for stream, first, last in _spans(streams):
        with transaction.atomic():
            _insert(_block(stream, first, last, now))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Autovacuum and the checkpointer would otherwise work during the measurement.
            cursor.execute("VACUUM (ANALYZE)")
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return {"packets": _total(streams)}


def open_streams(prefix: str, count: int, now: datetime) -> list[Stream]:
    """Open calls whose counters already include ``count`` packets."""
    from calls.models import Call, Stream

    each = -(-count // STREAMS)
    counters = {"packet_count": each, "last_sequence": each}
    calls = Call.objects.bulk_create(
        Call(call_id=f"{prefix}-{number}", last_packet_at=now, **counters)
        for number in range(STREAMS)
    )
    return Stream.objects.bulk_create(
        Stream(call=call, first_sequence=1, **counters) for call in calls
    )


def _total(streams: Sequence[Stream]) -> int:
    return sum(stream.packet_count for stream in streams)


def _spans(streams: Sequence[Stream]) -> Iterator[tuple[Stream, int, int]]:
    """Yield the packets of the streams in blocks. The streams take turns, as live calls do."""
    each = streams[0].packet_count
    for first in range(1, each + 1, BLOCK):
        for stream in streams:
            yield stream, first, min(first + BLOCK - 1, each)


def _block(stream: Stream, first: int, last: int, now: datetime) -> Any:
    """Return rows in the cheapest form for the driver: text, or tuples for SQLite."""
    numbers = range(first, last + 1)
    if connection.vendor == "postgresql":
        line = f"{stream.pk}\t%d\t\t%.2f\t{now.isoformat()}\tf\t{AUDIO}\n"
        return "".join([line % (number, number * FRAME_S) for number in numbers]).encode()
    moment = connection.ops.adapt_datetimefield_value(now)
    return [(stream.pk, n, "", n * FRAME_S, moment, False, AUDIO) for n in numbers]


def _insert(block: Any) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY calls_packet ({COLUMNS}) FROM STDIN") as copy:
                copy.write(block)
        else:
            cursor.executemany(
                f"INSERT INTO calls_packet ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s)",  # noqa: S608 (constants)
                block,
            )


def main(task: str, count: str = "0") -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "callcenter.settings")
    django.setup()
    answers = {
        "key": lambda _: make_key(),
        "copy": copy_rows,
        "fill": fill,
    }
    sys.stdout.write(json.dumps(answers[task](int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
