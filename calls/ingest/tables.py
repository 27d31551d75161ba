"""The SQL of the write path: few statements, each for many rows, with one meaning on two databases.

These rows replace models, which would be built and thrown away for every packet.

SQLite differs from PostgreSQL in three ways. It has no row locks: a transaction locks the whole
database when it starts (``transaction_mode`` in the settings), so only one writes at a time. It has
no array parameters, so values are listed one by one, and pairs come as JSON. And it runs in this
process, where Python gives up its lock for every statement and waits to get it back while the event
loop is busy. One statement per row made transactions ten times as long under load.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

import psycopg
from django.db import connection

from calls.ingest.packets import FrameCounts
from calls.lifecycle import CallState
from calls.models import count_missing

Row = Sequence[Any]
PacketRow = tuple[int, int, str, float, Any, bool, str]
Content = tuple[float, str, str]  # timestamp, track, digest of the data
COPY_ABOVE = 200  # packets; measured, see docs/performance.md
LISTED_ROWS = 256  # of one statement of SQLite, which keeps the memory of those it has compiled
SQLITE_VARIABLES = 20_000  # below SQLITE_MAX_VARIABLE_NUMBER, 32,766 since 3.32

PACKET_COLUMNS = {
    "stream_id": "bigint",
    "sequence": "bigint",
    "track": "varchar",
    "timestamp": "double precision",
    "received_at": "timestamptz",
    "late": "boolean",
    "data": "text",
}
# The counters that are updated.
STREAM_COLUMNS = {
    "media": "varchar",
    "packet_count": "bigint",
    "first_sequence": "bigint",
    "last_sequence": "bigint",
    "late_count": "bigint",
    "duplicate_count": "bigint",
    "reordered_count": "bigint",
    "track": "varchar",
    "earliest": "double precision",
    "latest": "double precision",
    "id": "bigint",
}
CALL_COLUMNS = {
    "packet_count": "bigint",
    "last_sequence": "bigint",
    "missing_count": "bigint",
    "late_count": "bigint",
    "duplicate_count": "bigint",
    "last_packet_at": "timestamptz",
    "id": "bigint",
}
# The counters that are added to, in the order of ``FrameCounts``.
FRAME_COLUMNS = {
    "frame_count": "bigint",
    "missing_frames": "bigint",
    "repeated_frames": "bigint",
    "reordered_frames": "bigint",
    "malformed_frames": "bigint",
    "restarts": "bigint",
    "id": "bigint",
}


@dataclass(slots=True)
class CallRow:
    """A locked call."""

    id: int
    call_id: str
    state: str
    packet_count: int
    last_sequence: int | None
    missing_count: int
    late_count: int
    duplicate_count: int
    media: str = ""
    last_packet_at: Any = None  # as the driver takes it; None: no packets arrived

    @property
    def pk(self) -> int:
        return self.id

    @property
    def is_live(self) -> bool:
        return self.state == CallState.IN_PROGRESS


@dataclass(slots=True)
class StreamRow:
    """A run of a stream of a locked call. Its id is 0 until it is inserted."""

    id: int
    call_pk: int
    name: str
    run: int
    media: str = ""
    packet_count: int = 0
    first_sequence: int | None = None
    last_sequence: int | None = None
    late_count: int = 0
    duplicate_count: int = 0
    reordered_count: int = 0
    track: str = ""
    earliest: float | None = None
    latest: float | None = None
    frames: FrameCounts | None = None  # to add to the stored counts
    is_changed: bool = False

    @property
    def missing_count(self) -> int:
        return count_missing(self.first_sequence, self.last_sequence, self.packet_count, self.run)


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"


@contextmanager
def _cursor() -> Iterator[Any]:
    """A cursor of the driver for statements that repeat, which are parsed once.

    Django's own cursor puts the values into the SQL for PostgreSQL, so that every statement is a
    new one, and replaces each placeholder for SQLite, which takes longer than executing them.
    """
    connection.ensure_connection()
    make = psycopg.Cursor if _is_postgres() else sqlite3.Cursor
    with connection.wrap_database_errors, closing(make(connection.connection)) as cursor:
        yield cursor


def _one_of(column: str, values: Sequence[str]) -> tuple[str, list[str]]:
    """Return a condition and its parameters; PostgreSQL takes a list as one parameter."""
    if _is_postgres():
        return f"{column} = ANY(%s::text[])", [_quoted(values)]
    return f"{column} IN ({', '.join('?' * len(values))})", list(values)


def lock_calls(call_ids: Sequence[str], *, skip_locked: bool = False) -> list[CallRow]:
    """Lock and return the calls that exist. The locks hold until the transaction ends.

    With ``skip_locked``, calls that another transaction has locked are left out, without waiting.

    ``ORDER BY`` fixes the locking order: concurrent transactions take the rows in the same order
    and cannot deadlock.
    """
    condition, parameters = _one_of("call_id", call_ids)
    # SQLite has no FOR UPDATE: the transaction has locked the whole database already.
    lock = "FOR UPDATE" if _is_postgres() else ""
    if lock and skip_locked:
        lock += " SKIP LOCKED"
    with _cursor() as cursor:
        cursor.execute(
            "SELECT id, call_id, state, packet_count, last_sequence, missing_count, late_count, "
            f"duplicate_count, media FROM calls_call WHERE {condition} ORDER BY call_id {lock}",
            parameters,
        )
        return [CallRow(*row) for row in cursor.fetchall()]


def find_streams(keys: Sequence[tuple[int, str]]) -> list[StreamRow]:
    """Return the streams of locked calls by the calls' keys and their names, runs in order.

    Each pair is one index lookup: two conditions of many values would be tried in all
    combinations, and a list of pairs makes SQLite read the streams of all calls.
    """
    if _is_postgres():
        calls, names = zip(*keys, strict=True)
        wanted = "unnest(%s::bigint[], %s::text[]) AS wanted (call_id, name) JOIN"
        parameters = [_plain(calls), _quoted(names)]
    else:
        pairs = "SELECT value ->> 0 AS call_id, value ->> 1 AS name FROM json_each(?)"
        wanted = f"({pairs}) AS wanted CROSS JOIN"  # CROSS: in this order
        parameters = [json.dumps(keys)]
    with _cursor() as cursor:
        cursor.execute(
            "SELECT id, call_id, name, run, media, packet_count, first_sequence, last_sequence, "
            "late_count, duplicate_count, reordered_count, track, earliest, latest "
            f"FROM {wanted} calls_stream USING (call_id, name) ORDER BY run",
            parameters,
        )
        return [StreamRow(*row) for row in cursor.fetchall()]


def find_stored(
    suspects: Sequence[tuple[int, int]],
) -> dict[tuple[int, int], Content | None]:
    """Return the contents of those (stream, sequence) pairs that are stored.

    The content of a packet that was pruned is None. Data is compared by its digest: the database
    then need not send it.
    """
    stored: dict[tuple[int, int], Content | None] = {}
    size = SQLITE_VARIABLES // 2
    digest = "encode(sha256(convert_to(packet.data, 'UTF8')), 'hex')"
    if not _is_postgres():
        digest = "SHA256(packet.data)"
    for at in range(0, len(suspects), size):
        some = suspects[at : at + size]
        values = ", ".join(["(%s, %s)"] * len(some))
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH suspect (stream_id, sequence) AS (VALUES {values}) "
                "SELECT suspect.stream_id, suspect.sequence, packet.timestamp, packet.track, "
                f"{digest} FROM suspect "
                "JOIN calls_packet AS packet ON packet.stream_id = suspect.stream_id "
                "AND packet.sequence = suspect.sequence "
                "UNION ALL SELECT suspect.stream_id, suspect.sequence, NULL, NULL, NULL "
                "FROM suspect "
                "JOIN calls_prunedrange AS pruned ON pruned.stream_id = suspect.stream_id "
                "AND suspect.sequence BETWEEN pruned.first_sequence AND pruned.last_sequence",
                [number for suspect in some for number in suspect],
            )
            for stream, sequence, *content in cursor.fetchall():
                stored[stream, sequence] = None if content[0] is None else tuple(content)
    return stored


def write(
    packets: Sequence[PacketRow], streams: Sequence[StreamRow], calls: Sequence[CallRow]
) -> None:
    """Insert packets, and write the counters of their locked streams and calls.

    The caller leaves out packets that are stored already. PostgreSQL gets one statement, because a
    small transaction spends most of its time waiting for round trips. Above COPY_ABOVE packets,
    COPY is faster.
    """
    stream_values, call_values = _values(streams, STREAM_COLUMNS), _values(calls, CALL_COLUMNS)
    with _cursor() as cursor:
        if _is_postgres():
            if len(packets) > COPY_ABOVE:
                _copy(cursor, packets)
                packets = ()
            cursor.execute(
                _WRITE,
                [
                    *_as_arrays(packets, PACKET_COLUMNS),
                    *_as_arrays(stream_values, STREAM_COLUMNS),
                    *_as_arrays(call_values, CALL_COLUMNS),
                ],
            )
        else:
            for rows in _in_powers_of_two(packets):
                cursor.execute(_insert_listed(len(rows)), list(chain.from_iterable(rows)))
            _update_listed(cursor, "calls_stream", STREAM_COLUMNS, stream_values)
            _update_listed(cursor, "calls_call", CALL_COLUMNS, call_values)


def _copy(cursor: Any, packets: Sequence[PacketRow]) -> None:
    with cursor.copy(f"COPY calls_packet ({', '.join(PACKET_COLUMNS)}) FROM STDIN") as copy:
        for packet in packets:
            copy.write_row(packet)


def count_frames(streams: Iterable[StreamRow]) -> None:
    """Add to the frame counters. Only streams of carriers have frames."""
    changes = [(*astuple(each.frames), each.id) for each in streams if each.frames]
    if not changes:
        return
    with _cursor() as cursor:
        if _is_postgres():
            sql = _update_many("calls_stream", FRAME_COLUMNS, adds=True)
            cursor.execute(sql, _as_arrays(changes, FRAME_COLUMNS))
        else:
            _update_listed(cursor, "calls_stream", FRAME_COLUMNS, changes, adds=True)


def as_stored(moment: datetime) -> str:
    """Return a time as text that this database reads, so that it is converted once."""
    return str(connection.ops.adapt_datetimefield_value(moment))


def digest_of(data: str) -> str:
    """Return the digest with which ``find_stored`` describes this data."""
    return hashlib.sha256(data.encode()).hexdigest()


def _values(rows: Sequence[CallRow | StreamRow], columns: dict[str, str]) -> list[Sequence[Any]]:
    values_of = attrgetter(*columns)
    return [values_of(row) for row in rows]


def _in_powers_of_two(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Split rows into parts of 1, 2, 4 and so on, so that SQLite compiles few statements.

    At most LISTED_ROWS. Fills the last part with rows of NULL, which the statements leave out.
    """
    for at in range(0, len(rows), LISTED_ROWS):
        part = list(rows[at : at + LISTED_ROWS])
        size = 1 << (len(part) - 1).bit_length()
        yield part + [(None,) * len(part[0])] * (size - len(part))


