"""Lightweight connections: one HTTP request at a time, or a window of packets over a WebSocket.

Both keep packets until they are acknowledged, and send them again on a new connection.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import cast

from benchmarks.rig.load import Load, Tally
from benchmarks.rig.phones import Phone

HOST = "127.0.0.1"
RECONNECT_S = 0.05
ACCEPTED = 202
BUSY = 503


class Connection(asyncio.Protocol):
    """Reconnects after a disconnect. ``finished`` is done when every packet is answered."""

    def __init__(self, load: Load, tally: Tally) -> None:
        self.load = load
        self.tally = tally
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._received = b""

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.finished.done():
            try:
                await loop.create_connection(lambda: self, HOST, self.load.port)
            except OSError:
                await asyncio.sleep(RECONNECT_S)
            else:
                return

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's class is not a subclass
        self._received = b""
        self.greet()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.tally.reconnections += 1
            self._reconnecting = asyncio.ensure_future(self.connect())

    def greet(self) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        if not self.finished.done():
            self.finished.set_result(None)
        self.transport.close()


class HttpConnection(Connection):
    """Sends the next request after the response to the previous one."""

    def __init__(self, load: Load, tally: Tally, phones: Iterator[Phone]) -> None:
        super().__init__(load, tally)
        self._phones = phones
        self._heads: dict[str, bytes] = {}
        self._request = b""
        self._sent_at = 0.0

    def greet(self) -> None:
        # The response to this request was lost with the connection, so it is sent again.
        if self._request:
            self._send()
        else:
            self._next()

    def _next(self) -> None:
        phone, count = next(self._phones), self.load.packets
        body = phone.packet() if count == 1 else phone.packets(count)
        head = self._heads.get(phone.call_id) or self._head(phone.call_id)
        self._request = head % len(body) + body
        self._send()

    def _head(self, call_id: str) -> bytes:
        address = f"/v1/call/stream/{call_id}" + ("/batch" if self.load.packets > 1 else "")
        head = (
            f"POST {address} HTTP/1.1\r\nHost: {HOST}:{self.load.port}\r\n"
            f"Authorization: Bearer {self.load.key}\r\n"
            "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        )
        return self._heads.setdefault(call_id, head.encode())

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _content_length(head):
            return
        self._received = b""
        self._take(int(head[9:12]))

    def _take(self, status: int) -> None:
        now = time.perf_counter()
        # The request is kept: a packet counts as sent until it is acknowledged.
        if status == BUSY:
            self.tally.errors += 1
            asyncio.get_running_loop().call_later(RECONNECT_S, self._send)
            return
        if status == ACCEPTED:
            self.tally.acknowledge(self._sent_at, now, self.load.packets)
        else:
            self.tally.errors += 1
        if self.tally.is_over(now):
            self.finish()
        else:
            self._next()


@lru_cache(maxsize=64)  # response heads repeat until their date changes
def _content_length(head: bytes) -> int:
    found = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
    return int(found[1]) if found else 0


class SocketConnection(Connection):
    """Keeps up to ``window`` packets of one call unanswered. Acknowledgements are cumulative."""

    def __init__(self, load: Load, tally: Tally, phone: Phone) -> None:
        super().__init__(load, tally)
        self._phone = phone
        self._unacknowledged: deque[tuple[bytes, float]] = deque()
        self._count = 0  # acknowledged on this connection
        self._is_open = False

    def greet(self) -> None:
        self._count, self._is_open = 0, False
        self.transport.write(
            (
                f"GET /v1/call/stream/{self._phone.call_id} HTTP/1.1\r\n"
                f"Host: {HOST}:{self.load.port}\r\nAuthorization: Bearer {self.load.key}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._is_open:
            head, found, rest = self._received.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.tally.errors += 1
                self.transport.close()
                return
            self._is_open, self._received = True, rest
        messages, self._received = read_frames(self._received)
        for message in messages:
            self._take(message)

    def _take(self, text: bytes) -> None:
        message = json.loads(text)
        if message["type"] == "ready":
            # The server may have stored some of them. Duplicates are acknowledged as well.
            again = [frame for frame, _ in self._unacknowledged]
            self.transport.write(b"".join(again))
            self._fill(time.perf_counter())
        elif message["type"] == "ack":
            self._acknowledge(message["count"])
        else:
            self.tally.errors += 1

    def _acknowledge(self, count: int) -> None:
        now, size = time.perf_counter(), self.load.packets
        while self._count < count:
            _, sent_at = self._unacknowledged.popleft()
            self._count += size
            self.tally.acknowledge(sent_at, now, size)
        if not self.tally.is_over(now):
            self._fill(now)
        elif not self._unacknowledged:
            self.finish()

    def _fill(self, now: float) -> None:
        size, phone, new = self.load.packets, self._phone, []
        room = self.load.window // size - len(self._unacknowledged)
        for _ in range(room):
            frame = write_frame(phone.packet() if size == 1 else phone.packets(size))
            self._unacknowledged.append((frame, now))
            new.append(frame)
        self.transport.write(b"".join(new))


def write_frame(payload: bytes) -> bytes:
    """Return a text frame. A zero mask is valid and leaves the payload unchanged."""
    size = len(payload)
    if size < 126:
        head = bytes([0x81, 0x80 | size])
    elif size < 65_536:
        head = b"\x81\xfe" + size.to_bytes(2)
    else:
        head = b"\x81\xff" + size.to_bytes(8)
    return head + b"\0\0\0\0" + payload


def read_frames(data: bytes) -> tuple[list[bytes], bytes]:
    """Return the complete text messages from a server, and the incomplete rest."""
    messages, at = [], 0
    while len(data) - at >= 2:
        size, begin = data[at + 1], at + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, begin = int.from_bytes(data[begin : begin + width]), begin + width
        if len(data) < begin + size:
            break
        if data[at] == 0x81:
            messages.append(data[begin : begin + size])
        at = begin + size
    return messages, data[at:]
