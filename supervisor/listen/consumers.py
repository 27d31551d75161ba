"""The WebSocket of one listener. docs/listening.md describes its protocol."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseError

from calls.keys import CLOSE_NOT_ALLOWED, CLOSE_NOT_LOGGED_IN, key_from_headers
from calls.listening import LISTEN, end_listening, start_listening
from calls.models import Call, ListenSession
from supervisor.listen.packets import is_audible
from supervisor.listen.reader import ENDED, EXPIRED, Listener, reader
from supervisor.live import rights

log = logging.getLogger(__name__)
CLOSE_FAILED = 1011
CLOSE_TRY_AGAIN = 1013
CLOSE_UNKNOWN_CALL = 4404
CLOSE_TOO_SLOW = 4408
CLOSE_ENDED = 4410
CLOSE_NO_SOUND = 4415
# What the page shows. Browsers allow 123 bytes for a reason.
REASONS = {
    CLOSE_FAILED: "The sound of this call cannot be decoded.",
    CLOSE_NOT_LOGGED_IN: "You are not logged in.",
    CLOSE_NOT_ALLOWED: "You may not listen to live calls.",
    CLOSE_UNKNOWN_CALL: "There is no such call.",
    CLOSE_ENDED: "The call has ended.",
    CLOSE_NO_SOUND: "This call has no sound.",
}
SWITCHED_OFF = "Listening is switched off on this site."
NOT_FOR_KEYS = "Only people can listen, not API keys."
ENDS = {ENDED: CLOSE_ENDED, EXPIRED: CLOSE_TRY_AGAIN}
VIEW = "calls.view_call"


class ListenConsumer(AsyncWebsocketConsumer):
    """Sends the sound of one call, from now until the call, the rights or the socket end."""

    call: Call | None = None
    session: ListenSession | None = None
    listener: Listener | None = None
    is_over = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._leave()  # also after an error or a cancellation

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels would first close old database connections in a thread, for every message.
        try:
            await getattr(self, get_handler_name(message))(message)
        except DatabaseError as error:
            log.warning("a listener is sent away because the database is unavailable: %s", error)
            await self._end(CLOSE_TRY_AGAIN)

    async def connect(self) -> None:
        # Accepted before it may be refused: browsers report a failed handshake as 1006, without our
        # code (RFC 6455, section 7.1.5).
        await self.accept()
        code, why = await database_sync_to_async(self._prepare)()
        if code:
            await self._end(code, why)
            return
        assert self.call is not None and self.session is not None  # noqa: S101, PT018
        self.listener = Listener(self.session.pk)
        reader().join(self.call.pk, self.listener)
        self.tasks = [
            asyncio.create_task(self._play(self.listener)),
            asyncio.create_task(self._guard()),
        ]

    async def disconnect(self, code: int) -> None:
        raise StopConsumer

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        # The page asks from time to time, to measure how long the way is.
        if not self.is_over and text_data == '{"type":"ping"}':
            await self.send(text_data='{"type":"pong"}')

    def _prepare(self) -> tuple[int, str]:
        """Record that somebody listens. Returns a close code and its reason if that is refused."""
        user: Any = self.scope.get("user")
        code = find_refusal(self.scope, user)
        if code:
            return code, _reason(code, self.scope)
        call_id = self.scope["url_route"]["kwargs"]["call_id"]
        call = Call.objects.filter(call_id=call_id).first()
        if call is None:
            return CLOSE_UNKNOWN_CALL, ""
        if not call.is_live:
            return CLOSE_ENDED, ""
        if not is_audible(call):
            return CLOSE_NO_SOUND, ""
        self.session = start_listening(call=call, by=user.get_username(), process=_process())
        self.call = call
        return 0, ""

    async def _play(self, listener: Listener) -> None:
        """Send frames until there are no more."""
        with suppress(StopConsumer):
            while isinstance(item := await listener.next(), bytes):
                try:
                    async with asyncio.timeout(settings.FEED_PATIENCE):
                        await self.send(bytes_data=item)
                except TimeoutError:
                    await self._end(CLOSE_TOO_SLOW)
                    return
            await self._end(ENDS.get(item, CLOSE_FAILED))

    async def _guard(self) -> None:
        """Close the socket when its user may no longer listen."""
        code = await rights.until_lost(self.scope, _find_refusal_now)
        with suppress(StopConsumer):
            await self._end(code, _reason(code, self.scope))

    async def _leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.call is not None and self.listener is not None:
            await reader().leave(self.call.pk, self.listener)
        if self.session is not None:
            # If the database is away, the session ends with its lease.
            with suppress(DatabaseError):
                await database_sync_to_async(end_listening)(self.session.pk)

    async def _end(self, code: int, why: str = "") -> None:
        """Close the socket once, with the first caller's code. Nothing is sent afterwards."""
        if self.is_over:
            raise StopConsumer
        self.is_over = True
        try:
            async with asyncio.timeout(settings.FEED_PATIENCE):
                await self.close(code=code, reason=why or REASONS.get(code, ""))
        except TimeoutError as error:
            raise StopConsumer from error  # the client does not read the close frame


def find_refusal(scope: Mapping[str, Any], user: Any) -> int | None:
    """Return the code with which to refuse a listener, or None.

    Who listens is logged by name, so it takes a person: no API key, and no open API.
    """
    if not settings.LISTEN_IN or _shows_key(scope):
        return CLOSE_NOT_ALLOWED
    if user is None or not user.is_authenticated:
        return CLOSE_NOT_LOGGED_IN
    return None if user.has_perms([VIEW, LISTEN]) else CLOSE_NOT_ALLOWED


def _find_refusal_now(scope: Mapping[str, Any]) -> int | None:
    return find_refusal(scope, rights.user_now(scope))


def _reason(code: int, scope: Mapping[str, Any]) -> str:
    if code == CLOSE_NOT_ALLOWED and not settings.LISTEN_IN:
        return SWITCHED_OFF
    if code == CLOSE_NOT_ALLOWED and _shows_key(scope):
        return NOT_FOR_KEYS
    return ""


def _shows_key(scope: Mapping[str, Any]) -> bool:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    return bool(key_from_headers(headers.get(b"authorization", ""), headers.get(b"x-api-key", "")))


def _process() -> str:
    return f"{socket.gethostname()[:80]}:{os.getpid()}"
