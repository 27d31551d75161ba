"""The WebSocket of a wall screen. docs/wall.md describes its protocol."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from django.conf import settings
from django.http import QueryDict
from django.utils import timezone

from calls.displays import note_seen
from calls.keys import CLOSE_NOT_ALLOWED, CLOSE_NOT_LOGGED_IN
from calls.visibility import sight_of
from supervisor.live import rights
from supervisor.live.sockets import GuardedConsumer
from supervisor.wall import access
from supervisor.wall.options import Options, of_screen, read_address
from supervisor.wall.reader import Viewer, reader
from supervisor.wall.release import release

CLOSE_TOO_SLOW = 4408
HEARTBEAT_S = 10
# After this long without a reading, a screen is not told that it is live.
FRESH_S = 10
REASONS = {
    CLOSE_NOT_LOGGED_IN: "You are not logged in.",
    CLOSE_NOT_ALLOWED: "This display was revoked, or you may not see calls.",
}


class WallConsumer(GuardedConsumer):
    """Sends what one screen shows, whenever that changes, and takes no messages."""

    wanted = Options()
    options: Options | None = None
    viewer: Viewer | None = None

    async def connect(self) -> None:
        await self.accept()
        if code := await database_sync_to_async(self._admit)(self.scope):
            await self.end(code)
            return
        self._follow()
        hello = {"type": "hello", "release": release(), "heartbeat_s": HEARTBEAT_S}
        await self._say(hello)
        self.start(self.guard(rights.until_lost(self.scope, self._admit)))
        self.start(self._show())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Ignore whatever a client says."""

    def _admit(self, scope: Mapping[str, Any]) -> int | None:
        """Read what this screen shows. Returns the close code if it may not show anything."""
        found = access.admit(scope, scope["url_route"]["kwargs"].get("screen_id"))
        if isinstance(found, int):
            return found
        if found is not None and access.find_screen(scope.get("cookies", {}), found.pk):
            note_seen(found, at=timezone.now())
        query = QueryDict(scope.get("query_string", b""), encoding="utf-8")
        wanted = read_address(query, of_screen(found) if found else None).options
        sight = wanted.sight if found else sight_of(rights.user_now(scope))
        self.wanted = replace(wanted, sight=sight)
        return None

    def _follow(self) -> Viewer:
        """Follow the options of this screen, which may have changed."""
        if self.viewer is not None and self.options is not None:
            if self.options == self.wanted:
                return self.viewer
            reader().leave(self.options, self.viewer)
        self.options = self.wanted
        self.viewer = reader().join(self.options)
        return self.viewer

    async def _show(self) -> None:
        """Send every change, and a heartbeat when there is none."""
        with suppress(StopConsumer):
            while not self.is_over:
                viewer = self._follow()
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        message = await viewer.next()
                except TimeoutError:
                    if time.monotonic() - reader().read_at < FRESH_S:
                        await self._say({"type": "heartbeat"})
                    continue
                await self._send(message)

    async def _say(self, message: dict[str, Any]) -> None:
        told = {**message, "at": timezone.now().isoformat()}
        await self._send(msgspec.json.encode(told).decode())

    async def _send(self, text: str) -> None:
        if self.is_over:
            return
        try:
            async with asyncio.timeout(settings.FEED_PATIENCE):
                await self.send(text_data=text)
        except TimeoutError:
            await self.end(CLOSE_TOO_SLOW)

    async def leave(self) -> None:
        if self.viewer is not None and self.options is not None:
            reader().leave(self.options, self.viewer)

    def why(self, code: int) -> str:
        return REASONS.get(code, "")
