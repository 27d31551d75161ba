"""Waits until the event log has grown: PostgreSQL notifies, SQLite is polled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import psycopg
from django.db import connection

from calls.events import NOTIFY_CHANNEL
from calls.operation.direct import direct_parameters
from calls.outage import Outage

log = logging.getLogger(__name__)
outage = Outage(log, "the feed polls")
SQLITE_POLL_S = 0.05
# PostgreSQL notifies. If a notification is lost with its connection, this is the longest delay.
POSTGRES_POLL_S = 1.0
RECONNECT_S = 1.0
# Runs a function in the feed's thread, the only one whose database connection stays open.
RunInThread = Callable[..., Awaitable[Any]]


class LogWatch(Protocol):
    async def changed(self, run: RunInThread) -> None:
        """Return when there may be new events. It may return too early, but never miss one."""
        ...

    async def close(self) -> None: ...


class SqliteWatch:
    """Polls ``PRAGMA data_version``, which changes when another connection commits."""

    def __init__(self) -> None:
        self._version: int | None = None

    async def changed(self, run: RunInThread) -> None:
        # SQLite has no notifications, so polling is the only way.
        while (version := await run(_data_version)) == self._version:  # noqa: ASYNC110
            await asyncio.sleep(SQLITE_POLL_S)
        self._version = version

    async def close(self) -> None:
        pass


def _data_version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA data_version")
        version: int = cursor.fetchone()[0]
    return version


class PostgresWatch:
    """Listens on a connection of its own."""

    def __init__(self) -> None:
        self._listener: psycopg.AsyncConnection[Any] | None = None

    async def changed(self, run: RunInThread) -> None:
        try:
            if self._listener is None:
                # Stored before LISTEN, so that `close` finds it if this task is cancelled here.
                self._listener = await _connect()
                # Events committed before LISTEN notify nobody, so return as if one had arrived.
                await self._listener.execute(f"LISTEN {NOTIFY_CHANNEL}")
                return
            async for _ in self._listener.notifies(timeout=POSTGRES_POLL_S, stop_after=1):
                pass
            outage.over()
        except psycopg.Error as error:
            outage.note(error)
            await self.close()
            await asyncio.sleep(RECONNECT_S)

    async def close(self) -> None:
        if self._listener is not None:
            await self._listener.close()
            self._listener = None


async def _connect() -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(**direct_parameters(), autocommit=True)


def log_watch() -> LogWatch:
    return PostgresWatch() if connection.vendor == "postgresql" else SqliteWatch()
