"""Whether this web process has been told to stop, for everything that has to end before it does."""

from __future__ import annotations

import asyncio

CLOSE_RESTART = 1012  # "service restart" in the IANA registry: clients connect again at once
RETRY_AFTER_S = 1  # by then, proxies send clients to another process, or this one has started again


class Draining:
    """Begins once and never ends. Any thread may ask; tasks of any event loop may wait for it."""

    def __init__(self) -> None:
        self._has_begun = False
        self._waiting: set[asyncio.Future[None]] = set()

    def has_begun(self) -> bool:
        return self._has_begun

    def begin(self) -> None:
        self._has_begun = True
        for waiting in tuple(self._waiting):
            waiting.get_loop().call_soon_threadsafe(_wake, waiting)

    async def begun(self) -> int:
        """Wait until it begins. Returns the code with which sockets then close."""
        if not self._has_begun:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.add(waiting)
            try:
                await waiting
            finally:
                self._waiting.discard(waiting)
        return CLOSE_RESTART


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


draining = Draining()
