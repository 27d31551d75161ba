"""Refuses new WebSockets while the server cannot keep up with those that it has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from django.conf import settings

from calls.ingest.buffer import buffer
from calls.ingest.requests import Way

CLOSE_TRY_AGAIN = 1013
RETRY_AFTER_S = 5
ADMIT_WITHIN_S = 2.0  # carriers wait for longer before they give up
ASK_AGAIN_S = 0.05
EXTENSION = "websocket.http.response"
Send = Callable[[dict[str, Any]], Awaitable[None]]


@asynccontextmanager
async def admission(scope: dict[str, Any], send: Send, way: Way) -> AsyncIterator[bool]:
    """Enter before a socket is accepted, leave when it is closed. False: it has been refused."""
    if not settings.GROUP_COMMIT:
        yield True
    elif await _admit_stream(way):
        try:
            yield True
        finally:
            buffer().admission.end()
    else:
        await refuse_socket(scope, send, "The server is overloaded.", after_s=RETRY_AFTER_S)
        yield False


async def _admit_stream(way: Way) -> bool:
    """Return whether a new stream was admitted, as it makes no other late.

    While the server is busy, waits ADMIT_WITHIN_S at most, if there may be room by then.
    """
    answer, admission = buffer().admit_stream(), buffer().admission
    if answer is None and admission.may_wait(ADMIT_WITHIN_S):
        admission.waiting += 1
        try:
            answer = await _ask_again()
        finally:
            admission.waiting -= 1
    if not answer:
        buffer().refuse_stream(way)
    return bool(answer)


async def _ask_again() -> bool | None:
    until, answer = time.monotonic() + ADMIT_WITHIN_S, None
    # The load is measured from time to time, so no event tells when it has changed.
    while answer is None and time.monotonic() < until:
        await asyncio.sleep(ASK_AGAIN_S)
        answer = buffer().admit_stream()
    return answer


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
