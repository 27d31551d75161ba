"""Requests to store packets: their futures, and their outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum

from calls.ingest.packets import IncomingPacket
from calls.monitoring.log_context import log_fields
from calls.telemetry.catalogue import INGEST_PACKETS, INGEST_SECONDS
from calls.telemetry.tracing import OFF, Traced, is_on, span

# Stores packets. Returns the ids of calls that are locked, whose packets it has not stored.
NOT_AVAILABLE = "The database is not available."
Record = Callable[[Sequence[IncomingPacket]], Collection[str] | None]


class Way(StrEnum):
    """An interface. Over HTTP, the sender keeps its packets; over a socket, it may not."""

    SINGLE = "single"
    BATCH = "batch"
    SOCKET = "websocket"
    CARRIER = "carrier"

    @property
    def is_http(self) -> bool:
        return self is Way.SINGLE or self is Way.BATCH


class Unavailable(Exception):
    """The packets were not accepted. The sender may send them again; the response is 503."""

    advice = "Nothing was stored. Send the request again."

    def __str__(self) -> str:
        return f"{super().__str__()} {self.advice}"


class TooLate(Unavailable):
    """The packets were not stored in time, and may be stored later."""

    advice = "Send the request again. Packets that were stored meanwhile count as duplicates."


@dataclass(slots=True)
class StoreRequest:
    """Packets of one call, and the future that is done when they are committed."""

    packets: Sequence[IncomingPacket]
    done: Future[None] | asyncio.Future[None]
    arrived_at: float
    way: Way = Way.SINGLE
    origin: Mapping[str, str] = field(default_factory=log_fields)  # ids of who sent them

    @property
    def call_id(self) -> str:
        return self.packets[0].call_id if self.packets else ""


_in_hand: ContextVar[Sequence[StoreRequest]] = ContextVar("in_hand", default=())


@contextmanager
def in_hand(requests: Sequence[StoreRequest]) -> Iterator[None]:
    """Tell ``origin_of`` which requests a transaction stores."""
    token = _in_hand.set(requests)
    try:
        with _span_of(requests):
            yield
    finally:
        _in_hand.reset(token)


def _span_of(requests: Sequence[StoreRequest]) -> AbstractContextManager[Traced]:
    """Record a transaction, in the trace of its oldest request, and linked to the others."""
    if not is_on():
        return OFF
    first, *others = [request.origin.get("traceparent", "") for request in requests]
    size = sum(len(request.packets) for request in requests)
    return span("store packets", parent=first, links=others, packets=size, requests=len(requests))


def packets_of_sockets(requests: Sequence[StoreRequest]) -> int:
    return sum(len(request.packets) for request in requests if not request.way.is_http)


def origin_of(call_id: str) -> Mapping[str, str]:
    """Return the ids of the request whose packets open a call."""
    for request in _in_hand.get():
        if request.call_id == call_id:
            return request.origin
    return log_fields()


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


def count_stored(requests: Sequence[StoreRequest], now: float) -> None:
    """Count what one transaction has stored, by interface."""
    by_way: dict[Way, list[StoreRequest]] = {}
    for request in requests:
        by_way.setdefault(request.way, []).append(request)
    for way, stored in by_way.items():
        INGEST_PACKETS.add(sum(len(request.packets) for request in stored), way)
        INGEST_SECONDS.observe([now - request.arrived_at for request in stored], way)


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
