"""The WebSockets that carriers open to this server: I/O and timing. ``session`` has the logic.

Plain ASGI, because a hundred calls send ten thousand messages per second.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from channels.db import database_sync_to_async

from calls.ingest.buffer import Unavailable, store_async
from calls.ingest.carriers import Event, Reply, Start
from calls.ingest.carriers.auth import check_handshake, check_token
from calls.ingest.carriers.detect import AnyParser
from calls.ingest.carriers.fields import as_call_id
from calls.ingest.carriers.opening import open_stream
from calls.ingest.carriers.preamble import SUBPROTOCOLS
from calls.ingest.carriers.presence import open_streams
from calls.ingest.carriers.session import Identity, Session
from calls.ingest.packets import IncomingPacket
from calls.services import CallNotFound, NotPossible, end_call

log = logging.getLogger(__name__)

START_PATIENCE_S = 5.0
FLUSH_S = 0.25
RETRY_S = 0.5
MAX_MALFORMED = 1000
CLOSE_NORMAL = 1000
CLOSE_PROTOCOL = 1008

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class _Close(Exception):
    """Close the socket with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


async def media_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one carrier stream."""
    await receive()  # websocket.connect
    offered = [name for name in scope.get("subprotocols", ()) if name in SUBPROTOCOLS]
    await send({"type": "websocket.accept", "subprotocol": offered[0] if offered else None})
    try:
        await _Stream(scope, receive, send).run()
    except _Close as close:
        with suppress(RuntimeError):  # the client has disconnected
            await send({"type": "websocket.close", "code": close.code})


def _described(scope: dict[str, Any]) -> dict[str, str] | None:
    """Return the address's description of the audio, or None if it has no call id."""
    if "call_id" not in scope["url_route"]["kwargs"]:
        return None
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))


class _Stream:
    """Reads messages into a session, and stores the packets that are due every FLUSH_S."""

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._parser = AnyParser(_described(scope))
        self._session = Session()
        self._call_id = ""
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._is_allowed = False
        self._storing = asyncio.Lock()

    async def run(self) -> None:
        await self._check_handshake()
        try:
            async with asyncio.timeout(START_PATIENCE_S):
                while not self._call_id:
                    await self._read()
        except TimeoutError as error:
            log.warning("closed a carrier's socket: no start message within %g s", START_PATIENCE_S)
            raise _Close(CLOSE_PROTOCOL) from error
        try:
            await self._carry()
        finally:
            await asyncio.shield(self._finish())

    async def _carry(self) -> None:
        flushing = asyncio.create_task(self._flush())
        try:
            while not self._session.stopped:
                await self._read()
        finally:
            flushing.cancel()
            with suppress(asyncio.CancelledError):
                await flushing
        raise _Close(CLOSE_NORMAL)

    async def _check_handshake(self) -> None:
        headers = dict(self._scope["headers"])
        code = await database_sync_to_async(check_handshake)(headers, self._scope["path"])
        if code:
            raise _Close(code)
        self._is_allowed = code == 0

    async def _read(self) -> None:
        await self._may_read.wait()
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._session.stopped = True
            if not self._call_id:
                raise _Close(CLOSE_NORMAL)
            return
        for event in self._events(message):
            await self._take(event)

    def _events(self, message: dict[str, Any]) -> Sequence[Event]:
        text = message.get("text")
        if text is not None:
            return self._parser.text(text)
        return self._parser.binary(message.get("bytes") or b"")

    async def _take(self, event: Event) -> None:
        if isinstance(event, Reply):
            with suppress(RuntimeError):  # the peer has gone; reading will say so
                await self._send({"type": "websocket.send", "text": event.text})
            return
        self._session.take(event, time.monotonic())
        if self._session.malformed > MAX_MALFORMED:
            log.warning("closed a carrier's stream: too many malformed messages")
            raise _Close(CLOSE_PROTOCOL)
        if isinstance(event, Start) and not self._call_id:
            await self._open(event)

    async def _open(self, start: Start) -> None:
        if not self._is_allowed:
            code = await database_sync_to_async(check_token)(start.token)
            if code:
                raise _Close(code)
        own = self._scope["url_route"]["kwargs"].get("call_id", "")
        name = start.stream or uuid.uuid4().hex
        call_id = as_call_id(own) or start.call_id or as_call_id(name)
        stream = await self._open_in_database(call_id, name, start)
        begins_s = open_streams.join(call_id, time.monotonic())
        self._session.begin(Identity(call_id, stream, begins_s))
        self._call_id = call_id

    async def _open_in_database(self, call_id: str, name: str, start: Start) -> str:
        while True:
            try:
                opened: str = await database_sync_to_async(open_stream)(
                    call_id=call_id,
                    name=name,
                    media=start.media,
                    description=start.description,
                    remarks=start.remarks,
                )
            except Unavailable:
                await asyncio.sleep(RETRY_S)
            else:
                return opened

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            # Shielded from cancellation: the session no longer holds these packets.
            await asyncio.shield(self._store(self._session.due(time.monotonic())))

    async def _store(self, packets: list[IncomingPacket]) -> None:
        """Store, and retry until it succeeds. Reading stops meanwhile, so TCP slows the sender."""
        async with self._storing:
            while packets:
                try:
                    await store_async(packets)
                except Unavailable:
                    self._may_read.clear()
                    await asyncio.sleep(RETRY_S)
                else:
                    break
            self._may_read.set()

    async def _finish(self) -> None:
        """Store the remaining packets. If this was the call's last stream, end the call."""
        await self._store(self._session.finish(time.monotonic()))
        if not open_streams.leave(self._call_id):
            return
        with suppress(CallNotFound, NotPossible):
            await database_sync_to_async(end_call)(call_id=self._call_id)
