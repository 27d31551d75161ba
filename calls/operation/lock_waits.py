"""How long a transaction waits for locks that others hold. SQLite has no locks on rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection

from calls.outage import is_contention


def limit_lock_waits(milliseconds: int) -> None:
    """Let statements fail that wait longer for a lock. The limit ends with the transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(milliseconds)])


@contextmanager
def leaving_locked() -> Iterator[None]:
    """Leave what waits too long for a lock to the next round. Wrap a whole transaction."""
    try:
        yield
    except OperationalError as error:
        if not is_contention(error):
            raise
