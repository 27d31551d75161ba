"""Group commit: packets that arrive while one transaction commits are written by the next one.

Each process has one bounded buffer and one writer thread. ``store`` returns after the commit, so a
sender that got an answer can forget its packets. A server that finishes its requests before it
stops loses none.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from calls.ingest.packets import IncomingPacket
from calls.ingest.record import record_packets
from calls.outage import Outage, is_outage

log = logging.getLogger(__name__)
outage = Outage(log, "packets are refused with 503")
NOT_AVAILABLE = "The database is not available."

CAPACITY = 20_000  # packets waiting in one process; more are refused with 503
TRANSACTION_SIZE = 2_000  # packets after which a transaction takes no further request
RETRY_AFTER_S = 1
STORE_TIMEOUT_S = 30.0
# Clients that were answered together send their next packets together. If the writer took the
# first request at once, the clients would split into two groups whose transactions take turns. So
# it waits up to GATHER_S for as many packets as the last transaction had and the buffer holds.
# GATHER_PACKETS caps that number: larger transactions gain nothing from waiting.
GATHER_S = 0.001
GATHER_PACKETS = 64


class Unavailable(Exception):
    """The packets were not accepted. The sender may send them again; the answer is 503."""


@dataclass(slots=True)
class _Request:
    packets: Sequence[IncomingPacket]
    done: Future[None] | asyncio.Future[None]


class Buffer:
    """Collects requests and writes them in order of arrival."""

    def __init__(
        self,
        *,
        record: Callable[[Sequence[IncomingPacket]], None] = record_packets,
        capacity: int = CAPACITY,
    ) -> None:
        self._record = record
        self._capacity = capacity
        self._waiting: deque[_Request] = deque()
        self._size = 0
        self._company = 1  # packets to wait for before the next transaction
        self._wanted = 1  # waiting packets that wake the writer
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def submit(self, packets: Sequence[IncomingPacket]) -> Future[None]:
        """Queue packets. The future is done when they are committed. Raises Unavailable if full."""
        done: Future[None] = Future()
        self._put(_Request(packets, done))
        return done

    def submit_async(self, packets: Sequence[IncomingPacket]) -> asyncio.Future[None]:
        """Like ``submit``, for a caller on an event loop."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._put(_Request(packets, done))
        return done

    def _put(self, request: _Request) -> None:
        with self._changed:
            if self._closing:
                raise Unavailable("The server is stopping.")
            if self._size + len(request.packets) > self._capacity:
                raise Unavailable("Too many packets are waiting to be written.")
            self._waiting.append(request)
            self._size += len(request.packets)
            self._start()
            if self._size >= self._wanted:
                self._changed.notify()

    def close(self) -> None:
        """Write the waiting packets, then stop."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread:
            self._thread.join(timeout=STORE_TIMEOUT_S)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="ingest-writer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while requests := self._next():
            self._write(requests)
        connection.close()

    def _next(self) -> list[_Request]:
        """Wait for requests and return one transaction's worth: none when closed and drained."""
        with self._changed:
            self._wait_for(1)
            self._wait_for(self._company, timeout=GATHER_S)
            taken: list[_Request] = []
            size = 0
            while self._waiting and size < TRANSACTION_SIZE:
                taken.append(self._waiting.popleft())
                size += len(taken[-1].packets)
            self._size -= size
            return taken

    def _wait_for(self, packets: int, *, timeout: float | None = None) -> None:
        self._wanted = packets
        self._changed.wait_for(lambda: self._size >= packets or self._closing, timeout=timeout)

    def _write(self, requests: list[_Request]) -> None:
        """Commit requests together. If the packets are at fault, commit each request alone."""
        try:
            packets = [packet for request in requests for packet in request.packets]
            self._record(packets)
            # Set before the clients hear of the commit: some send again at once.
            self._company = min(self._size + len(packets), GATHER_PACKETS)
        except Exception as error:
            if is_outage(error):
                outage.note(error)
                connection.close()  # so that the next transaction connects again
                _settle(requests, Unavailable(NOT_AVAILABLE))
            elif len(requests) == 1:
                log.exception("packets refused")
                _settle(requests, error)
            else:
                for request in requests:
                    self._write([request])
        else:
            outage.over()
            _settle(requests, None)


def _settle(requests: Sequence[_Request], error: Exception | None) -> None:
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
        if not future.done():
            _resolve(future, error)


def _resolve(future: Future[None] | asyncio.Future[None], error: Exception | None) -> None:
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


_buffer = Buffer()
_owner = os.getpid()


def buffer() -> Buffer:
    """Return this process's buffer. A forked child gets its own: threads do not survive a fork."""
    global _buffer, _owner
    if _owner != os.getpid():
        _buffer, _owner = Buffer(), os.getpid()
    return _buffer


@atexit.register
def _flush() -> None:
    if _owner == os.getpid():
        _buffer.close()


def store(packets: Sequence[IncomingPacket]) -> None:
    """Store packets and return after the commit. Raises Unavailable if they were not accepted."""
    if not settings.GROUP_COMMIT:
        _store_alone(packets)
        return
    try:
        buffer().submit(packets).result(timeout=STORE_TIMEOUT_S)
    except TimeoutError as error:
        raise Unavailable("Writing the packets took too long.") from error


async def store_async(packets: Sequence[IncomingPacket]) -> None:
    """Like ``store``, on an event loop."""
    if not settings.GROUP_COMMIT:
        await database_sync_to_async(_store_alone)(packets)
        return
    try:
        async with asyncio.timeout(STORE_TIMEOUT_S):
            await buffer().submit_async(packets)
    except TimeoutError as error:
        raise Unavailable("Writing the packets took too long.") from error


def _store_alone(packets: Sequence[IncomingPacket]) -> None:
    try:
        record_packets(packets)
    except DatabaseError as error:
        if not is_outage(error):
            raise
        outage.note(error)
        raise Unavailable(NOT_AVAILABLE) from error
    outage.over()
