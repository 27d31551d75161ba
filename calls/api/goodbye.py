"""How a web process says goodbye to clients: no request is cut off, and no stored packet is lost.

The server (``calls.operation.server``) says when it begins. Other servers only say, by the lifespan
protocol, when their last request has been answered.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress

from calls.asgi import App, Message, Receive, Scope, Send
from calls.ingest.buffer import drain
from calls.ingest.refusal import refuse_socket
from calls.operation.draining import RETRY_AFTER_S, draining

log = logging.getLogger(__name__)
CLOSE = (b"connection", b"close")
BODY = json.dumps({"detail": "The server is restarting. Send the request again."}).encode()
HEADERS = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(BODY)),
    (b"retry-after", b"%d" % RETRY_AFTER_S),
    CLOSE,
]


class Goodbye:
    """The outermost layer of the application. Until the process is told to stop, it does nothing.

    From then on it closes connections with their next response and refuses new sockets. A request
    that the server cancels because its time is up gets 503.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, _draining(receive), send)
        elif scope["type"] == "websocket" and draining.has_begun():
            await receive()  # websocket.connect
            await refuse_socket(scope, send, "The server is restarting.", after_s=RETRY_AFTER_S)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, _closing(send) if draining.has_begun() else send)
        except asyncio.CancelledError:
            if not draining.has_begun():
                raise
            log.warning("%s %s took too long to be answered", scope["method"], scope["path"])
            with suppress(RuntimeError):  # its response has begun
                await send({"type": "http.response.start", "status": 503, "headers": HEADERS})
                await send({"type": "http.response.body", "body": BODY})


def _closing(send: Send) -> Send:
    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), CLOSE]}
        await send(message)

    return closing


def _draining(receive: Receive) -> Receive:
    """Store what is waiting before the application learns of the shutdown."""

    async def passed_on() -> Message:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            draining.begin()
            await asyncio.to_thread(drain)
        return message

    return passed_on
