"""The supervisor's WebSocket. docs/feed.md describes its protocol."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseError

from calls.api.event_stream import WATCH_LIMIT
from calls.keys import find_refusal
from calls.models import ApiKey
from supervisor.live import rights
from supervisor.live.batch import Batch, BatchMessage, of_note
from supervisor.live.feed import feed
from supervisor.live.follower import Follower
from supervisor.live.requests import Resume, Subscribe, Unsubscribe, read_request
from supervisor.live.sockets import GuardedConsumer
from supervisor.live.transcripts import find_known
from supervisor.protocol import FRAMES, SEND_FRAMES

log = logging.getLogger(__name__)
CLOSE_UNKNOWN_PATH = 4404
CLOSE_MALFORMED = 4400
CLOSE_RESYNC = 4408


class SupervisorConsumer(GuardedConsumer):
    """Sends every event in order, with no gap, from now on or from where the client left off."""

    joined = False
    takes_frames = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.follower = Follower(self._put)
        self.takes_frames = FRAMES in (scope.get("extensions") or {})
        await super().__call__(scope, receive, send)

    async def dispatch(self, message: dict[str, Any]) -> None:
        try:
            await super().dispatch(message)
        except TimeoutError:
            await self.end(CLOSE_RESYNC)

    async def connect(self) -> None:
        await self.accept()
        refusal = await database_sync_to_async(find_refusal)(self.scope, ApiKey.Scope.READ)
        if refusal:
            await self.end(*refusal)
            return
        # Before the await: a client may leave during it, and `leave` then takes the channel out.
        self.joined = True
        self.follower.sight = await database_sync_to_async(rights.sight_now)(self.scope)
        await feed().join(self.channel_name, self.follower.sight)
        # A wallboard stays open for days, so rights that are checked once would outlive the login.
        self.start(self.guard(rights.until_lost(self.scope)))
        self.start(self._look_again_and_again())
        await self.follower.greet()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self.joined or self.is_over:
            return
        match read_request(text_data):
            case Resume(epoch, offset):
                await self.follower.resume(epoch=epoch, offset=offset)
            case Subscribe(revisions):
                await self._subscribe(revisions)
            case Unsubscribe(call_ids):
                feed().live.subscriptions.remove(self.channel_name, call_ids)
            case None:
                await self.end(CLOSE_MALFORMED)

    async def feed_batch(self, message: BatchMessage) -> None:
        await self.follower.take(message["batch"])
        await self._follow_sight(message["batch"])

    async def feed_note(self, message: BatchMessage) -> None:
        await self._put(message["batch"])

    async def layer_overflow(self, message: dict[str, Any]) -> None:
        await self.end(CLOSE_RESYNC)

    async def _subscribe(self, revisions: Mapping[str, int]) -> None:
        live = feed().live
        if len(live.subscriptions.of(self.channel_name) | revisions.keys()) > WATCH_LIMIT:
            await self.end(CLOSE_MALFORMED, f"call_ids: at most {WATCH_LIMIT} calls")
            return
        known = await database_sync_to_async(find_known)(revisions, self.follower.sight)
        unknown = [call_id for call_id in revisions if call_id not in known]
        told = {"type": "subscribed", "call_ids": list(revisions), "unknown": unknown}
        await self._put(of_note(told))
        if not self.follower.sight.is_all:
            revisions = {call_id: at for call_id, at in revisions.items() if call_id in known}
        await live.subscribe(self.channel_name, revisions)

    async def _follow_sight(self, batch: Batch) -> None:
        """Stop sending what is now out of sight, and check again if agents or teams changed."""
        if self.follower.sight.is_all and not batch.changes_people:
            return
        live = feed().live.subscriptions
        live.remove(self.channel_name, batch.hidden_from(self.follower.sight))
        if batch.changes_people:
            await self._look_again()

    async def _look_again_and_again(self) -> None:
        """Notice changes that are not events: permissions and groups of the account."""
        while not self.is_over:
            await asyncio.sleep(rights.pause_s())
            with suppress(DatabaseError):
                await self._look_again()

    async def _look_again(self) -> None:
        sight = await database_sync_to_async(rights.sight_now)(self.scope)
        if sight == self.follower.sight or self.is_over:
            return
        feed().look(self.channel_name, sight)
        live = feed().live.subscriptions
        known = await database_sync_to_async(find_known)(live.of(self.channel_name), sight)
        live.remove(self.channel_name, live.of(self.channel_name) - known)
        await self.follower.look(sight)

    async def leave(self) -> None:
        if self.joined:
            await feed().leave(self.channel_name)

    async def _put(self, batch: Batch) -> None:
        """Send what is in sight, unless closed. Raises TimeoutError if the client does not read."""
        batch = batch.seen_with(self.follower.sight)
        if self.is_over or not batch.entries:
            return
        async with asyncio.timeout(settings.FEED_PATIENCE):
            for message in self._messages(batch):
                if not self.is_over:
                    await self.base_send(message)

    def _messages(self, batch: Batch) -> list[Any]:
        if self.takes_frames:
            return [{"type": SEND_FRAMES, "frames": batch.frames}]
        return [{"type": "websocket.send", "text": entry.text} for entry in batch.entries]


class UnknownPathConsumer(AsyncWebsocketConsumer):
    """Closes sockets at unknown paths, each of which Channels would log as an error."""

    async def connect(self) -> None:
        # As above: the code reaches a browser only after the handshake.
        await self.accept()
        await self.close(code=CLOSE_UNKNOWN_PATH)
