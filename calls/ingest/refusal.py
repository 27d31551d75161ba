"""Refuses a new WebSocket while the server has too much to do for those that it has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from calls.ingest.buffer import admits_streams
from calls.ingest.requests import Way

CLOSE_TRY_AGAIN = 1013
RETRY_AFTER = b"5"
EXTENSION = "websocket.http.response"
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def is_refused(scope: dict[str, Any], send: Send, way: Way) -> bool:
    """Return whether this has refused the handshake. Call it before the socket is accepted."""
    if admits_streams(way):
        return False
    if EXTENSION in (scope.get("extensions") or {}):
        headers = [(b"retry-after", RETRY_AFTER), (b"content-type", b"text/plain")]
        await send({"type": f"{EXTENSION}.start", "status": 503, "headers": headers})
        await send({"type": f"{EXTENSION}.body", "body": b"The server is overloaded.\n"})
    else:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": CLOSE_TRY_AGAIN})
    return True
