"""The statements of the write path: few, set-based, and the same in meaning on both databases.

Models would be built and thrown away for every packet here; these rows hold what is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from django.db import connection

from calls.ingest.packets import FrameCounts
from calls.lifecycle import CallState
from calls.models import count_missing

PacketRow = tuple[int, int, str, float, Any, bool, str]
PACKET_COLUMNS = "stream_id, sequence, track, timestamp, received_at, late, data"
SQLITE_VARIABLES = 20_000  # below SQLITE_MAX_VARIABLE_NUMBER, 32,766 since 3.32


@dataclass(slots=True)
class CallRow:
    """A locked call."""

    pk: int
    call_id: str
    state: str
    packet_count: int
    last_sequence: int | None
    missing_count: int
    late_count: int
    duplicate_count: int

    @property
    def is_live(self) -> bool:
        return self.state == CallState.IN_PROGRESS


@dataclass(slots=True)
class StreamRow:
    """A stream of a locked call."""

    pk: int
    call_pk: int
    name: str
    media: str
    packet_count: int
    first_sequence: int | None
    last_sequence: int | None
    late_count: int
    duplicate_count: int
    reordered_count: int
    frames: FrameCounts | None = None  # to be added to those that are counted

    @property
    def missing_count(self) -> int:
        return count_missing(self.first_sequence, self.last_sequence, self.packet_count)


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"


@contextmanager
def _cursor() -> Iterator[Any]:
    """For statements that come again and again: PostgreSQL parses and plans them only once.

    Django's own cursors put the values into the text, which makes every statement a new one.
    """
    if not _is_postgres():
        with connection.cursor() as cursor:
            yield cursor
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        yield cursor


def _one_of(column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return a condition and its parameters; PostgreSQL takes a list as one parameter."""
    if _is_postgres():
        return f"{column} = ANY(%s)", [list(values)]
    return f"{column} IN ({', '.join(['%s'] * len(values))})", list(values)


def lock_calls(call_ids: Sequence[str]) -> list[CallRow]:
    """Return the calls that exist, locked in the order of their ids until the transaction ends."""
    condition, parameters = _one_of("call_id", call_ids)
    # SQLite has locked the whole database by now.
    lock = "FOR UPDATE" if _is_postgres() else ""
    with _cursor() as cursor:
        cursor.execute(
            "SELECT id, call_id, state, packet_count, last_sequence, missing_count, late_count, "
            f"duplicate_count FROM calls_call WHERE {condition} ORDER BY call_id {lock}",
            parameters,
        )
        return [CallRow(*row) for row in cursor.fetchall()]


def find_streams(call_pks: Sequence[int]) -> list[StreamRow]:
    """Return all streams of some locked calls."""
    condition, parameters = _one_of("call_id", call_pks)
    with _cursor() as cursor:
        cursor.execute(
            "SELECT id, call_id, name, media, packet_count, first_sequence, last_sequence, "
            "late_count, duplicate_count, reordered_count "
            f"FROM calls_stream WHERE {condition}",
            parameters,
        )
        return [StreamRow(*row) for row in cursor.fetchall()]


def find_stored(suspects: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return which of these (stream, sequence) are stored, or were before they were pruned."""
    stored: set[tuple[int, int]] = set()
    size = SQLITE_VARIABLES // 2
    for at in range(0, len(suspects), size):
        some = suspects[at : at + size]
        values = ", ".join(["(%s, %s)"] * len(some))
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH suspect (stream_id, sequence) AS (VALUES {values}) "
                "SELECT suspect.stream_id, suspect.sequence FROM suspect "
                "JOIN calls_packet AS packet ON packet.stream_id = suspect.stream_id "
                "AND packet.sequence = suspect.sequence "
                "UNION SELECT suspect.stream_id, suspect.sequence FROM suspect "
                "JOIN calls_prunedrange AS pruned ON pruned.stream_id = suspect.stream_id "
                "AND suspect.sequence BETWEEN pruned.first_sequence AND pruned.last_sequence",
                [number for suspect in some for number in suspect],
            )
            stored.update(cursor.fetchall())
    return stored


def insert_packets(rows: Sequence[PacketRow]) -> None:
    """Insert packets of locked calls. The caller has left out those that are stored."""
    if not rows:
        return
    with connection.cursor() as cursor:
        if _is_postgres():
            with cursor.copy(f"COPY calls_packet ({PACKET_COLUMNS}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany(
                f"INSERT INTO calls_packet ({PACKET_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s)",
                rows,
            )


def update_streams(streams: Iterable[StreamRow]) -> None:
    _update(
        "calls_stream",
        {
            "media": "varchar",
            "packet_count": "bigint",
            "first_sequence": "bigint",
            "last_sequence": "bigint",
            "late_count": "bigint",
            "duplicate_count": "bigint",
            "reordered_count": "bigint",
        },
        streams,
    )


def count_frames(streams: Iterable[StreamRow]) -> None:
    """Add to the frame counters. Few streams have frames: those that carriers opened."""
    changes = [(stream.pk, stream.frames) for stream in streams if stream.frames]
    if not changes:
        return
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE calls_stream SET frame_count = frame_count + %s, "
            "missing_frames = missing_frames + %s, repeated_frames = repeated_frames + %s, "
            "reordered_frames = reordered_frames + %s, malformed_frames = malformed_frames + %s "
            "WHERE id = %s",
            [
                (each.received, each.missing, each.repeated, each.reordered, each.malformed, pk)
                for pk, each in changes
            ],
        )


def update_calls(calls: Iterable[CallRow], *, now: datetime) -> None:
    """Write the counters, and that packets came."""
    _update(
        "calls_call",
        {
            "packet_count": "bigint",
            "last_sequence": "bigint",
            "missing_count": "bigint",
            "late_count": "bigint",
            "duplicate_count": "bigint",
        },
        calls,
        last_packet_at=as_stored(now),
    )


def as_stored(moment: datetime) -> Any:
    """Return a time as this database's driver takes it."""
    return connection.ops.adapt_datetimefield_value(moment)


def _update(
    table: str, columns: dict[str, str], rows: Iterable[CallRow | StreamRow], **same: Any
) -> None:
    """Set columns of many rows at once; ``same`` are columns that get one value in all rows."""
    constants = "".join(f", {name} = %s" for name in same)
    values = [[getattr(row, name) for name in columns] + [row.pk] for row in rows]
    with _cursor() as cursor:
        if _is_postgres():
            assignments = ", ".join(f"{name} = new.{name}" for name in columns)
            arrays = ", ".join(f"%s::{kind}[]" for kind in [*columns.values(), "bigint"])
            cursor.execute(
                f"UPDATE {table} AS old SET {assignments}{constants} "
                f"FROM unnest({arrays}) AS new({', '.join(columns)}, id) WHERE old.id = new.id",
                [*same.values(), *map(_as_array, zip(*values, strict=True))],
            )
        else:
            assignments = ", ".join(f"{name} = %s" for name in columns)
            cursor.executemany(
                f"UPDATE {table} SET {assignments}{constants} WHERE id = %s",
                [[*row[:-1], *same.values(), row[-1]] for row in values],
            )


def _as_array(values: Sequence[Any]) -> Any:
    """Return a PostgreSQL array; of numbers as its text, which takes a tenth of the time."""
    if any(isinstance(value, str) for value in values):
        return list(values)
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