def _update_listed(
    cursor: Any, table: str, columns: dict[str, str], values: Sequence[Row], *, adds: bool = False
) -> None:
    for rows in _in_powers_of_two(values):
        sql = _update_so_many(table, tuple(columns), len(rows), adds=adds)
        cursor.execute(sql, list(chain.from_iterable(rows)))


@cache
def _update_so_many(table: str, columns: Sequence[str], rows: int, *, adds: bool) -> str:
    new = f"new ({', '.join(columns)}) AS ({_listed(rows, len(columns))})"
    return f"WITH {new} {_update(table, columns, 'new', adds=adds)}"


def _update_many(table: str, columns: dict[str, str], *, adds: bool = False) -> str:
    new = f"{_unnest(columns)} AS new({', '.join(columns)})"
    return _update(table, tuple(columns), new, adds=adds)


def _update(table: str, columns: Sequence[str], new: str, *, adds: bool) -> str:
    value = "old.{0} + new.{0}" if adds else "new.{0}"
    assignments = ", ".join(f"{name} = {value.format(name)}" for name in columns if name != "id")
    return f"UPDATE {table} AS old SET {assignments} FROM {new} WHERE old.id = new.id"


def _unnest(columns: dict[str, str]) -> str:
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in columns.values())})"


def _listed(rows: int, columns: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"VALUES {', '.join([row] * rows)}"


@cache
def _insert_listed(rows: int) -> str:
    new = f"new ({', '.join(PACKET_COLUMNS)}) AS ({_listed(rows, len(PACKET_COLUMNS))})"
    return f"WITH {new} {_INTO_PACKETS} SELECT * FROM new WHERE stream_id IS NOT NULL"


_INTO_PACKETS = f"INSERT INTO calls_packet ({', '.join(PACKET_COLUMNS)})"
_WRITE = (
    f"WITH stored AS ({_INTO_PACKETS} SELECT * FROM {_unnest(PACKET_COLUMNS)}), "
    f"counted AS ({_update_many('calls_stream', STREAM_COLUMNS)}) "
    f"{_update_many('calls_call', CALL_COLUMNS)}"
)


def _as_arrays(rows: Sequence[Sequence[Any]], columns: dict[str, str]) -> list[str]:
    """Return the columns of rows as the text of PostgreSQL arrays.

    The driver would inspect every element. The column types are known here, so this takes a tenth
    of its time.
    """
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    return [
        _quoted(column) if kind in ("varchar", "text") else _plain(column)
        for column, kind in zip(values, columns.values(), strict=True)
    ]


def _plain(values: Iterable[Any]) -> str:
    elements = ["NULL" if value is None else str(value) for value in values]
    return f"{{{','.join(elements)}}}"


def _quoted(values: Iterable[str]) -> str:
    elements = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return '{"' + '","'.join(elements) + '"}' if elements else "{}"
