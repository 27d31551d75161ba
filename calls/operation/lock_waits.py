"""How long a transaction waits for locks that others hold. SQLite has no locks on rows."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection

from calls.operation.direct import has_sessions
from calls.outage import is_contention


class _Thread(threading.local):
    """The connection of this thread that has a limit, and the limit."""

    limited: Any = None
    milliseconds = 0


_thread = _Thread()


def limit_lock_waits(milliseconds: int) -> None:
    """Let statements fail that wait longer for a lock. The limit ends with the transaction."""
    if connection.vendor == "postgresql":
        _set(milliseconds, is_local=True)


def limit_waits_of_thread(milliseconds: int) -> bool:
    """Let all statements of this thread fail that wait longer for a lock.

    Returns False if a pooler keeps no session. Call it again before each piece of work: a new
    connection has no limit.
    """
    if connection.vendor != "postgresql":
        return True
    if not has_sessions():
        return False
    connection.ensure_connection()
    if _thread.limited is not connection.connection or _thread.milliseconds != milliseconds:
        _set(milliseconds, is_local=False)
        _thread.limited, _thread.milliseconds = connection.connection, milliseconds
    return True


@contextmanager
def leaving_locked() -> Iterator[None]:
    """Leave what waits too long for a lock to the next round. Wrap a whole transaction."""
    try:
        yield
    except OperationalError as error:
        if not is_contention(error):
            raise


def _set(milliseconds: int, *, is_local: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, %s)", [str(milliseconds), is_local])
