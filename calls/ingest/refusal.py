"""Refuses new WebSockets while the server cannot keep up with those that it has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from calls.ingest.buffer import buffer
from calls.ingest.pressure import PACE_S
from calls.ingest.requests import Way

CLOSE_TRY_AGAIN = 1013
RETRY_AFTER_S = 5
ADMIT_WITHIN_S = 2.0  # carriers wait for longer before they give up
EXTENSION = "websocket.http.response"
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def is_refused(scope: dict[str, Any], send: Send, way: Way) -> bool:
    """Return whether this has refused the handshake. Call it before the socket is accepted."""
    if await admits_stream(way):
        return False
    await refuse_socket(scope, send, "The server is overloaded.", after_s=RETRY_AFTER_S)
    return True


async def admits_stream(way: Way) -> bool:
    """Return whether a new stream can be taken without making others late.

    Waits ADMIT_WITHIN_S at most while the event loop is busy.
    """
    if not settings.GROUP_COMMIT:
        return True
    until = time.monotonic() + ADMIT_WITHIN_S
    # The load is measured from time to time, so no event tells when it has changed.
    while (answer := buffer().admits_stream()) is None and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(PACE_S)
    if not answer:
        buffer().refuse_stream(way)
    return bool(answer)


async def refuse_socket(
    scope: MutableMapping[str, Any], send: Send, reason: str, *, after_s: int
) -> None:
    """Refuse a handshake with 503, or close with 1013 where the server cannot do that."""
    if EXTENSION in (scope.get("extensions") or {}):
        headers = [(b"retry-after", b"%d" % after_s), (b"content-type", b"text/plain")]
        await send({"type": f"{EXTENSION}.start", "status": 503, "headers": headers})
        await send({"type": f"{EXTENSION}.body", "body": f"{reason}\n".encode()})
    else:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": CLOSE_TRY_AGAIN})
