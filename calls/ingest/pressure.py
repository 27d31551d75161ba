"""Decides when to refuse packets and new streams: by how long packets wait to be written.

Pure state: the caller measures and passes the time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

STAND_S = 0.25


@dataclass
class Shedding:
    """Begins when the wait has been ``limit_s`` for STAND_S, or is far above it.

    A single slow commit is not overload; a persistent queue is. Ends once the wait has been half
    of the limit for ``calm_s``, so that it does not flip with every transaction.
    """

    limit_s: float
    calm_s: float
    since: float | None = None
    _high_since: float | None = None
    _calm_since: float | None = None
    _noted_at: float = 0.0

    def note(self, wait_s: float, now: float) -> bool:
        """Take a measurement. Returns whether to refuse."""
        if wait_s >= self.limit_s:
            self._rise(wait_s, now)
        else:
            self._high_since = None
            if self.since is not None:
                self._calm_down(wait_s, now)
        self._noted_at = now
        return self.since is not None

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


TICK_S = 0.05
LINGER_S = 1.0


class LoopLag:
    """Measures how late an event loop is. What it has not read yet waits for at least as long.

    The timer runs only while packets arrive.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._due_at = self._used_at = self._lag_s = 0.0

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call for each request."""
        self._used_at = loop.time()
        if self._loop is not loop:
            self._loop = loop
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
        # In a loop that is late, the last packet may be older than LINGER_S without being the last.
        if self._lag_s >= TICK_S or loop.time() - self._used_at < LINGER_S:
            self._plan(loop)
        else:
            self._loop = None
