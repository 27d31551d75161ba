"""Wraps the web application: counts responses and open sockets, and gives each request an id."""

from __future__ import annotations

import asyncio

from calls.asgi import App, Message, Receive, Scope, Send
from calls.monitoring.log_context import log_with
from calls.telemetry import publishing
from calls.telemetry.catalogue import HTTP_RESPONSES, SOCKETS
from calls.telemetry.request_ids import HEADER, read_request_id
from calls.telemetry.requests import span_of_request, trace_socket
from calls.telemetry.tracing import NOTHING

EVENT_STREAM = "/v1/events/stream"
KINDS = {
    "/v1/call/stream/": "packets",
    "/v1/media": "carrier",
    "/stream/ws/listen/": "listening",
    "/stream/ws/supervisor": "supervisor",
    "/supervisor/wall/": "wall",
}
TRACED = {"packets", "carrier"}  # the sockets that receive calls


class Observed:
    """The outermost layer, so that answers of every other layer count."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            kind = kind_of(scope["path"])
            log_with(request_id=read_request_id(scope))
            if kind in TRACED:
                trace_socket(scope, kind)
            await _counted(self.app, scope, receive, send, kind=kind)
        elif scope["type"] == "lifespan":
            await _live(receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = read_request_id(scope)

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                HTTP_RESPONSES.add(1, str(status))
                if traced is not NOTHING:
                    traced.set(status=status, error=str(status) if status >= 500 else "")
                named = (HEADER, request_id.encode())
                message = {**message, "headers": [*message.get("headers", ()), named]}
            await send(message)

        log_with(request_id=request_id)
        with span_of_request(scope) as traced:
            if scope["path"] == EVENT_STREAM:
                await _counted(self.app, scope, receive, counting, kind="events")
            else:
                await self.app(scope, receive, counting)


async def _live(receive: Receive, send: Send) -> None:
    """Write the last figures when the server stops. Uvicorn then dies of the signal that it got,
    without running exit handlers.
    """
    while (kind := (await receive())["type"]) != "lifespan.shutdown":
        await send({"type": f"{kind}.complete"})
    await asyncio.to_thread(publishing.leave)
    await send({"type": "lifespan.shutdown.complete"})


def kind_of(path: str) -> str:
    return next((kind for start, kind in KINDS.items() if path.startswith(start)), "other")


async def _counted(app: App, scope: Scope, receive: Receive, send: Send, *, kind: str) -> None:
    SOCKETS.add(1, kind)
    try:
        await app(scope, receive, send)
    finally:
        SOCKETS.add(-1, kind)
