"""The database connection of a thread that writes packets: its own, with short waits.

PostgreSQL gets limits on locks, statements and dead connections. On SQLite nothing changes.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, connections, transaction

from calls.ingest.packets import IncomingPacket
from calls.ingest.record import record_packets
from calls.operation.direct import has_sessions

LOCK_MS = 1_000
HURRIED_LOCK_MS = 50
STATEMENT_MS = 10_000
# Parameters of libpq. A dead host is noticed within seconds, not after TCP's quarter of an hour.
CONNECTION_LIMITS = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class _Thread(threading.local):
    """The settings of this thread's connection."""

    has_own = False
    is_hurried = False
    lock_ms: int | None = None


_thread = _Thread()


def record_patiently(packets: Sequence[IncomingPacket]) -> Collection[str]:
    """Store packets. Returns the ids of calls that are locked, whose packets are not stored."""
    if connection.vendor == "postgresql" and not has_sessions():
        return _record_behind_pooler(packets)
    _limit_waiting()
    return record_packets(packets, skip_locked=True)


def _record_behind_pooler(packets: Sequence[IncomingPacket]) -> Collection[str]:
    """Store packets, with limits that end with the transaction, as the session is not ours."""
    if not _thread.has_own:
        _use_own_connection()
    with transaction.atomic():
        _set_limits(is_local=True)
        return record_packets(packets, skip_locked=True)


@contextmanager
def in_a_hurry() -> Iterator[None]:
    """Wait for locks only briefly in this thread: it is known that somebody holds one."""
    before, _thread.is_hurried = _thread.is_hurried, True
    try:
        yield
    finally:
        _thread.is_hurried = before


def _limit_waiting() -> None:
    if connection.vendor != "postgresql":
        return
    if not _thread.has_own:
        _use_own_connection()
    if connection.connection is None:
        _thread.lock_ms = None
    wanted = _lock_ms()
    if _thread.lock_ms != wanted:
        _set_limits(is_local=False)
        _thread.lock_ms = wanted


def _set_limits(*, is_local: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, %s), set_config('statement_timeout', %s, %s)",
            [str(_lock_ms()), is_local, str(STATEMENT_MS), is_local],
        )


def _lock_ms() -> int:
    return HURRIED_LOCK_MS if _thread.is_hurried else LOCK_MS


def _use_own_connection() -> None:
    """Leave the pool: when it has no connection left, packets would wait with all others."""
    settings = copy.copy(connection.settings_dict)
    settings["OPTIONS"] = {**CONNECTION_LIMITS, **settings["OPTIONS"]}
    settings["OPTIONS"].pop("pool", None)
    connection.close()
    connections["default"] = type(connections["default"])(settings, "default")
    _thread.has_own = True
