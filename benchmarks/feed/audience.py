"""Opens many sockets to the feed, which time each event at little cost."""

from __future__ import annotations

import asyncio
import re
import time
from array import array
from datetime import datetime
from functools import lru_cache
from typing import cast

EVENT = re.compile(rb'"offset":(\d+),"at":"([^"]+)"')
# JSON never contains these bytes. The server drops a client that does not answer for 40 s.
PING = re.compile(rb"\x89\x04(.{4})", re.DOTALL)
PONG = b"\x8a\x84\0\0\0\0"  # masked with zeros
LONGEST_EVENT = 16_384
LONGEST_DELAY_MS = 60_000
REQUEST = (
    "GET /stream/ws/supervisor HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


# Five hundred sockets get the same time, so it is parsed once.
@lru_cache(maxsize=10_000)
def _seconds(at: bytes) -> float:
    return datetime.fromisoformat(at.decode()).timestamp()


class Delays:
    """Counts delays by millisecond, so that millions of them fit into one list."""

    def __init__(self) -> None:
        self._counts = array("q", bytes(8 * (LONGEST_DELAY_MS + 1)))

    def add(self, seconds: float) -> None:
        self._counts[min(max(0, round(seconds * 1000)), LONGEST_DELAY_MS)] += 1

    def quantile(self, share: float) -> int:
        """Return the delay in ms that this share of all events did not exceed."""
        wanted, seen = share * sum(self._counts), 0
        for delay, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return delay
        return 0


class Watcher(asyncio.Protocol):
    """Finds events without decoding frames, to leave the CPU to the server.

    Offsets must grow, so a count of events shows whether one is missing.
    """

    def __init__(self, port: int, delays: Delays) -> None:
        self.greeted = asyncio.Event()
        self.count = 0
        self.last = 0
        self.out_of_order = 0
        self.is_lost = False
        self._delays = delays
        self._port = port
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(REQUEST.format(port=self._port).encode())

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True

    def data_received(self, data: bytes) -> None:
        now, data, end = time.time(), self._rest + data, 0
        if not self.greeted.is_set() and b'"hello"' in data:
            self.greeted.set()
        if ping := PING.search(data):
            self._transport.write(PONG + ping[1])
            data = data[: ping.start()] + data[ping.end() :]
        for found in EVENT.finditer(data):
            self._take(int(found[1]), now - _seconds(found[2]))
            end = found.end()
        # An event may continue in the next piece of data.
        self._rest = data[end:][-LONGEST_EVENT:]

    def _take(self, offset: int, delay_s: float) -> None:
        if offset <= self.last:
            self.out_of_order += 1
            return
        self.last = offset
        self.count += 1
        self._delays.add(delay_s)


async def gather(port: int, count: int, delays: Delays) -> list[Watcher]:
    """Open ``count`` sockets, and wait until the server has greeted each."""
    loop = asyncio.get_running_loop()
    watchers = []
    for _ in range(count):
        _, watcher = await loop.create_connection(lambda: Watcher(port, delays), "127.0.0.1", port)
        watchers.append(watcher)
        await asyncio.wait_for(watcher.greeted.wait(), 30)
    return watchers
