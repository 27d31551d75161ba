"""An audience for the feed: sockets that keep when each event came, at next to no cost."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import datetime
from functools import lru_cache
from typing import cast

EVENT = re.compile(rb'"offset":(\d+),"at":"([^"]+)"')
LONGEST_EVENT = 16_384
REQUEST = (
    "GET /stream/ws/supervisor HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@lru_cache(maxsize=100_000)
def _seconds(at: bytes) -> float:
    return datetime.fromisoformat(at.decode()).timestamp()


class Watcher(asyncio.Protocol):
    """Takes events out of the stream of frames without decoding these: the server is measured."""

    def __init__(self, port: int) -> None:
        self.greeted = asyncio.Event()
        self.offsets: list[int] = []
        self.delays_s: list[float] = []
        self.is_lost = False
        self._port = port
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(REQUEST.format(port=self._port).encode())

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True

    def data_received(self, data: bytes) -> None:
        now, data, end = time.time(), self._rest + data, 0
        if not self.greeted.is_set() and b'"hello"' in data:
            self.greeted.set()
        for found in EVENT.finditer(data):
            self.offsets.append(int(found[1]))
            self.delays_s.append(now - _seconds(found[2]))
            end = found.end()
        self._rest = data[end:][-LONGEST_EVENT:]


async def gather(port: int, count: int) -> list[Watcher]:
    """Open that many sockets, and wait until each was greeted."""
    loop = asyncio.get_running_loop()
    watchers = []
    for _ in range(count):
        _, watcher = await loop.create_connection(lambda: Watcher(port), "127.0.0.1", port)
        watchers.append(watcher)
        await asyncio.wait_for(watcher.greeted.wait(), 30)
    return watchers
