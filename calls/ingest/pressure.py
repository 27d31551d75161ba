"""Decides when to refuse packets and new streams: by how long packets wait to be written.

A stream that has been admitted sends for minutes, so new ones are admitted only while the event
loop and the writer have room for them, before anything waits.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

STAND_S = 0.25
SHARE = 0.25  # of the requests that are refused if the wait is twice the limit
ALL_ABOVE = 4  # times the limit


@dataclass
class Shedding:
    """Begins when the wait has been ``limit_s`` for STAND_S, or is far above it.

    A single slow commit is not overload; a persistent queue is. Ends once the wait has been half
    of the limit for ``calm_s``, so that it does not flip with every transaction.
    """

    limit_s: float
    calm_s: float
    since: float | None = None
    _wait_s: float = 0.0
    _owed: float = 0.0  # requests to refuse
    _took_s: float = 0.0
    _took_at: float = -STAND_S
    _high_since: float | None = None
    _calm_since: float | None = None
    _noted_at: float = 0.0

    def note(self, wait_s: float, now: float) -> bool:
        """Take a measurement. Returns whether to refuse."""
        if now - self._took_at < STAND_S:
            wait_s = max(wait_s, self._took_s)
        self._wait_s = wait_s
        if wait_s >= self.limit_s:
            self._rise(wait_s, now)
        else:
            self._high_since = None
            if self.since is not None:
                self._calm_down(wait_s, now)
        self._noted_at = now
        return self.since is not None

    def note_stored(self, took_s: float, now: float) -> None:
        """Note how long the oldest of the requests took that have just been stored.

        The wait of those that are in hand is known only in part.
        """
        self._took_s, self._took_at = took_s, now

    @property
    def refuses_all(self) -> bool:
        return self.since is not None and self._wait_s >= ALL_ABOVE * self.limit_s

    def refuses(self) -> bool:
        """Whether to refuse the request that asks: more of them, the longer the wait is.

        Those who are refused come back later. If all were, they would come back together, and
        nobody would send in between.
        """
        if self.since is None:
            return False
        if self.refuses_all:
            return True
        self._owed += max(0.0, SHARE * (self._wait_s / self.limit_s - 1))
        is_due = self._owed >= 1
        self._owed -= is_due
        return is_due

    def _rise(self, wait_s: float, now: float) -> None:
        self._calm_since = None
        if self._high_since is None:
            self._high_since = now
        stands = now - self._high_since >= STAND_S or wait_s >= self.limit_s + STAND_S
        if stands and self.since is None:
            self.since = now

    def _calm_down(self, wait_s: float, now: float) -> None:
        if wait_s > self.limit_s / 2:
            self._calm_since = None
            return
        if self._calm_since is None:
            self._calm_since = self._noted_at
        if now - self._calm_since >= self.calm_s:
            self.since = self._calm_since = None


SMALL_PACKETS = 100  # of a transaction in which the commit takes most of the time
MEASURED_PACKETS = 200  # of one that says how long each packet takes
SLOW_COMMIT_S = 0.05
LEAST_SHARE = 0.25


class Speed:
    """How long transactions take: small ones altogether, large ones for each packet."""

    def __init__(self) -> None:
        self.commit_s = SLOW_COMMIT_S
        self.packet_s = 0.0

    def note(self, packets: int, took_s: float) -> None:
        if packets <= SMALL_PACKETS:
            # A fast one shows what the disk can do. A slow one may have waited for a core.
            self.commit_s += (took_s - self.commit_s) / (4 if took_s < self.commit_s else 200)
        elif packets >= MEASURED_PACKETS:
            of_one = took_s / packets
            self.packet_s = (3 * self.packet_s + of_one) / 4 if self.packet_s else of_one

    def seconds_for(self, packets: int) -> float:
        """Return how long it takes to write so many; 0 for so few that the commit takes longer."""
        return packets * self.packet_s if packets >= MEASURED_PACKETS else 0.0

    def limit_s(self, most_s: float) -> float:
        """Return how long packets may wait. With a fast disk, a shorter wait is a queue already."""
        return most_s * min(1.0, max(LEAST_SHARE, self.commit_s / SLOW_COMMIT_S))


TICK_S = 0.05
LINGER_S = 1.0


class LoopLag:
    """Measures how late an event loop is. Data that it has not read has waited at least as long.

    Also measures how busy the loop and the writer are. The timer runs only while packets arrive.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.writer = WriterTime(clock)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due_at = self._used_at = self._lag_s = 0.0
        self._reading, self._writing = Load(), Load()

    @property
    def load(self) -> float:
        """The load of the loop or of the writer, whichever is higher."""
        return max(self._reading.share, self._writing.share)

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call for each request."""
        self._used_at = loop.time()
        if self._loop is not loop:
            self._loop, self._lag_s = loop, 0.0
            self._plan(loop)

    def now_s(self) -> float:
        """Return the lag. Any thread may ask."""
        loop = self._loop
        return 0.0 if loop is None else max(self._lag_s, loop.time() - self._due_at)

    def _plan(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due_at = loop.time() + TICK_S
        loop.call_at(self._due_at, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not loop:
            return
        # Falls by halves, because a loop that is late is not late in every round.
        self._lag_s = max(loop.time() - self._due_at, self._lag_s / 2)
        self._reading.note(loop.time(), thread_seconds())
        self._writing.note(loop.time(), self.writer.seconds())
        # In a loop that is late, the last packet may be older than LINGER_S without being the last.
        if self._lag_s >= TICK_S or loop.time() - self._used_at < LINGER_S:
            self._plan(loop)
        else:
            self._loop = None
            self._reading.clear()
            self._writing.clear()


LOAD_WINDOW_S = 0.5
LOAD_FALLS_PER_S = 0.1


class Load:
    """The share of the last half second in which a thread was busy, from 0 to 1.

    Falls slowly: a busy thread that had to wait for a disk for a moment has no time to spare.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque()
        self.share = 0.0

    def note(self, now: float, busy_s: float) -> None:
        """Take a measurement: the time, and for how long the thread has been busy since ever."""
        least = self.share - LOAD_FALLS_PER_S * (now - self._samples[-1][0] if self._samples else 0)
        self._samples.append((now, busy_s))
        while self._samples[0][0] < now - LOAD_WINDOW_S:
            first, first_s = self._samples.popleft()
            self.share = min(1.0, max(least, (busy_s - first_s) / (now - first)))

    def clear(self) -> None:
        self._samples.clear()
        self.share = 0.0


