"""Connections that send at a rate, as calls do. They honour 503 and 1013, and keep count."""

from __future__ import annotations

import asyncio
import json
import time
from array import array
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import cast

from benchmarks.ingest.carriers import _MEDIA, _START, _STOP, FRAME_S, TRACKS
from benchmarks.ingest.connections import HOST, _content_length, read_frames, write_frame
from benchmarks.rig.phones import Phone

RETRY_REQUEST_S = 1.0
RETRY_STREAM_S = 5.0
UNANSWERED = 2_000  # packets of one socket
CLOSE_FRAME = 0x88


@dataclass(frozen=True, kw_only=True)
class Offer:
    """``senders`` calls send ``rate`` requests a second each, with ``packets`` packets."""

    kind: str
    port: int = 0
    key: str = ""
    prefix: str = ""
    senders: int = 1
    rate: float = 20.0
    packets: int = 1
    seconds: float = 60.0
    ramp_s: float = 5.0


@dataclass
class Ledger:
    """What the server said. Latencies exclude the time in which senders are still starting."""

    measured_from: float
    answers: Counter[str] = field(default_factory=Counter)
    closed: int = 0  # sockets closed by the server after it had accepted them
    acknowledged: int = 0
    sent: int = 0  # frames of carriers
    latencies: array[float] = field(default_factory=lambda: array("d"))

    def accept(self, sent_at: float, packets: int) -> None:
        now = time.monotonic()
        self.answers["accepted"] += 1
        self.acknowledged += packets
        if sent_at >= self.measured_from:
            self.latencies.append(now - sent_at)


class Sender(asyncio.Protocol):
    """One call. ``stopping`` is set when it is told to stop, ``done`` when all is answered."""

    def __init__(self, offer: Offer, ledger: Ledger, number: int) -> None:
        self.offer, self.ledger = offer, ledger
        self.phone = Phone(f"{offer.prefix}-{number}")
        self.loop = asyncio.get_running_loop()
        self.done = self.loop.create_future()
        self.stopping = self.is_open = False
        self.received = b""

    async def connect(self) -> None:
        while not self.stopping:
            try:
                await self.loop.create_connection(lambda: self, HOST, self.offer.port)
            except OSError:
                self.ledger.answers["no connection"] += 1
                await asyncio.sleep(RETRY_REQUEST_S)
            else:
                return
        self.finish()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.received, self.is_open = b"", False
        self.greet()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.is_open and not self.done.done():
            self.ledger.closed += 1
        self.is_open = False
        self.come_back(RETRY_STREAM_S)

    def come_back(self, pause_s: float) -> None:
        if self.stopping or self.done.done():
            self.finish()
        else:
            self.loop.call_later(pause_s, lambda: asyncio.ensure_future(self.connect()))

    def greet(self) -> None: ...

    def stop(self) -> None:
        self.stopping = True
        if not self.is_open:
            self.finish()

    def finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        if self.is_open:
            self.is_open = False
            self.transport.close()


