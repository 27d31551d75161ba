"""The database of one run: made before it, removed after it, looked at past Django."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString
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

    def count_packets(self) -> int:
        """Return how many packets are stored."""
        return self.count("SELECT count(*) FROM calls_packet")

    def count_unfinished(self) -> int:
        """Return how many calls still wait for the AI, or are with it."""
        return self.count(
            "SELECT count(*) FROM calls_call WHERE state IN ('COMPLETED', 'PROCESSING_AI')"
        )

    def count(self, query: LiteralString) -> int:
        if self.is_postgres:
            with psycopg.connect(self.url) as connection:
                return _first(connection.execute(query).fetchone())
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=30)) as file:
            return _first(file.execute(query).fetchone())


def _first(row: tuple[int, ...] | None) -> int:
    return row[0] if row else 0


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
