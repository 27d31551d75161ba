"""Writes and reads a copy of the database: pg_dump, or SQLite's online backup.

Both copy the state of one moment while others go on writing.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db import connection

from calls.operation.direct import direct_parameters

NAMES = {"postgresql": "database.dump", "sqlite": "database.sqlite3"}


class DumpError(Exception):
    """The database could not be copied. The message says why."""


def dump(folder: Path) -> Path:
    """Copy the database into a folder, and return the file."""
    file = folder / NAMES[connection.vendor]
    if connection.vendor == "postgresql":
        _run("pg_dump", "--format=custom", "--no-owner", f"--file={file}")
    else:
        with (
            closing(sqlite3.connect(connection.settings_dict["NAME"])) as source,
            closing(sqlite3.connect(file)) as target,
        ):
            source.backup(target)
            # One file, which does not depend on others beside it.
            target.execute("PRAGMA journal_mode=DELETE")
    return file


def load(folder: Path) -> None:
    """Fill the empty database from a copy."""
    file = folder / NAMES[connection.vendor]
    if connection.vendor == "postgresql":
        _run("pg_restore", "--no-owner", "--exit-on-error", "--single-transaction",
             "--dbname", _database_name(), str(file))  # fmt: skip
        return
    connection.close()
    with (
        closing(sqlite3.connect(file)) as source,
        closing(sqlite3.connect(connection.settings_dict["NAME"])) as target,
    ):
        source.backup(target)


def _database_name() -> str:
    return str(direct_parameters()["dbname"])


def _run(program: str, *arguments: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise DumpError(f"{program} is not installed. Install the client programs of PostgreSQL.")
    done = subprocess.run(  # noqa: S603 (no shell; the arguments are ours)
        [path, *arguments], env=_environment(), check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise DumpError(f"{program} failed: {done.stderr.strip()}")


def _environment() -> dict[str, str]:
    """Return the environment with the address of the database: others can read arguments."""
    names = {"dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST",
             "port": "PGPORT", "sslmode": "PGSSLMODE", "service": "PGSERVICE"}  # fmt: skip
    parameters: dict[str, Any] = direct_parameters()
    return {**os.environ, **{names[key]: str(value) for key, value in parameters.items() if value}}
