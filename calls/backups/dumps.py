"""Writes and reads a copy of the database: pg_dump, or SQLite's online backup.

Both take a consistent snapshot while others continue to write. A load is one transaction.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from django.db import connection

from calls.operation.claims import InUse, claim
from calls.operation.direct import direct_parameters
from calls.operation.locks import TABLES, hold

NAMES = {"postgresql": "database.dump", "sqlite": "database.sqlite3"}
BUSY_S = 30.0
PATIENCE_S = 5.0  # with a program whose pipe is closed
BUSY = "Another restore or migrate is at work in this database. Wait until it ends."
BEGIN = f"""
BEGIN;
DO $$ BEGIN
    IF NOT pg_try_advisory_xact_lock({TABLES.number}) THEN
        RAISE EXCEPTION '{BUSY}';
    END IF;
END $$;
"""


class DumpError(Exception):
    """The database could not be copied. The message says why."""


def dump(folder: Path) -> Path:
    """Copy the database into a folder, and return the file."""
    file = folder / NAMES[connection.vendor]
    if connection.vendor == "postgresql":
        _dump_postgresql(file)
    else:
        with _in_words(), closing(_open(_name())) as source, closing(_open(file)) as target:
            source.backup(target)
            # A single file, which does not depend on others.
            target.execute("PRAGMA journal_mode=DELETE")
    return file


def load(folder: Path, *, then: Sequence[str]) -> None:
    """Fill the empty database from a copy, and execute these statements, all in one transaction.

    Wherever it is killed, the database is empty or whole afterwards.
    """
    file = folder / NAMES[connection.vendor]
    connection.close()
    if connection.vendor == "postgresql":
        _load_postgresql(file, then)
    else:
        _load_sqlite(file, then)


# --- PostgreSQL
def _dump_postgresql(file: Path) -> None:
    # Through a pipe: if this process is killed, pg_dump ends with its next write.
    with (
        file.open("xb") as target,
        _running("pg_dump", "--format=custom", "--no-owner", stdout=subprocess.PIPE) as dumping,
    ):
        shutil.copyfileobj(dumping.stdout, target, 1 << 20)


def _load_postgresql(file: Path, then: Sequence[str]) -> None:
    """Let psql execute what pg_restore writes. Without the last line, nothing is committed."""
    psql = ("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", _database())
    with _running(*psql, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as filling:
        _send(filling.stdin, BEGIN)
        with _running("pg_restore", "--no-owner", "--file=-", str(file), stdout=filling.stdin):
            pass
        # The copy leaves no schema in the search path.
        _send(filling.stdin, ";\n".join(["RESET search_path", *then, "COMMIT", ""]))
        filling.stdin.close()


def _send(pipe: IO[bytes], text: str) -> None:
    pipe.write(text.encode())
    pipe.flush()


def _database() -> str:
    return str(direct_parameters()["dbname"])


@contextmanager
def _running(program: str, *arguments: str, **streams: Any) -> Iterator[Any]:
    """Run a program until the body ends and it does. Raises DumpError with its own words."""
    path = shutil.which(program)
    if path is None:
        raise DumpError(f"{program} is not installed. Install the client programs of PostgreSQL.")
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 (no shell; the arguments are ours)
            [path, *arguments], env=_environment(), stderr=errors, **streams
        )
        try:
            yield process
            process.wait()
        except BaseException as error:
            _end(process)
            # A program that fails breaks the pipe to it, and its own words say why.
            if not isinstance(error, BrokenPipeError | DumpError) or process.returncode <= 0:
                raise
        finally:
            _end(process)
        if process.returncode:
            errors.seek(0)
            raise DumpError(f"{program} failed: {errors.read().decode(errors='replace').strip()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the pipes, with which the program ends, too."""
    for pipe in (process.stdin, process.stdout):
        with suppress(BrokenPipeError):
            if pipe:
                pipe.close()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment() -> dict[str, str]:
    """Return the environment with the address of the database: others can read arguments."""
    names = {"dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST",
             "port": "PGPORT", "sslmode": "PGSSLMODE", "service": "PGSERVICE"}  # fmt: skip
    parameters: dict[str, Any] = direct_parameters()
    return {**os.environ, **{names[key]: str(value) for key, value in parameters.items() if value}}


# --- SQLite
def _load_sqlite(file: Path, then: Sequence[str]) -> None:
    name = _name()
    staged = name.with_name(f"{name.name}.restoring")
    try:
        with hold(TABLES), claim(staged), _in_words():
            try:
                shutil.copyfile(file, staged)
                _fill(name, staged, then)
            finally:
                for each in (f"{staged}-journal", staged):
                    Path(each).unlink(missing_ok=True)
    except InUse as error:
        raise DumpError(BUSY) from error


def _fill(name: Path, staged: Path, then: Sequence[str]) -> None:
    with closing(_open(staged)) as source, closing(_open(name)) as target:
        for statement in then:
            source.execute(statement)
        source.commit()
        # Keeps the lock after the question, so that nobody makes tables in between.
        target.execute("PRAGMA locking_mode=EXCLUSIVE")
        target.execute("BEGIN EXCLUSIVE")
        is_empty = target.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
        target.commit()
        if not is_empty:
            raise DumpError("Somebody has made tables in the database meanwhile.")
        source.backup(target)


def _name() -> Path:
    return Path(str(connection.settings_dict["NAME"]))


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=BUSY_S)


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DumpError(f"SQLite: {error}.") from error
