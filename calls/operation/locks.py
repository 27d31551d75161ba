"""Locks between all processes of a site, for work that takes minutes.

On PostgreSQL they are advisory locks of a session, and on SQLite locked files beside the database.
They end with the process that holds them, even if it is killed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connections

from calls.operation import claims
from calls.operation.claims import InUse, claim
from calls.operation.direct import connect_directly

PAUSE_S = 0.2


@dataclass(frozen=True)
class SiteLock:
    number: int  # no other advisory lock of this database may use it
    ending: str  # of the file beside an SQLite database


TABLES = SiteLock(7_236_254_401, "migrating")  # held while tables are made or changed
BACKUP = SiteLock(7_236_254_402, "backing-up")  # held while files are copied: they must stay


@contextmanager
def hold(lock: SiteLock, *, alias: str = "default", shared: bool = False) -> Iterator[None]:
    """Hold a lock. Raises InUse if another process does. Shared holders do not exclude each other.

    On PostgreSQL, the connection of this thread becomes a direct one, and holds the lock itself:
    after a kill, the server may still work on its last statement, and keeps the lock until then.
    """
    connect_directly(alias)
    connection = connections[alias]
    if connection.vendor == "postgresql":
        with _advisory(connection, lock, shared=shared):
            yield
    elif file := _file(connection, lock):
        with _claimed(file, shared=shared):
            yield
    else:
        yield  # a database in memory has no other process


@contextmanager
def wait_for(lock: SiteLock, *, alias: str, tell: Callable[[], None]) -> Iterator[None]:
    """Hold a lock as soon as nobody else does. Calls ``tell`` once if that takes time."""
    with ExitStack() as stack:
        has_told = False
        # Not in the database: a statement that waits would keep its snapshot, and with it stop the
        # CREATE INDEX CONCURRENTLY of the process that it waits for.
        while not _try(stack, lock, alias):
            if not has_told:
                tell()
                has_told = True
            time.sleep(PAUSE_S)
        yield


def _try(stack: ExitStack, lock: SiteLock, alias: str) -> bool:
    try:
        stack.enter_context(hold(lock, alias=alias))
    except InUse:
        return False
    return True


def is_held(lock: SiteLock) -> bool:
    """Whether any process of the site holds a lock. Works through a pooler, too."""
    connection = connections["default"]
    if connection.vendor != "postgresql":
        file = _file(connection, lock)
        return file is not None and claims.is_held(file)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database "
            "WHERE locktype = 'advisory' AND datname = current_database() AND objsubid = 1 "
            "AND (classid::bigint << 32) + objid::bigint = %s)",
            [lock.number],
        )
        return bool(cursor.fetchone()[0])


@contextmanager
def _advisory(connection: Any, lock: SiteLock, *, shared: bool) -> Iterator[None]:
    kind = "_shared" if shared else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory_lock{kind}(%s)", [lock.number])
        if not cursor.fetchone()[0]:
            raise InUse(lock.ending)
    try:
        yield
    finally:
        # A connection that is broken has lost its locks.
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_unlock{kind}(%s)", [lock.number])


@contextmanager
def _claimed(file: Path, *, shared: bool) -> Iterator[None]:
    is_claimed = False
    try:
        with claim(file, shared=shared):
            is_claimed = True
            yield
    finally:
        if is_claimed:
            # Shared holders need the file until the last one is done.
            with suppress(InUse), claim(file):
                file.unlink(missing_ok=True)


def _file(connection: Any, lock: SiteLock) -> Path | None:
    name = str(connection.settings_dict["NAME"])
    if ":memory:" in name or "mode=memory" in name:
        return None
    return Path(f"{name}.{lock.ending}")
