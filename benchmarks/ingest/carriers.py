"""Streams calls as a carrier does: one socket for each call, two tracks, JSON every 20 ms.

The clock paces the frames. A late client catches up. The time of each frame is recorded.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.ingest.connections import HOST, Connection, write_frame
from benchmarks.rig.load import Load, Tally

FRAME_S = 0.02
FRAME_BYTES = 160  # 20 ms of mu-law
TRACKS = (b"inbound", b"outbound")
# A tenth of a frame: finer pacing would cost the client the CPU that it leaves to the server.
AGAIN_S = 1.0
TICK_S = 0.002
PING, PONG = 0x89, 0x8A
_PAYLOAD = base64.b64encode(bytes(range(FRAME_BYTES)))
_MEDIA = (
    b'{"event":"media","sequenceNumber":"%d","streamSid":"MZ","media":'
    b'{"track":"%s","chunk":"%d","timestamp":"%d","payload":"' + _PAYLOAD + b'"}}'
)
_START = (
    b'{"event":"start","sequenceNumber":"1","streamSid":"%b","start":{"streamSid":"%b",'
    b'"callSid":"%b","tracks":["inbound","outbound"],"mediaFormat":'
    b'{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}'
)
_STOP = b'{"event":"stop","sequenceNumber":"%d","streamSid":"MZ"}'


class CarrierConnection(Connection):
    """One call. ``sent_at[n]`` is the time when frame n of both tracks was sent."""

    def __init__(self, load: Load, tally: Tally, call_id: str) -> None:
        super().__init__(load, tally)
        self.call_id = call_id
        self.sent_at: list[float] = []
        self.is_open = False

    def greet(self) -> None:
        self.transport.write(
            (
                f"GET /v1/media HTTP/1.1\r\nHost: {HOST}:{self.load.port}\r\n"
                f"Authorization: Bearer {self.load.key}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            ).encode()
        )

    def data_received(self, data: bytes) -> None:
        if self.is_open:
            self._answer_pings(data)
            return
        if not data.startswith(b"HTTP/1.1 101"):
            self.tally.errors += 1
            self.finish()
            return
        name = self.call_id.encode()
        self.transport.write(write_frame(b'{"event":"connected","protocol":"Call"}'))
        self.transport.write(write_frame(_START % (name, name, name)))
        self.is_open = True

    async def opened(self, *, tries: int = 1) -> None:
        """Wait until the server takes the stream. One that it refuses is offered again."""
        while not self.is_open:
            await asyncio.sleep(TICK_S)
            if not self.finished.done() or self.is_open:
                continue
            tries -= 1
            if not tries:
                raise RuntimeError(f"The server refused the stream of {self.call_id}.")
            await asyncio.sleep(AGAIN_S)
            self.finished = asyncio.get_running_loop().create_future()
            await self.connect()

    def _answer_pings(self, data: bytes) -> None:
        """Answer pings. The server sends a carrier nothing else."""
        if data[0] == PING and len(data) == data[1] + 2:
            self.transport.write(bytes([PONG, 0x80 | data[1]]) + b"\0\0\0\0" + data[2:])

    def connection_lost(self, exc: Exception | None) -> None:
        self.finish()  # a carrier never sends a frame twice

    def send_frames(self) -> None:
        """Send the next frame of each track."""
        at = len(self.sent_at)
        number, chunk, stamp = at * len(TRACKS) + 2, at + 1, at * 20
        frames = [
            write_frame(_MEDIA % (number + place, track, chunk, stamp))
            for place, track in enumerate(TRACKS)
        ]
        self.sent_at.append(time.monotonic())
        if self.finished.done():
            self.tally.errors += 1  # disconnected: these frames are lost
            return
        self.transport.write(b"".join(frames))

    def stop(self) -> None:
        if not self.finished.done():
            self.transport.write(write_frame(_STOP % (len(self.sent_at) * len(TRACKS) + 2)))


async def stream(load: Load, connections: Sequence[CarrierConnection]) -> dict[str, Any]:
    """Send in real time for ``load.seconds``. Return the frames sent and their times."""
    for each in connections:
        await each.opened()
    begin, behind_s = time.monotonic(), 0.0
    total = round(load.seconds / FRAME_S)
    # Spread the calls over the 20 ms, as a carrier does.
    offsets = [FRAME_S * place / len(connections) for place in range(len(connections))]
    while len(connections[-1].sent_at) < total:
        elapsed = time.monotonic() - begin
        # By the clock, not by sleeping 20 ms each: delays would add up and lower the rate.
        for each, offset in zip(connections, offsets, strict=True):
            while (
                len(each.sent_at) < total
                and (late := elapsed - offset - len(each.sent_at) * FRAME_S) > 0
            ):
                behind_s = max(behind_s, late)
                each.send_frames()
        await asyncio.sleep(TICK_S)
    for each in connections:
        each.stop()
    return {
        "seconds": time.monotonic() - begin,
        "behind_s": behind_s,
        "sent_at": {each.call_id: each.sent_at for each in connections},
    }
