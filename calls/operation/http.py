"""Uvicorn's HTTP protocol, with one write for a response instead of two."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HELD_BYTES = 4096  # more is written at once: copying it would cost more than another write


class JoinedWrites:
    """A transport that holds the head of a response back until its body follows.

    Each write is a system call, a packet on the network, and a reason for the client to wake up. A
    head whose body does not follow at once is sent in the next round of the event loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.transport = transport
        self._loop = loop
        self._held: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        if self._held is not None:
            data, self._held = self._held + data, None
            self.transport.write(data)
        elif len(data) > HELD_BYTES:
            self.transport.write(data)
        else:
            self._held = data
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self.transport.write(held)

    def close(self) -> None:
        self.flush()
        self.transport.close()

    def is_closing(self) -> bool:
        return self.transport.is_closing()


class HttpProtocol(HttpToolsProtocol):
    """Give it to Uvicorn as ``http``."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._joined = JoinedWrites(cast(asyncio.Transport, transport), self.loop)
        super().connection_made(cast(asyncio.Transport, self._joined))

    def handle_websocket_upgrade(self) -> None:
        # A WebSocket joins its frames itself, so it gets the transport as it is.
        self._joined.flush()
        self.transport = self._joined.transport
        super().handle_websocket_upgrade()
