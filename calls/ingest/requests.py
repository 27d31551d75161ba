"""Requests to store packets: their futures, and how they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from calls.ingest.packets import IncomingPacket

# Stores packets. Returns the ids of calls that are locked, whose packets it has not stored.
NOT_AVAILABLE = "The database is not available."
Record = Callable[[Sequence[IncomingPacket]], Collection[str] | None]


class Way(StrEnum):
    """A way in. Over HTTP, the sender keeps its packets; over a socket, it may not."""

    SINGLE = "single"
    BATCH = "batch"
    SOCKET = "websocket"
    CARRIER = "carrier"

    @property
    def is_http(self) -> bool:
        return self is Way.SINGLE or self is Way.BATCH


class Unavailable(Exception):
    """The packets were not accepted. The sender may send them again; the answer is 503."""

    advice = "Nothing was stored. Send it again."

    def __str__(self) -> str:
        return f"{super().__str__()} {self.advice}"


class TooLate(Unavailable):
    """The packets were not stored in time, and may be stored later."""

    advice = "Send it again. Packets that were stored meanwhile count as duplicates."


@dataclass(slots=True)
class StoreRequest:
    """Packets of one call, and the future that is done when they are committed."""

    packets: Sequence[IncomingPacket]
    done: Future[None] | asyncio.Future[None]
    arrived_at: float

    @property
    def call_id(self) -> str:
        return self.packets[0].call_id if self.packets else ""


def settle(requests: Sequence[StoreRequest], error: Exception | None) -> None:
    """Resolve the requests. Each event loop is woken once, however many of them it waits for."""
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for request in requests:
        if isinstance(request.done, asyncio.Future):
            by_loop.setdefault(request.done.get_loop(), []).append(request.done)
        else:
            _resolve(request.done, error)
    for loop, futures in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed: no caller waits
            loop.call_soon_threadsafe(_resolve_all, futures, error)


def _resolve_all(futures: Sequence[asyncio.Future[None]], error: Exception | None) -> None:
    for future in futures:
        _resolve(future, error)


def _resolve(future: Future[None] | asyncio.Future[None], error: Exception | None) -> None:
    if future.done():
        return  # the caller no longer waits
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
