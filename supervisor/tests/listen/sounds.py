"""Live calls with sound, and a client that listens to them."""

import asyncio
import base64
import struct
from itertools import count

import numpy as np
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from calls.ingest.record import record_packets
from calls.models import Call
from calls.tests.factories import packet
from supervisor.routing import websocket_urlpatterns

MEDIA = "audio/l16;rate=8000"
FRAME = 160
HEADER = struct.Struct("<BBHIII")
_numbers = count(1)


def pcm(value, samples=FRAME):
    return base64.b64encode(np.full(samples, value, "<i2").tobytes()).decode()


def say(call_id, first, packets=10, *, agent=1000, customer=2000, without=(), stream=""):
    """Send packets of 20 ms of both sides: the agent's have odd numbers."""
    record_packets(
        [
            packet(
                call_id,
                number,
                pcm(agent if number % 2 else customer),
                track="agent" if number % 2 else "customer",
                timestamp=(number - 1) // 2 * 0.02,
                media=MEDIA,
                stream=stream,
            )
            for number in range(first, first + 2 * packets)
            if number not in without
        ]
    )
    return Call.objects.get(call_id=call_id)


def sounding_call(packets=10):
    return say(f"sound-{next(_numbers)}", 1, packets)


class Ear(WebsocketCommunicator):
    """Listens to a call, and keeps what it hears."""

    def __init__(self, call_id, user=None, headers=()):
        application = URLRouter(websocket_urlpatterns)
        super().__init__(application, f"/stream/ws/listen/{call_id}", list(headers))
        self.scope["user"] = user
        self.frames = []

    async def open(self):
        connected, _ = await self.connect(timeout=10)
        assert connected

    async def hear(self, samples):
        """Wait until at least this many samples have arrived. Return all of them."""
        while sum(len(sound) for _, sound in self.frames) < samples:
            data = await self.receive_from(timeout=10)
            self.frames.append((HEADER.unpack_from(data), sound_of(data)))
        return np.concatenate([sound for _, sound in self.frames])

    async def closed(self):
        """Wait for the close frame. Return its code and its reason."""
        async with asyncio.timeout(10):
            while (message := await self.receive_output(timeout=10))["type"] != "websocket.close":
                pass
        return message["code"], message.get("reason", "")


def sound_of(data):
    return np.frombuffer(data, "<i2", offset=HEADER.size).reshape(-1, 2)
