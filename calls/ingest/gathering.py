"""The queue of requests, and the writer that waits for them.

Clients that were answered together send their next packets together. If the writer took the first
request at once, they would split into two groups whose transactions take turns. So it waits up to
GATHER_S for as many packets as the last transaction had and the queue held. Above GATHER_PACKETS,
waiting gains nothing.

For the first HTTP request of a burst, an event loop does not wake the writer. The two would only
contend for the interpreter's lock while the loop reads the rest. Sockets never pause, so their
packets wake it at once.

Requests of an event loop have a deadline. One timer serves all of them: ``asyncio.timeout`` would
make one for each, which takes longer than decoding a packet.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable

from calls.ingest.requests import StoreRequest

GATHER_S = 0.001
BURST_S = 0.002  # for a burst of an event loop, whose timers have a resolution of 1 ms
GATHER_PACKETS = 64
TRANSACTION_SIZE = 2_000  # packets after which a transaction takes no further request


class Gathering:
    """A queue for one writer. Hold the lock that it was made with, except for ``take``."""

    def __init__(self, lock: threading.Lock) -> None:
        self._changed = threading.Condition(lock)
        self._waiting: deque[StoreRequest] = deque()
        self.size = 0  # packets
        self.is_closing = False
        self.in_hand_since: float | None = None  # arrival of the oldest request in hand
        self._company = 1  # packets to wait for before the next transaction
        self._is_over = False  # an event loop has waited long enough for company
        self._taken = 0  # transactions

    def put(self, request: StoreRequest, loop: asyncio.AbstractEventLoop | None) -> None:
        """Add a request. ``loop`` is the event loop that is reading a burst, if there is one."""
        before = self.size
        self._waiting.append(request)
        self.size = before + len(request.packets)
        if loop is None or before < self._company <= self.size:
            self._changed.notify()
        elif not before:
            loop.call_later(BURST_S, self._end, self._taken)

    def take(self, timeout: float | None) -> list[StoreRequest]:
        """Wait for requests, and return one transaction's worth.

        Returns none after ``timeout``, and when the queue is closed and empty.
        """
        with self._changed:
            self._is_over = False
            self._changed.wait_for(lambda: self.size or self.is_closing, timeout)
            if not self.size:
                return []
            if not self._is_over:
                self._changed.wait_for(self._is_complete, GATHER_S)
            taken: list[StoreRequest] = []
            size = 0
            while self._waiting and size < TRANSACTION_SIZE:
                taken.append(self._waiting.popleft())
                size += len(taken[-1].packets)
            self.size -= size
            self._taken += 1
            if taken:
                self.in_hand_since = taken[0].arrived_at
            return taken

    def expect(self, packets: int) -> None:
        """Note how many packets have been stored, before their senders hear of it."""
        self._company = min(self.size + packets, GATHER_PACKETS)

    def age_s(self, now: float) -> float:
        """Return how long the oldest request has been waiting, or has been in hand."""
        oldest = self.in_hand_since
        if oldest is None and self._waiting:
            oldest = self._waiting[0].arrived_at
        return 0.0 if oldest is None else max(0.0, now - oldest)

    def close(self) -> None:
        """Let the writer take what is left."""
        self.is_closing = True
        self._changed.notify()

    def _is_complete(self) -> bool:
        return self.size >= self._company or self.is_closing

    def _end(self, taken: int) -> None:
        """Wake the writer, unless it has taken these requests already."""
        with self._changed:
            if taken == self._taken:
                self._is_over = True
                self._changed.notify()


Deadlined = deque[tuple[float, asyncio.Future[None]]]


class Deadlines:
    """Gives every future ``within_s`` seconds. Those that are late get an exception."""

    def __init__(self, within_s: float, too_late: Callable[[], Exception]) -> None:
        self._within_s = within_s
        self._too_late = too_late
        self._waiting: dict[asyncio.AbstractEventLoop, Deadlined] = {}

    def watch(self, future: asyncio.Future[None], loop: asyncio.AbstractEventLoop) -> None:
        """Call on the future's loop, once for each future."""
        due_at = loop.time() + self._within_s
        waiting = self._waiting.get(loop)
        if waiting is None:
            waiting = self._waiting[loop] = deque()
            loop.call_at(due_at, self._end_late, loop)
        while waiting and waiting[0][1].done():
            waiting.popleft()
        waiting.append((due_at, future))

    def _end_late(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, now = self._waiting[loop], loop.time()
        while waiting and (waiting[0][1].done() or waiting[0][0] <= now):
            _, future = waiting.popleft()
            if not future.done():
                future.set_exception(self._too_late())
        if waiting:
            loop.call_at(waiting[0][0], self._end_late, loop)
        else:
            del self._waiting[loop]
