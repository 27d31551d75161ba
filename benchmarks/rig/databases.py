"""Makes and drops a database for one run, and reads it without Django."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).parents[2]


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
        """Return (key, call ID, track, length of base64) of newer packets, ordered by key."""
        query = (
            "SELECT packet.id, call.call_id, packet.track, length(packet.data) "
            "FROM calls_packet AS packet JOIN calls_stream AS stream "
            "ON stream.id = packet.stream_id JOIN calls_call AS call ON call.id = stream.call_id "
            "WHERE packet.id > %s ORDER BY packet.id"
        )
        return self._fetch(query, pk)

    def count_frames(self, prefix: str) -> tuple[int, int]:
        """Return the received and the faulty frames of the calls with this prefix."""
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
        """Return how many calls wait for analysis or are in analysis."""
        return self.count(
            "SELECT count(*) FROM calls_call WHERE state IN ('COMPLETED', 'PROCESSING_AI')"
        )

    def call_states(self) -> dict[str, tuple[str, int]]:
        """Return the state and version of every call."""
        rows = self._fetch("SELECT call_id, state, version FROM calls_call")
        return {call_id: (state, version) for call_id, state, version in rows}

    def count(self, query: str) -> int:
        return int(self._fetch(query)[0][0])

    def rows(self, query: str) -> list[Any]:
        return self._fetch(query)

    def _fetch(self, query: str, *values: Any) -> list[Any]:
        if self.is_postgres:
            # A connection for each query: an open transaction would continue to see the old rows.
            with psycopg.connect(self.url) as connection:
                return connection.execute(query.encode(), values).fetchall()
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=30)) as file:
            return file.execute(query.replace("%s", "?"), values).fetchall()


@contextmanager
def scratch_database(folder: Path) -> Iterator[Database]:
    """Make a migrated database, and remove it afterwards. See ``make_database``."""
    database = make_database(folder)
    try:
        yield database
    finally:
        drop_database(database)


def make_database(folder: Path) -> Database:
    """Make an empty database with all migrations.

    It is on the PostgreSQL server of DATABASE_URL or, without one, an SQLite file in ``folder``.
    Migrating takes seconds, so a process does it once and copies the result.
    """
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        file = folder / "service.sqlite3"
        shutil.copyfile(_sqlite_template(), file)
        return Database(f"sqlite:///{file}")
    name = f"service_{uuid.uuid4().hex[:12]}"
    # PostgreSQL copies the files of the template, which is faster than migrating.
    _execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{_postgres_template(server)}"')
    return Database(_address(server, name))


def drop_database(database: Database) -> None:
    """Drop a database of ``make_database``. An SQLite file is deleted with its folder."""
    if database.is_postgres:
        name = urlsplit(database.url).path.removeprefix("/")
        _drop(os.environ["DATABASE_URL"], name)


@contextmanager
def empty_database(folder: Path) -> Iterator[Database]:
    """Make a database without tables, and remove it afterwards."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield Database(f"sqlite:///{folder / 'empty.sqlite3'}")
        return
    name = f"empty_{uuid.uuid4().hex[:12]}"
    _execute(server, f'CREATE DATABASE "{name}"')
    try:
        yield Database(_address(server, name))
    finally:
        _drop(server, name)


@functools.cache
def _sqlite_template() -> Path:
    folder = tempfile.mkdtemp(prefix="callcenter-template-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = Path(folder) / "template.sqlite3"
    _migrate(f"sqlite:///{file}")
    return file


@functools.cache
def _postgres_template(server: str) -> str:
    name = f"template_{uuid.uuid4().hex[:12]}"
    _execute(server, f'CREATE DATABASE "{name}"')
    atexit.register(_drop, server, name)
    _migrate(_address(server, name))
    return name


def _migrate(url: str) -> None:
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, check=True,
    )  # fmt: skip


def _address(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def _drop(server: str, name: str) -> None:
    _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _execute(server: str, statement: str) -> None:
    # CREATE and DROP DATABASE cannot run inside a transaction.
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())
