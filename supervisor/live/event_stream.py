"""The event log as server-sent events, for programs and proxies without WebSockets.

docs/feed.md describes the protocol. The REST view decides who may listen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any

import msgspec
from channels import DEFAULT_CHANNEL_LAYER
from channels.db import database_sync_to_async
from channels.layers import channel_layers
from django.db import Error as DatabaseError

from calls import events
from calls.api.event_stream import WANTED, StreamStart
from calls.asgi import App, Message, Receive, Scope, Send
from calls.operation.draining import draining
from supervisor.live import rights
from supervisor.live.batch import Batch
from supervisor.live.consumers import CLOSE_RESYNC
from supervisor.live.feed import feed
from supervisor.live.follower import Follower
from supervisor.live.sockets import CLOSE_TRY_AGAIN
from supervisor.live.transcripts import find_known

log = logging.getLogger(__name__)
PATH = "/v1/events/stream"
RETRY_MS = 2000
# Samples are for pages. A stream carries the log, heartbeats and the live transcripts it names.
LEFT_OUT = {"counters", "figures"}
# Proxies must not hold events back: one that compresses waits for a full block (no-transform),
# and nginx collects answers unless it is told not to (x-accel-buffering).
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
]
# The length of the view's empty response would end the stream at once.
REPLACED = {b"content-length", *(name for name, _ in HEADERS)}


class EventStream:
    """Wraps the application: the REST view authorises a request, then the stream is its body."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != PATH:
            await self.app(scope, receive, send)
            return
        # The view sets it if the client may listen. If not, its response (401 or so) is passed on.
        scope[WANTED] = None
        allowed: list[Message] = []

        async def hold(message: Message) -> None:
            if scope[WANTED] is None:
                await send(message)
            elif message["type"] == "http.response.start":
                allowed.append(message)

        await self.app(scope, receive, hold)
        if allowed:
            await _Stream(scope, receive, send).run(allowed[0]["headers"])


class _Stream:
    """One client, from its first event until it leaves or is disconnected."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._start: StreamStart = scope[WANTED]
        self._who = {
            "headers": scope["headers"],
            "client": scope.get("client"),
            "session": self._start.session,
            "user": self._start.user,
        }
        self._receive = receive
        self._send = send
        self._epoch = ""

    async def run(self, headers: Any) -> None:
        kept = [(name, value) for name, value in headers if name.lower() not in REPLACED]
        await self._send(
            {"type": "http.response.start", "status": 200, "headers": [*kept, *HEADERS]}
        )
        gone = asyncio.create_task(self._until_gone())
        ends = [
            asyncio.create_task(self._tell()),
            asyncio.create_task(draining.begun()),
            asyncio.create_task(rights.until_lost(self._who)),
        ]
        try:
            # The first to end decides: the client, the log, a restart, or the rights.
            await asyncio.wait([gone, *ends], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, *ends):
                task.cancel()
            await asyncio.gather(gone, *ends, return_exceptions=True)
        await self._say_goodbye([task.result() for task in ends if not task.cancelled()])

    async def _tell(self) -> int:
        """Send the log until the client lags or the database fails. Returns the close code."""
        layer = channel_layers[DEFAULT_CHANNEL_LAYER]
        channel = await layer.new_channel()
        try:
            # Joined before the position is read, so no event falls between the two.
            await feed().join(channel, self._start.sight)
            follower = await self._begin()
            await feed().live.subscribe(channel, dict.fromkeys(await self._watched(), 0))
            while (message := await layer.receive(channel))["type"] != "layer.overflow":
                await self._pass_on(follower, message)
                # A client that comes back gets what it may see by then.
                if message["batch"].changes_people and await self._sees_others():
                    return CLOSE_RESYNC
        except DatabaseError as error:
            log.warning("a stream is closed because the database is unavailable: %s", error)
            return CLOSE_TRY_AGAIN
        finally:
            await feed().leave(channel)
        return CLOSE_RESYNC

    async def _sees_others(self) -> bool:
        return await database_sync_to_async(rights.sight_now)(self._who) != self._start.sight

    async def _watched(self) -> Collection[str]:
        """Return the calls to watch, without those out of sight."""
        sight, watch = self._start.sight, self._start.watch
        if sight.is_all or not watch:
            return watch
        return await database_sync_to_async(find_known)(watch, sight)

    async def _begin(self) -> Follower:
        self._epoch = await database_sync_to_async(events.epoch)()
        await self._write(f"retry: {RETRY_MS}\n\n".encode())
        follower, start = Follower(self._put, self._start.sight), self._start
        await follower.greet(comes_back=start.offset is not None)
        if start.offset is not None:
            await follower.resume(epoch=start.epoch, offset=start.offset)
        return follower

    async def _pass_on(self, follower: Follower, message: Message) -> None:
        batch: Batch = message["batch"]
        if message["type"] == "feed.batch":
            await follower.take(batch)
        elif batch.entries and batch.entries[0].type not in LEFT_OUT:
            await self._put(batch)

    async def _put(self, batch: Batch) -> None:
        batch = batch.seen_with(self._start.sight)
        if batch.entries:
            await self._write(batch.as_stream(self._epoch))

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _say_goodbye(self, codes: list[int]) -> None:
        """Send the close code, unless the client left by itself."""
        for code in codes[-1:]:  # a lost permission takes precedence over a slow client
            data = msgspec.json.encode({"type": "close", "code": code}).decode()
            await self._write(f"event: close\ndata: {data}\n\n".encode())
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})
