"""The native WebSocket: packets as text frames, acknowledged after they are committed.

Plain ASGI, because this is a hot path. docs/socket.md describes the protocol.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import Error as DatabaseError
from rest_framework.exceptions import ParseError

from calls.api.parsers import parse_json
from calls.api.serializers.packets import sort_out
from calls.asgi import STREAM
from calls.ingest.buffer import buffer
from calls.ingest.call_ids import as_call_id, as_external_id, decode
from calls.ingest.packets import IncomingPacket
from calls.ingest.refusal import admission
from calls.ingest.requests import Unavailable, Way
from calls.ingest.wire import read_frame
from calls.keys import (
    KeyWatch,
    SocketRefusal,
    close_when_refused,
    find_refusal,
    key_of,
)
from calls.models import ApiKey, Call
from calls.operation.draining import draining

CLOSE_BINARY = 1003
CLOSE_TOO_MANY_ERRORS = 1008
CLOSE_TOO_LARGE = 1009
CLOSE_BAD_CALL_ID = 4400
WINDOW = 2_000  # uncommitted packets of one socket, after which it stops reading
MAX_ERRORS = 100
RETRY_S = 0.5
NOT_STORED = "The packets of this frame cannot be stored. Do not send them again."
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(slots=True)
class _Frame:
    packets: list[IncomingPacket]
    number: int
    committed: asyncio.Future[None]


async def packet_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one connection."""
    addressed = _addressed(scope["url_route"]["kwargs"]["call_id"])
    await receive()  # websocket.connect
    async with admission(scope, send, Way.SOCKET) as admitted:
        if admitted:
            await _serve(scope, receive, send, addressed)


async def _serve(scope: dict[str, Any], receive: Receive, send: Send, addressed: str) -> None:
    # Accepted before it may be refused: a close code reaches the client only after the handshake.
    await send({"type": "websocket.accept", STREAM: True})
    refusal = await _refusal(scope, addressed)
    if refusal:
        await _close(send, *refusal)
        return
    watching = close_when_refused(key_of(scope), scope, send)
    try:
        await _Session(addressed, receive, send, watching).run()
    finally:
        watching.stop()


async def _close(send: Send, code: int, reason: str = "") -> None:
    with suppress(RuntimeError):  # it is closed already
        await send({"type": "websocket.close", "code": code, "reason": reason})


def _addressed(text: str) -> str:
    """Return the sender's id in the address; empty if there is none."""
    try:
        return decode(text)
    except ValueError:
        return ""


async def _refusal(scope: dict[str, Any], addressed: str) -> SocketRefusal | None:
    if not addressed:
        return SocketRefusal(CLOSE_BAD_CALL_ID)
    return await database_sync_to_async(find_refusal)(scope, ApiKey.Scope.INGEST)


