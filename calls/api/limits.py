"""Refuses a body over the limit while it arrives, not afterwards."""

from __future__ import annotations

import json
import sys
from collections.abc import MutableMapping
from typing import Any

from calls.asgi import App, Message, Receive, Send

MAX_DIGITS = 18  # of a Content-Length; Python refuses to convert thousands of digits


class BodyLimit:
    """Refuses bodies of more than ``limit`` bytes with 413, with or without Content-Length."""

    def __init__(self, app: App, *, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _announced(scope) > self.limit:
            await self._refuse(send)
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            # Pretend that the sender disconnected, so that Django discards what it has of the body.
            return {"type": "http.disconnect"} if seen > self.limit else message

        async def answer(message: Message) -> None:
            if seen <= self.limit:
                await send(message)

        await self.app(scope, counted, answer)
        if seen > self.limit:
            await self._refuse(send)

    async def _refuse(self, send: Send) -> None:
        detail = f"The body is larger than the limit of {self.limit} bytes."
        body = json.dumps({"detail": detail}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            # The rest of the body is not read, so the connection cannot be reused.
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _announced(scope: MutableMapping[str, Any]) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value) if len(value) <= MAX_DIGITS else sys.maxsize
    return 0
