"""Uvicorn's WebSocket protocol, changed for many sockets that receive the same data.

Pass it to Uvicorn as ``--ws supervisor.protocol:WebSocketProtocol``. It is optional. Without it,
one core serves fewer supervisors, and a client that does not read is disconnected later.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

# This extension in the scope says that the server accepts `{"type": SEND_FRAMES, "frames": bytes}`:
# any number of complete frames in wire format. They are encoded once for all sockets, so each
# socket costs a single write.
FRAMES = "callcenter.frames"
SEND_FRAMES = "websocket.send.frames"
CLOSE_PATIENCE_S = 5.0


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Sends shared frames and drops slow clients.

    Compression is off, because it would run and keep state for each socket.
    """

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        config.ws_per_message_deflate = False
        super().__init__(config, *args, **kwargs)

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        # Uvicorn has only made the task of the application; it starts later, and finds this.
        if self.response.status_code == 101:
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), FRAMES: {}}

    async def send(self, message: Any) -> None:
        if message["type"] == SEND_FRAMES:
            await self._send_frames(message["frames"])
        elif message["type"] == "websocket.close" and self.handshake_complete:
            await self._send_close(message)
        else:
            await super().send(message)

    async def _send_frames(self, frames: bytes) -> None:
        # Back-pressure: the transport holds at most its high-water mark (64 KB) for a slow client.
        await self.writable.wait()
        # Frames bypass the state machine of the connection, which would refuse them after a close.
        if self.disconnected or self.conn.state is not State.OPEN:
            raise ClientDisconnected
        self.transport.write(frames)

    async def _send_close(self, message: Any) -> None:
        # The close frame goes behind the data that waits to be written. A client that does not read
        # keeps `writable` cleared, and `send` would wait for it without end.
        self.writable.set()
        await super().send(message)
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_PATIENCE_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # A plain close waits until the client has read all written data, which it may never do.
        self.loop.call_later(CLOSE_PATIENCE_S, self.transport.abort)


def text_frame(text: bytes) -> bytes:
    """Return a final, unmasked text frame, as servers send it (RFC 6455, section 5.2)."""
    size = len(text)
    if size < 126:
        return b"\x81%c" % size + text
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + text
    return b"\x81\x7f" + size.to_bytes(8, "big") + text