class _Session:
    """Reads frames and acknowledges them in order. Reads at most WINDOW packets ahead."""

    def __init__(self, addressed: str, receive: Receive, send: Send, watching: KeyWatch) -> None:
        self.call_id = as_call_id(addressed)
        self.external_id = as_external_id(addressed)
        self._receive = receive
        self._send = send
        self._watching = watching
        self._waiting: deque[_Frame] = deque()
        self._uncommitted = 0
        self._count = 0
        self._errors = 0
        self._frames = 0
        self._moved = asyncio.Event()

    async def run(self) -> None:
        last = await database_sync_to_async(_last_sequence)(self.call_id)
        await self._tell(type="ready", call_id=self.call_id, last_sequence=last)
        acknowledging = asyncio.create_task(self._acknowledge())
        reading = asyncio.create_task(self._read())
        restart = asyncio.create_task(draining.begun())
        tasks = [acknowledging, reading, restart]
        try:
            await _first_of(reading, restart)
            if reading.done():
                reading.result()
                return
            reading.cancel()
            tasks.append(asyncio.create_task(self._drain()))
            await _first_of(tasks[-1], acknowledging)  # which ends early if the client has gone
            await _close(self._send, restart.result())
        finally:
            await _end(*tasks)

    async def _drain(self) -> None:
        """Wait until all that was read is acknowledged."""
        while self._waiting:
            self._moved.clear()
            await self._moved.wait()

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect" or self._watching.refusal:
                return
            code = await self._take(message.get("text"))
            if code:
                await _close(self._send, code)
                return
            # Back-pressure: what is not read stays in TCP's buffers, and the client slows down.
            while self._uncommitted >= WINDOW:
                self._moved.clear()
                await self._moved.wait()
            await self._watching.pace()

    async def _take(self, text: str | None) -> int | None:
        """Handle one frame. Returns a close code if the socket must be closed."""
        if text is None:
            return CLOSE_BINARY
        if len(text) > settings.BODY_LIMIT:
            return CLOSE_TOO_LARGE
        self._frames += 1
        packets = read_frame(text, self.call_id)
        if packets is None:
            packets, errors = _sort_out(text, self.call_id)
            await self._complain(errors)
        if packets and self.external_id:
            packets = [replace(packet, external_id=self.external_id) for packet in packets]
        if packets:
            self._uncommitted += len(packets)
            # In order of arrival, and acknowledged in that order, whatever is committed first.
            self._waiting.append(_Frame(packets, self._frames, await _submit(packets)))
            self._moved.set()
        return CLOSE_TOO_MANY_ERRORS if self._errors > MAX_ERRORS else None

    async def _complain(self, errors: list[dict[str, Any]]) -> None:
        self._errors += len(errors)
        for error in errors:
            await self._tell(type="error", frame=self._frames, **error)

    async def _acknowledge(self) -> None:
        while True:
            while not self._waiting:
                self._moved.clear()
                await self._moved.wait()
            last = await self._settle_first()
            # One transaction commits many frames, so acknowledge them together.
            while self._waiting and self._waiting[0].committed.done():
                last = await self._settle_first()
            await self._tell(type="ack", count=self._count, sequence=last)
            self._moved.set()

    async def _settle_first(self) -> int:
        """Wait until the oldest frame is committed, with retries. Returns its last sequence."""
        frame = self._waiting[0]
        while True:
            try:
                await frame.committed
            except Unavailable:
                await asyncio.sleep(RETRY_S)
                # Sent again: packets that were stored after all are duplicates, which do no harm.
                frame.committed = await _submit(frame.packets)
            except (DatabaseError, ValueError):
                await self._tell(type="error", frame=frame.number, detail=NOT_STORED)
                break
            else:
                self._count += len(frame.packets)
                break
        self._waiting.popleft()
        self._uncommitted -= len(frame.packets)
        return frame.packets[-1].sequence

    async def _tell(self, **message: Any) -> None:
        text = json.dumps(message, separators=(",", ":"))
        await self._send({"type": "websocket.send", "text": text})


async def _first_of(*tasks: asyncio.Task[Any]) -> None:
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _submit(packets: list[IncomingPacket]) -> asyncio.Future[None]:
    """Pass packets to the writer. While its buffer is full, wait, so that reading stops."""
    while True:
        try:
            return buffer().submit_async(packets, Way.SOCKET)
        except Unavailable:
            await asyncio.sleep(RETRY_S)


def _sort_out(text: str, call_id: str) -> tuple[list[IncomingPacket], list[dict[str, Any]]]:
    """Return the valid packets of a frame, and the errors of the others."""
    try:
        data = parse_json(text, where="The frame")
    except ParseError as error:
        return [], [{"detail": str(error.detail)}]
    items = data if isinstance(data, list) else [data]
    if len(items) > settings.BATCH_PACKET_LIMIT:
        limit = settings.BATCH_PACKET_LIMIT
        return [], [{"detail": f"The frame has {len(items)} packets; the limit is {limit}."}]
    return sort_out(items, call_id)


def _last_sequence(call_id: str) -> int | None:
    return Call.objects.filter(call_id=call_id).values_list("last_sequence", flat=True).first()