FULL_TRANSACTION = 500  # packets of sockets; see docs/performance.md


class WriterTime:
    """How long a writer has been busy with transactions that say that it can take no more.

    Only packets of sockets count. HTTP requests wait for their responses, so they slow down by
    themselves. A slow disk makes transactions long, but seldom full.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._before_s = 0.0
        self._since: float | None = None

    @contextmanager
    def spent(self, packets: int) -> Iterator[None]:
        """Count the time of a transaction with so many packets of sockets."""
        begun_at = self._clock()
        if packets >= FULL_TRANSACTION:
            self._since = begun_at
        try:
            yield
        finally:
            if self._since is not None:
                self._since = None
                self._before_s += self._clock() - begun_at

    def seconds(self) -> float:
        """Return the time so far. Any thread may ask."""
        since = self._since
        return self._before_s + (0.0 if since is None else self._clock() - since)


_SCHEDULER = Path("/proc/thread-self/schedstat")


def thread_seconds() -> float:
    """Return for how many seconds this thread has run, or has waited for a core.

    Only Linux tells the time of waiting. See "Scheduler Statistics" in the kernel's documentation.
    """
    with suppress(OSError, ValueError, IndexError):
        ran, waited = _SCHEDULER.read_bytes().split()[:2]
        return (int(ran) + int(waited)) / 1e9
    return time.thread_time()


UNREAD_WINDOW_S = 0.5
LEAST_OPEN_S = 1.0  # before that, the rate of a stream is unknown


class Unread:
    """How long the bytes of streams lie in their sockets before they are read.

    By Little's law: what one reading brings, divided by the rate of the stream. Averaged over all
    bytes of the last half second, so that a single slow network counts little.
    """

    def __init__(self) -> None:
        self._bytes = self._byte_s = 0.0
        self._begun_at = self._wait_s = 0.0

    def note(self, size: int, total: int, open_s: float, now: float) -> None:
        """Take a reading of ``size`` bytes, of ``total`` since the stream was opened."""
        if open_s < LEAST_OPEN_S:
            return
        if now - self._begun_at >= UNREAD_WINDOW_S:
            self._wait_s = self._byte_s / self._bytes if self._bytes else 0.0
            self._bytes = self._byte_s = 0.0
            self._begun_at = now
        self._bytes += size
        self._byte_s += size * size * open_s / total

    def wait_s(self, now: float) -> float:
        return self._wait_s if now - self._begun_at < 2 * UNREAD_WINDOW_S else 0.0


unread = Unread()  # of the streams of this process

STREAMS_CALM_S = 2.0
FULL_PACE_S = 5.0
IN_LOAD_AFTER_S = 1.0  # before that, the load does not show what a new stream needs
LEAST_OF_ONE = 0.002  # open streams may be silent, and new ones not
MOST_OF_ONE = 0.015  # of the time of a loop: the load of a stream of which nothing is known


class Admission:
    """Admits a new stream if packets do not wait for more than ``late_s``, and the load has room.

    Room for the stream itself, and for those that the load does not show yet. ``full`` is the load
    of an event loop or a writer that should take no more. But a bulk upload, which gives way to
    others, can fill the loop too. So a full one still admits a stream now and then.
    """

    def __init__(self, late_s: float, full: float) -> None:
        self._late = Shedding(late_s, STREAMS_CALM_S)
        self.waiting = 0  # streams that ask again until there is room
        self._full = full
        self._load = 0.0
        self._open = 0
        self._new: deque[float] = deque()  # when those that the load does not show were admitted
        self._last_at = -FULL_PACE_S

    def admit(self, wait_s: float, load: float, now: float) -> bool | None:
        """Return whether a stream was admitted. None: there is no room, but there may be soon."""
        # Unread bytes say that this process is late only if it has no time to read them.
        if self._full < 1 and load >= self._full:
            wait_s += unread.wait_s(time.monotonic())
        if self._late.note(wait_s, now):
            return False
        while self._new and now - self._new[0] >= IN_LOAD_AFTER_S:
            self._new.popleft()
        self._load = load
        if not self._has_room() and now - self._last_at < FULL_PACE_S:
            return None
        self.begin(now)
        return True

    def begin(self, now: float) -> None:
        """Count a stream. Call ``end`` when it has ended."""
        self._open += 1
        self._last_at = now
        self._new.append(now)

    def end(self) -> None:
        self._open -= 1

    def may_wait(self, seconds: float) -> bool:
        """Whether there may be room within a time for those that wait and one more, at best."""
        room = self._full - self._load + LOAD_FALLS_PER_S * seconds
        return self._of_one(LEAST_OF_ONE) * (self.waiting + 1) <= room

    def _has_room(self) -> bool:
        needed = self._of_one(MOST_OF_ONE) * (len(self._new) + 1)
        return self._full >= 1 or self._load + needed <= self._full

    def _of_one(self, unknown: float) -> float:
        """Return the load of one stream, or ``unknown`` if the load shows none."""
        shown = self._open - len(self._new)
        return min(MOST_OF_ONE, max(LEAST_OF_ONE, self._load / shown)) if shown > 0 else unknown
