"""Uvicorn's WebSocket protocol, for sockets that are many, all told the same, and may be slow.

Given to Uvicorn as ``--ws supervisor.protocol:WebSocketProtocol``. Without it everything works as
well, for fewer supervisors on a core, and one who does not read is harder to get rid of.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

# In the scope: the server takes `{"type": SEND_FRAMES, "frames": bytes}`, whole frames as they go
# over the wire, any number of them. Made once for all sockets, they cost each a single write.
FRAMES = "callcenter.frames"
SEND_FRAMES = "websocket.send.frames"
CLOSE_PATIENCE_S = 5.0


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Does not compress: that would be done, and its state kept, for each socket anew."""

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        config.ws_per_message_deflate = False
        super().__init__(config, *args, **kwargs)

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
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
        await self.writable.wait()
        if self.disconnected or self.conn.state is not State.OPEN:
            raise ClientDisconnected
        self.transport.write(frames)

    async def _send_close(self, message: Any) -> None:
        # Behind whatever waits to be written, but not waiting for a client that does not read.
        self.writable.set()
        await super().send(message)
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(CLOSE_PATIENCE_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # Closing alone would wait until what is written was read.
        self.loop.call_later(CLOSE_PATIENCE_S, self.transport.abort)


def text_frame(text: bytes) -> bytes:
    """Return a text frame as a server sends it: final, unmasked (RFC 6455, 5.2)."""
    size = len(text)
    if size < 126:
        return b"\x81%c" % size + text
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + text
    return b"\x81\x7f" + size.to_bytes(8, "big") + text
