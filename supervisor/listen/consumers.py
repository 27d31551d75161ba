"""The WebSocket of one listener. docs/listening.md describes its protocol."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from django.conf import settings
from django.db import Error as DatabaseError

from calls.keys import CLOSE_NOT_ALLOWED, CLOSE_NOT_LOGGED_IN, key_from_headers
from calls.listening import LISTEN, end_listening, start_listening
from calls.models import Call, ListenSession
from calls.process import this_process
from calls.visibility import may_see
from supervisor.listen.packets import is_audible
from supervisor.listen.reader import ENDED, EXPIRED, Listener, reader
from supervisor.live import rights
from supervisor.live.sockets import CLOSE_TRY_AGAIN, GuardedConsumer

log = logging.getLogger(__name__)
CLOSE_FAILED = 1011
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


class ListenConsumer(GuardedConsumer):
    """Sends the sound of one call, from now until the call, the rights or the socket end."""

    call: Call | None = None
    session: ListenSession | None = None
    listener: Listener | None = None

    async def connect(self) -> None:
        await self.accept()
        if code := await database_sync_to_async(self._prepare)():
            await self.end(code)
            return
        assert self.call is not None and self.session is not None  # noqa: S101, PT018 (for mypy)
        self.listener = Listener(self.session.pk)
        reader().join(self.call.pk, self.listener)
        self.start(self._play(self.listener))
        self.start(self.guard(rights.until_lost(self.scope, self._find_refusal_now)))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        # The page asks from time to time, to measure how long the way is.
        if not self.is_over and text_data == '{"type":"ping"}':
            await self.send(text_data='{"type":"pong"}')

    def _prepare(self) -> int | None:
        """Record that somebody listens. Returns the close code if that is refused."""
        user: Any = self.scope.get("user")
        if code := find_refusal(self.scope, user):
            return code
        call_id = self.scope["url_route"]["kwargs"]["call_id"]
        call = Call.objects.filter(call_id=call_id).first()
        if call is None or not may_see(user, call):
            return CLOSE_UNKNOWN_CALL
        if not call.is_live:
            return CLOSE_ENDED
        if not is_audible(call):
            return CLOSE_NO_SOUND
        self.session = start_listening(call=call, by=user.get_username(), process=this_process())
        self.call = call
        return None

    async def _play(self, listener: Listener) -> None:
        """Send frames until there are no more."""
        with suppress(StopConsumer):
            while isinstance(item := await listener.next(), bytes):
                try:
                    async with asyncio.timeout(settings.FEED_PATIENCE):
                        await self.send(bytes_data=item)
                except TimeoutError:
                    await self.end(CLOSE_TOO_SLOW)
                    return
            await self.end(ENDS.get(item, CLOSE_FAILED))

    def _find_refusal_now(self, scope: Mapping[str, Any]) -> int | None:
        user = rights.user_now(scope)
        if code := find_refusal(scope, user):
            return code
        # Agent, queue and teams may have changed.
        call = Call.objects.filter(pk=self.call.pk).first() if self.call else None
        return CLOSE_UNKNOWN_CALL if call is not None and not may_see(user, call) else None

    async def leave(self) -> None:
        if self.call is not None and self.listener is not None:
            await reader().leave(self.call.pk, self.listener)
        if self.session is not None:
            # During a database outage, the session ends with its lease.
            with suppress(DatabaseError):
                await database_sync_to_async(end_listening)(self.session.pk)

    def why(self, code: int) -> str:
        return _reason(code, self.scope) or REASONS.get(code, "")


def find_refusal(scope: Mapping[str, Any], user: Any) -> int | None:
    """Return the code with which to refuse a listener, or None.

    Who listens is logged by name, so it takes a person: no API key, and no open API.
    """
    if not settings.LISTEN_IN or _shows_key(scope):
        return CLOSE_NOT_ALLOWED
    if user is None or not user.is_authenticated:
        return CLOSE_NOT_LOGGED_IN
    return None if user.has_perms([VIEW, LISTEN]) else CLOSE_NOT_ALLOWED


def _reason(code: int, scope: Mapping[str, Any]) -> str:
    if code == CLOSE_NOT_ALLOWED and not settings.LISTEN_IN:
        return SWITCHED_OFF
    if code == CLOSE_NOT_ALLOWED and _shows_key(scope):
        return NOT_FOR_KEYS
    return ""


def _shows_key(scope: Mapping[str, Any]) -> bool:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    return bool(key_from_headers(headers.get(b"authorization", ""), headers.get(b"x-api-key", "")))
