"""The database of one run: made before it, removed after it, looked at past Django."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg


@dataclass(frozen=True)
class Database:
    url: str

    @property
    def is_postgres(self) -> bool:
        return self.url.startswith("postgres")

    @property
    def title(self) -> str:
        return "PostgreSQL" if self.is_postgres else "SQLite"

    def packets_after(self, pk: int) -> list[tuple[int, str, str, int]]:
        """Return (key, call id, track, bytes of base64) of newer packets, in the order of keys."""
        query = (
            "SELECT packet.id, call.call_id, packet.track, length(packet.data) "
            "FROM calls_packet AS packet JOIN calls_stream AS stream "
            "ON stream.id = packet.stream_id JOIN calls_call AS call ON call.id = stream.call_id "
            "WHERE packet.id > %s ORDER BY packet.id"
        )
        return self._fetch(query, pk)

    def count_frames(self, prefix: str) -> tuple[int, int]:
        """Return the frames that were counted for calls of this prefix: received, and odd ones."""
        query = (
            "SELECT coalesce(sum(frame_count), 0), coalesce(sum(missing_frames + repeated_frames "
            "+ reordered_frames + malformed_frames), 0) FROM calls_stream AS stream "
            "JOIN calls_call AS call ON call.id = stream.call_id WHERE call.call_id LIKE %s"
        )
        received, odd = self._fetch(query, f"{prefix}-%")[0]
        return int(received), int(odd)

    def count_packets(self) -> int:
        """Return how many packets are stored."""
        return self.count("SELECT count(*) FROM calls_packet")

    def count_unfinished(self) -> int:
        """Return how many calls still wait for the AI, or are with it."""
        return self.count(
            "SELECT count(*) FROM calls_call WHERE state IN ('COMPLETED', 'PROCESSING_AI')"
        )

    def call_states(self) -> dict[str, tuple[str, int]]:
        """Return state and version of every call."""
        rows = self._fetch("SELECT call_id, state, version FROM calls_call")
        return {call_id: (state, version) for call_id, state, version in rows}

    def count(self, query: str) -> int:
        return int(self._fetch(query)[0][0])

    def _fetch(self, query: str, *values: Any) -> list[Any]:
        if self.is_postgres:
            with psycopg.connect(self.url) as connection:
                return connection.execute(query.encode(), values).fetchall()
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=30)) as file:
            return file.execute(query.replace("%s", "?"), values).fetchall()


@contextmanager
def scratch_database(folder: Path) -> Iterator[Database]:
    """Make a database on the PostgreSQL server of DATABASE_URL; without one, a SQLite file."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield Database(f"sqlite:///{folder}/bench.sqlite3")
        return
    name = f"bench_{uuid.uuid4().hex[:12]}"
    _execute(server, f'CREATE DATABASE "{name}"')
    try:
        yield Database(urlunsplit(urlsplit(server)._replace(path=f"/{name}")))
    finally:
        _execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())
