"""Group commit: the writes of many calls share a transaction.

A commit waits for the disk, and takes about as long for a hundred calls as for one. So items that
arrive while a batch is being written wait, and go into the next one together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Any, Generic, TypeVar

from calls.outage import is_contention, is_outage

Item = TypeVar("Item")
Result = TypeVar("Result")
GATHER_S = 0.02  # shortest wait for company before a batch is written
GATHER_MOST_S = 0.03  # longest such wait
MOST = 100  # items in one transaction; more would hold their locks for too long


class Lane(Generic[Item, Result]):
    """A queue of one kind of write. Gathers items while the previous batch is being written.

    ``write`` takes a list and returns one result for each item, or an exception in its place.
    If it raises, the items are written one by one, so that a bad item fails alone, unless the
    database is away. Batches of a lane are written one after the other.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Sequence[Result | Exception]],
        in_thread: Callable[..., Awaitable[Any]],
        *,
        most: int = MOST,
    ) -> None:
        self._write = write
        self._most = most
        self._in_thread = in_thread
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def put(self, item: Item) -> Result:
        """Wait until the item is written. Returns its result, or raises its exception."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writer is None:
            # It writes for many calls, so its lines must not carry the ids of the first one.
            self._writer = asyncio.create_task(self._run(), context=Context())
        return await future

    async def close(self) -> None:
        """Wait until everything is written."""
        if self._writer is not None:
            await self._writer

    async def _run(self) -> None:
        took_s = 0.0
        while self._waiting:
            if len(self._waiting) < self._most:
                # Wait for as long as the last write took, within limits. The busier the database,
                # the longer the wait, and the more items share the next transaction. A full batch
                # has nothing to wait for.
                await asyncio.sleep(min(max(GATHER_S, took_s), GATHER_MOST_S))
            began_at = time.monotonic()
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            # The caller of a cancelled future has released its call. Do not write for it.
            batch = [(item, future) for item, future in batch if not future.cancelled()]
            results = await self._written([item for item, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                _settle(future, result)
            took_s = time.monotonic() - began_at
        self._writer = None

    async def _written(self, items: Sequence[Item]) -> Sequence[Result | Exception]:
        if not items:
            return []
        try:
            results: Sequence[Result | Exception] = await self._in_thread(self._write, items)
        except Exception as error:
            if len(items) == 1 or (is_outage(error) and not is_contention(error)):
                return [error] * len(items)
            return [result for item in items for result in await self._written([item])]
        return results


def _settle(future: asyncio.Future[Result], result: Result | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
