"""The common part of the supervisor's sockets: how they are refused, guarded and closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseError

from calls.operation.draining import draining

log = logging.getLogger(__name__)
CLOSE_TRY_AGAIN = 1013


class GuardedConsumer(AsyncWebsocketConsumer):
    """A socket that closes once, with one code, and that ``leave``s whatever ends it.

    A subclass accepts the handshake before it may refuse: browsers report a failed handshake as
    1006, without our code (RFC 6455, section 7.1.5).
    """

    is_over = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.start(self.guard(draining.begun()))
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Also after an error or a cancellation.
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await self.leave()

    async def leave(self) -> None:
        """Undo what ``connect`` did, as far as it got."""

    def why(self, code: int) -> str:
        """Return the reason that goes with a close code."""
        return ""

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels would first close old database connections in a thread, for every message. Here
        # each function that uses the database does that itself.
        try:
            await getattr(self, get_handler_name(message))(message)
        except DatabaseError as error:
            log.warning("a socket is closed because the database is unavailable: %s", error)
            await self.end(CLOSE_TRY_AGAIN)

    async def disconnect(self, code: int) -> None:
        raise StopConsumer

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something alongside the socket for as long as it is open."""
        self.tasks.append(asyncio.create_task(work))

    async def guard(self, until_lost: Awaitable[int]) -> None:
        """Close the socket with a code: when its client may no longer use it, or at a restart."""
        code = await until_lost
        with suppress(StopConsumer):
            await self.end(code)

    async def end(self, code: int, reason: str = "") -> None:
        """Close the socket once, with the first caller's code. Nothing is sent afterwards."""
        if self.is_over:
            raise StopConsumer
        self.is_over = True
        try:
            async with asyncio.timeout(settings.FEED_PATIENCE):
                await self.close(code=code, reason=reason or self.why(code) or None)
        except TimeoutError as error:
            raise StopConsumer from error  # the client does not read the close frame
