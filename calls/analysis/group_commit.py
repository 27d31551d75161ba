"""Writes of many calls in few transactions: what comes in meanwhile goes into the next one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
GATHER_S = 0.02  # a write takes about as long for ten calls as for one
GATHER_MOST_S = 0.03
MOST = 100  # items of one transaction: locks are held for as long as it takes


class Lane(Generic[Item, Result]):
    """Gathers items while the last ones are being written, and writes them together.

    ``write`` takes a list and returns one result for each item, or an exception in its place.
    If it raises, the items are written one by one, so that a bad one harms no other.
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
        """Return what became of the item once it is written."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._writer is None:
            self._writer = asyncio.create_task(self._run())
        return await future

    async def close(self) -> None:
        """Wait until everything is written."""
        if self._writer is not None:
            await self._writer

    async def _run(self) -> None:
        took_s = 0.0
        while self._waiting:
            if len(self._waiting) < self._most:
                # As long as a write takes: the busier the machine, the more of them share one.
                await asyncio.sleep(min(max(GATHER_S, took_s), GATHER_MOST_S))
            began_at = time.monotonic()
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            # Whoever was cancelled before it came to writing does not want it any more.
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
            if len(items) == 1:
                return [error]
            return [result for item in items for result in await self._written([item])]
        return results


def _settle(future: asyncio.Future[Result], result: Result | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
