"""Settings of the database and of a pooler in front of it, and why it cannot be reached."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import environ
import psycopg
from psycopg import IsolationLevel

PATIENCE_S = 5
FORMS = "postgres://user:password@host:5432/name or sqlite:///PATH"
POOLERS = ("none", "transaction")
Database = dict[str, Any]


def database_settings(
    url: str, *, pool_size: int = 0, pooler: str = "none", direct: Database | None = None
) -> Database:
    """Return Django's settings for a database. POOLER and DIRECT are ours. Raises ValueError."""
    found = _read(url, "DATABASE_URL")
    if found["ENGINE"].endswith("sqlite3"):
        _prepare_sqlite(found)
    else:
        _prepare_postgresql(found, pool_size)
    if pooler == "transaction":
        # A prepared statement or a cursor would be looked for on another connection.
        found["OPTIONS"]["prepare_threshold"] = None
        found["DISABLE_SERVER_SIDE_CURSORS"] = True
    return {**found, "POOLER": pooler, "DIRECT": direct or {}}


def direct_database(url: str) -> Database:
    """Return the database without its pooler, or nothing. Raises ValueError."""
    if not url:
        return {}
    found = _read(url, "DATABASE_DIRECT_URL")
    if not found["ENGINE"].endswith("postgresql"):
        raise ValueError("DATABASE_DIRECT_URL must be like postgres://user:password@host/name.")
    return found


def _read(url: str, name: str) -> Database:
    """Read an address. Its password is not quoted if it cannot be read."""
    problem = f"{name} must be like {FORMS}."
    try:
        found: Database = environ.Env.db_url_config(url)
    except Exception as error:
        raise ValueError(problem) from error
    is_known = str(found.get("ENGINE", "")).endswith(("sqlite3", "postgresql"))
    # Each process would have its own database in memory.
    if not is_known or found.get("NAME") in (None, "", ":memory:"):
        raise ValueError(problem)
    return found


def _prepare_sqlite(found: Database) -> None:
    file = Path(found["NAME"])
    if file.is_dir():
        raise ValueError(f"DATABASE_URL names the folder {file}; it must name a file.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"DATABASE_URL: {file.parent}: {error.strerror}.") from error
    found["OPTIONS"] = {
        # Take the write lock at BEGIN and wait for it. A transaction that reads first and writes
        # later would otherwise fail at once if another one writes in between.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        # FULL: a packet that got 202 survives a power cut, not only a crash. A small cache, 8 MB:
        # every connection has one, and each change by another connection empties it.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8000;"
        ),
    }
    # Tests use threads and processes, which cannot share an in-memory database.
    found["TEST"] = {"NAME": f"{found['NAME']}.test"}


def _prepare_postgresql(found: Database, pool_size: int) -> None:
    options = found.setdefault("OPTIONS", {})
    options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 10}
    options["isolation_level"] = IsolationLevel.READ_COMMITTED  # assumed by the locks
    # For the write path (calls/ingest/tables.py). Django's own cursors do not prepare statements.
    options["prepare_threshold"] = 5


def why_unreachable(settings: Database) -> str:
    """Return why the database cannot be reached, in a line with its host, or an empty string."""
    if not settings["ENGINE"].endswith("postgresql"):
        return _why_not_opened(settings["NAME"])
    host, port = settings["HOST"] or "localhost", settings["PORT"] or 5432
    try:
        psycopg.connect(
            host=host, port=port, dbname=settings["NAME"], user=settings["USER"],
            password=settings["PASSWORD"], connect_timeout=PATIENCE_S,
        ).close()  # fmt: skip
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        return f"The database at {host}:{port} cannot be reached (see DATABASE_URL): {reason}"
    return ""


def _why_not_opened(file: str) -> str:
    try:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.Error as error:
        return f"The database {file} cannot be opened (see DATABASE_URL): {error}."
    return ""
