"""Tells open sockets when their key is no longer valid. One check per key, however many sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings

from calls.keys.access import SocketRefusal, address_of, as_socket_refusal
from calls.keys.keyring import NOT_VALID, KeyRefused, digest, ring
from calls.keys.limits import delay_packets

# Together less than one: a socket is closed within API_KEY_REFRESH seconds.
Send = Callable[[dict[str, Any]], Awaitable[None]]
LOOK_SHARE, RENEW_SHARE = 0.25, 0.5


class _Sockets:
    """The sockets of one key from one address, on one event loop."""

    def __init__(self) -> None:
        self.count = 0
        self.refused: asyncio.Future[SocketRefusal] = asyncio.get_running_loop().create_future()


class _LoopWatch:
    """What one event loop watches."""

    def __init__(self) -> None:
        self._sockets: dict[tuple[str, str], _Sockets] = {}
        self._looking: asyncio.Task[None] | None = None

    async def until_refused(self, wanted: str, address: str) -> SocketRefusal:
        sockets = self._sockets.setdefault((wanted, address), _Sockets())
        sockets.count += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            # Shielded: the others wait for the same future.
            return await asyncio.shield(sockets.refused)
        finally:
            sockets.count -= 1
            if not sockets.count:
                self._sockets.pop((wanted, address), None)
            if not self._sockets and self._looking:
                self._looking.cancel()
                self._looking = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(settings.API_KEY_REFRESH * LOOK_SHARE)
            ring.renew(older_than_s=settings.API_KEY_REFRESH * RENEW_SHARE)
            for (wanted, address), sockets in list(self._sockets.items()):
                refusal = _find_refusal(wanted, address)
                if refusal and not sockets.refused.done():
                    sockets.refused.set_result(as_socket_refusal(refusal))


class Watch:
    """What all event loops of this process watch."""

    def __init__(self) -> None:
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopWatch] = WeakKeyDictionary()

    async def until_refused(self, plain: str, address: str) -> SocketRefusal:
        """Wait until the key is no longer valid. A database outage ends nothing."""
        watched = self._loops.setdefault(asyncio.get_running_loop(), _LoopWatch())
        return await watched.until_refused(digest(plain), address)


def _find_refusal(wanted: str, address: str) -> KeyRefused | None:
    client = ring.last_known(wanted)
    return client.find_refusal(address, time.time()) if client else KeyRefused(NOT_VALID)


watch = Watch()


class KeyWatch:
    """Closes one socket when its key is no longer valid."""

    def __init__(self) -> None:
        self.refusal: SocketRefusal | None = None
        self._task: asyncio.Task[None] | None = None
        self._digest = ""

    async def pace(self) -> None:
        """Wait until the key's limit admits another frame. Meanwhile, nobody reads the socket."""
        client = ring.last_known(self._digest)
        if client:
            await delay_packets(client)

    def start(self, plain: str, address: str, send: Send) -> None:
        self._digest = digest(plain)
        self._task = asyncio.create_task(self._close_when_refused(plain, address, send))

    def stop(self) -> None:
        if self._task:
            self._task.cancel()

    async def _close_when_refused(self, plain: str, address: str, send: Send) -> None:
        self.refusal = await watch.until_refused(plain, address)
        code, reason = self.refusal
        with suppress(RuntimeError):  # it is closed already
            await send({"type": "websocket.close", "code": code, "reason": reason})


NO_WATCH = KeyWatch()


def close_when_refused(plain: str, scope: Mapping[str, Any], send: Send) -> KeyWatch:
    """Watch the key of a socket. Without a key, or with an open API, there is nothing to watch."""
    if not plain or settings.API_AUTH == "open":
        return NO_WATCH
    started = KeyWatch()
    started.start(plain, address_of(scope), send)
    return started
