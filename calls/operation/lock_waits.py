"""How long a transaction waits for locks that others hold. SQLite has no locks on rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import OperationalError, connection

from calls.outage import is_contention

HURRIED_MS = 10


class Left:
    """Whether something was left, because another transaction holds it locked."""

    is_locked = False


_round: ContextVar[Left | None] = ContextVar("round", default=None)


@contextmanager
def one_round() -> Iterator[None]:
    """Wait long for a lock only once: what others hold after that is left at once.

    One transaction may have locked hundreds of calls, each of which would be waited for.
    """
    token = _round.set(Left())
    try:
        yield
    finally:
        _round.reset(token)


def limit_lock_waits(milliseconds: int) -> None:
    """Let statements fail that wait longer for a lock. The limit ends with the transaction."""
    if connection.vendor == "postgresql":
        so_far = _round.get()
        if so_far and so_far.is_locked:
            milliseconds = min(milliseconds, HURRIED_MS)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [str(milliseconds)])


@contextmanager
def leaving_locked() -> Iterator[Left]:
    """Leave what waits too long for a lock to the next round. Wrap a whole transaction."""
    left = Left()
    try:
        yield left
    except OperationalError as error:
        if not is_contention(error):
            raise
        left.is_locked = True
        if so_far := _round.get():
            so_far.is_locked = True
