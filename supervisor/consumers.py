"""The supervisor's socket. Its protocol is described in docs/feed.md."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError
from django.utils import timezone

from calls import events
from calls.api.keys import find_refusal
from calls.models import ApiKey
from supervisor import board, rights
from supervisor.feed import GROUP, HEARTBEAT_S, READ_LIMIT, Frames, as_frame, feed

log = logging.getLogger(__name__)

REPLAY_LIMIT = 1000
CLOSE_UNKNOWN_PATH = 4404
CLOSE_MALFORMED = 4400


class SupervisorConsumer(AsyncWebsocketConsumer):
    """Sends every event in order and without a hole, from now on or from where a client was."""

    joined = False
    refused = False
    offset = 0
    guard: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        await self.accept()
        refusal = await database_sync_to_async(find_refusal)(self.scope, ApiKey.Scope.READ)
        if refusal:
            await self.close(code=refusal)
            return
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await feed().join()
        self.joined = True
        self.guard = asyncio.create_task(self._guard())
        # Read the head after joining: what is newer comes through the group, nothing in between.
        self.offset, epoch = await database_sync_to_async(_position)()
        await self._send(
            type="hello",
            epoch=epoch,
            head=self.offset,
            heartbeat_s=HEARTBEAT_S,
            at=timezone.now().isoformat(),
        )

    async def disconnect(self, code: int) -> None:
        if self.guard is not None:
            self.guard.cancel()
            await asyncio.gather(self.guard, return_exceptions=True)
        if self.joined:
            await self.channel_layer.group_discard(GROUP, self.channel_name)
            await feed().leave()
        raise StopConsumer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self.joined or self.refused:
            return
        wanted = _resume(text_data)
        if wanted is None:
            await self.close(code=CLOSE_MALFORMED)
            return
        await self._resume(**wanted)

    async def feed_frames(self, message: Frames) -> None:
        if self.refused:
            return
        if message["after"] > self.offset:
            await self._catch_up()  # the layer dropped something on the way to this socket
        for offset, frame in message["frames"]:
            if offset > self.offset:
                self.offset = offset
                await self.send(text_data=frame)

    async def feed_note(self, message: dict[str, str]) -> None:
        if not self.refused:
            await self.send(text_data=message["frame"])

    async def _guard(self) -> None:
        """Close the socket when whoever opened it may no longer listen."""
        refusal = None
        while refusal is None:
            await asyncio.sleep(rights.pause_s())
            try:
                refusal = await database_sync_to_async(rights.find_refusal_now)(self.scope)
            except DatabaseError as error:
                log.warning("the rights of a socket could not be read: %s", error)
        self.refused = True
        await self.close(code=refusal)

    async def _resume(self, *, epoch: str, offset: int) -> None:
        """Replay what the client missed, in order; or tell it everything anew, marked as such."""
        head, own_epoch = await database_sync_to_async(_position)()
        if epoch == own_epoch and 0 <= head - offset <= REPLAY_LIMIT:
            self.offset = offset
            count = await self._catch_up()
            await self._send(type="resumed", recovered=True, count=count, head=self.offset)
            return
        self.offset = head
        calls = await database_sync_to_async(board.snapshot)()
        await self._send(type="snapshot", epoch=own_epoch, head=head, calls=calls)
        await self._send(type="resumed", recovered=False, count=0, head=head)

    async def _catch_up(self) -> int:
        count = 0
        while found := await database_sync_to_async(_read)(self.offset):
            for message in found:
                self.offset = message["offset"]
                await self._send(**message)
            count += len(found)
        return count

    async def _send(self, **message: Any) -> None:
        await self.send(text_data=as_frame(message))


class UnknownPathConsumer(AsyncWebsocketConsumer):
    """Says that nothing is here, where an unrouted socket would be an error in the log."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(code=CLOSE_UNKNOWN_PATH)


def _position() -> tuple[int, str]:
    return events.head(), events.epoch()


def _read(after: int) -> list[dict[str, Any]]:
    return events.as_messages(events.read(after=after, limit=READ_LIMIT))


def _resume(text: str | None) -> dict[str, Any] | None:
    """Return epoch and offset of a resume message, or None if it is not one."""
    try:
        message = json.loads(text or "")
        if message["type"] != "resume" or type(message["offset"]) is not int:
            return None
        return {"epoch": str(message["epoch"]), "offset": message["offset"]}
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
