"""How long a transaction waits for locks that others hold."""

from __future__ import annotations

from django.db import connection


def limit_lock_waits(milliseconds: int, *, is_local: bool = True) -> None:
    """Let statements fail that wait longer for a lock.

    The limit ends with the transaction, or with the session unless ``is_local``. SQLite has no
    locks on rows.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, %s)", [str(milliseconds), is_local]
            )