class HttpSender(Sender):
    """Sends the next request when it is due and the previous one is answered."""

    _request = b""
    _due = _sent_at = 0.0
    _next_send: asyncio.TimerHandle | None = None

    def greet(self) -> None:
        # Planned on the connection before. It would send this request a second time.
        if self._next_send:
            self._next_send.cancel()
        self.is_open, self._due = True, self.loop.time()
        self._send()

    def _send(self) -> None:
        if self.stopping:
            self.finish()
            return
        if not self._request:
            count = self.offer.packets
            body = self.phone.packet() if count == 1 else self.phone.packets(count)
            path = f"/v1/call/stream/{self.phone.call_id}" + ("/batch" if count > 1 else "")
            self._request = (
                f"POST {path} HTTP/1.1\r\nHost: {HOST}:{self.offer.port}\r\n"
                f"Authorization: Bearer {self.offer.key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode() + body
        if self.transport.is_closing():
            return
        self._sent_at = time.monotonic()
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found or len(body) < _content_length(head):
            return
        self.received, status = b"", head[9:12].decode()
        self._next_send = self.loop.call_at(self._next(status), self._send)

    def _next(self, status: str) -> float:
        if status == "503":
            self.ledger.answers[status] += 1
            self._due = self.loop.time() + RETRY_REQUEST_S
            return self._due
        if status == "202":
            self.ledger.accept(self._sent_at, self.offer.packets)
        else:
            self.ledger.answers[status] += 1
        self._request = b""
        self._due = max(self.loop.time(), self._due + 1 / self.offer.rate)
        return self._due


class StreamSender(Sender):
    """A WebSocket: opens, is refused and tries again, or sends at its rate."""

    path = ""

    def greet(self) -> None:
        self.transport.write(
            (
                f"GET {self.path} HTTP/1.1\r\nHost: {HOST}:{self.offer.port}\r\n"
                f"Authorization: Bearer {self.offer.key}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.is_open:
            head, found, rest = self.received.partition(b"\r\n\r\n")
            if not found:
                return
            status = head[9:12].decode()
            if status != "101":
                self.ledger.answers[status] += 1
                self.transport.close()
                return
            self.is_open, self.received = True, rest
            self.begin()
        if self.received and self.received[0] == CLOSE_FRAME:
            code = int.from_bytes(self.received[2:4])
            self.ledger.answers[str(code)] += 1
            if code == 1013 or self.stopping:
                self.is_open = False  # refused, or the end: not a loss
            return
        messages, self.received = read_frames(self.received)
        for message in messages:
            self.take(message)

    def begin(self) -> None: ...

    def take(self, message: bytes) -> None: ...


class NativeSender(StreamSender):
    def __init__(self, offer: Offer, ledger: Ledger, number: int) -> None:
        super().__init__(offer, ledger, number)
        self.path = f"/v1/call/stream/{self.phone.call_id}"
        self._unanswered: deque[tuple[bytes, float]] = deque()
        self._count = 0

    def begin(self) -> None:
        self._count = 0
        self.transport.write(b"".join(frame for frame, _ in self._unanswered))
        self._tick()

    def _tick(self) -> None:
        if not self.is_open or self.stopping:
            return
        # A sender that is held back by TCP waits, as the protocol asks it to.
        if not self.transport.get_write_buffer_size() and len(self._unanswered) < UNANSWERED:
            frame = write_frame(self.phone.packet())
            self._unanswered.append((frame, time.monotonic()))
            self.transport.write(frame)
        self.loop.call_later(1 / self.offer.rate, self._tick)

    def take(self, message: bytes) -> None:
        answer = json.loads(message)
        if answer["type"] == "error":
            self.ledger.answers["error"] += 1
        while self._count < answer.get("count", 0):
            _, sent_at = self._unanswered.popleft()
            self._count += 1
            self.ledger.accept(sent_at, 1)
        if self.stopping and not self._unanswered:
            self.finish()

    def stop(self) -> None:
        super().stop()
        if not self._unanswered:
            self.finish()


class CarrierSender(StreamSender):
    """Two tracks in real time. A carrier keeps nothing, so a late frame is sent all the same."""

    path = "/v1/media"

    def __init__(self, offer: Offer, ledger: Ledger, number: int) -> None:
        super().__init__(offer, ledger, number)
        self.sent_at: list[float] = []
        self._begin = 0.0

    def begin(self) -> None:
        name = self.phone.call_id.encode()
        self.transport.write(write_frame(_START % (name, name, name)))
        self._begin = self.loop.time()
        self._tick()

    def _tick(self) -> None:
        if not self.is_open or self.stopping:
            return
        while self._begin + len(self.sent_at) * FRAME_S <= self.loop.time():
            at = len(self.sent_at)
            number, chunk, stamp = at * len(TRACKS) + 2, at + 1, at * 20
            for place, track in enumerate(TRACKS):
                frame = _MEDIA % (number + place, track, chunk, stamp)
                self.transport.write(write_frame(frame))
            self.sent_at.append(time.monotonic())
            self.ledger.sent += len(TRACKS)
        self.loop.call_at(self._begin + len(self.sent_at) * FRAME_S, self._tick)

    def stop(self) -> None:
        super().stop()
        if self.is_open:
            self.transport.write(write_frame(_STOP % (len(self.sent_at) * len(TRACKS) + 2)))


SENDERS = {
    "single": HttpSender,
    "batch": HttpSender,
    "websocket": NativeSender,
    "carrier": CarrierSender,
}
