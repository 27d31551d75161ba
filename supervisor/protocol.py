"""Uvicorn's WebSocket protocol, changed for many sockets that receive the same data.

Pass it to Uvicorn as ``--ws supervisor.protocol:WebSocketProtocol``. It is optional. Without it,
one core serves fewer supervisors, and a client that does not read is disconnected later.
"""

from __future__ import annotations

import socket
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from calls.asgi import PINGS, STREAM
from calls.ingest.pressure import unread
from calls.operation.draining import CLOSE_RESTART, RETRY_AFTER_S

# This extension in the scope says that the server accepts `{"type": SEND_FRAMES, "frames": bytes}`:
# any number of complete frames in wire format. They are encoded once for all sockets, so each
# socket costs a single write.
FRAMES = "callcenter.frames"
SEND_FRAMES = "websocket.send.frames"
CLOSE_PATIENCE_S = 5.0
SECOND_LOOK_S = 1.0
# After a minute of silence, four probes at intervals of 15 s.
_PROBES = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
TCP_PROBES = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in _PROBES.items()
        if hasattr(socket, name)
    ),
]


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Sends shared frames, drops slow clients, and never mistakes a live client for a dead one.

    Uvicorn closes a socket whose pong does not arrive in time. But it stops reading while the
    application is busy, so the pong may be waiting behind messages that nobody has read. Here every
    received byte is a sign of life, and a socket that is not being read is never closed.

    Compression is off, because it would run and keep state for each socket.
    """

    def __init__(self, config: Any, *args: Any, **kwargs: Any) -> None:
        config.ws_per_message_deflate = False
        super().__init__(config, *args, **kwargs)
        self._heard_at = 0.0
        self._stream_since: float | None = None  # when a socket that brings packets was accepted
        self._received = 0

    def data_received(self, data: bytes) -> None:
        self._heard_at = now = self.loop.time()
        if self._stream_since is not None:
            self._received += len(data)
            unread.note(len(data), self._received, now - self._stream_since, now)
        super().data_received(data)

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"] = {**(self.scope["extensions"] or {}), FRAMES: {}}

    def shutdown(self) -> None:
        """Send a close frame when the server stops. Data that the client sends until then is read.

        A carrier does not send its frames again, so the connection stays open until the response to
        the close frame has arrived, behind the last of them.
        """
        if not self.handshake_complete:
            self._refuse()
        elif self.close_sent or self.conn.state is not State.OPEN:
            super().shutdown()
        else:
            self.stop_keepalive()
            self.conn.send_close(CLOSE_RESTART)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.loop.call_later(CLOSE_PATIENCE_S, self._stop_waiting)

    def _refuse(self) -> None:
        """Refuse a handshake that came too late. Uvicorn would report an error."""
        response = self.conn.reject(HTTPStatus.SERVICE_UNAVAILABLE, "The server is restarting.\n")
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
        self.conn.send_response(response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.handshake_complete = self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": CLOSE_RESTART})
        self.transport.close()

    def _stop_waiting(self) -> None:
        if not self.disconnected:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": CLOSE_RESTART})
            self.transport.abort()

    async def send(self, message: Any) -> None:
        if message["type"] == SEND_FRAMES:
            await self._send_frames(message["frames"])
        elif message["type"] == "websocket.close" and self.handshake_complete:
            await self._send_close(message)
        elif message["type"] == "websocket.accept":
            if not message.get(PINGS, True):
                self._rely_on_tcp()
            if message.get(STREAM):
                self._stream_since = self.loop.time()
            await super().send(message)
        else:
            await super().send(message)

    def _rely_on_tcp(self) -> None:
        """Send no pings. The system's own probes find a peer that is gone."""
        self.ping_interval = None
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            for level, option, value in TCP_PROBES:
                connection.setsockopt(level, option, value)

    async def _send_frames(self, frames: bytes) -> None:
        await self.writable.wait()
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

    def send_keepalive_ping(self) -> None:
        due_at = self._heard_at + (self.ping_interval or 0.0)
        if self.loop.time() < due_at and not self.transport.is_closing():
            self.ping_timer = self.loop.call_at(due_at, self.send_keepalive_ping)
        else:
            super().send_keepalive_ping()

    def keepalive_timeout(self) -> None:
        if self.read_paused:
            # The pong may be waiting in the buffer, so this timer proves nothing.
            self.pong_timer = self.loop.call_later(self.ping_timeout or 0.0, self.keepalive_timeout)
        else:
            # Check again before closing. If the process itself was suspended, or has just begun to
            # read again, this timer may run before the pong is read from the socket.
            self.pong_timer = self.loop.call_later(SECOND_LOOK_S, self._close_if_dead)

    def _close_if_dead(self) -> None:
        if self._heard_at > self.ping_sent_at:
            self.pong_timer = self.pending_ping_payload = None
            self.schedule_ping()
        else:
            super().keepalive_timeout()
            # A plain close waits until the client has read all data, which it may never do.
            self.loop.call_later(CLOSE_PATIENCE_S, self.transport.abort)


def text_frame(text: bytes) -> bytes:
    """Return a final, unmasked text frame, as servers send it (RFC 6455, section 5.2)."""
    size = len(text)
    if size < 126:
        return b"\x81%c" % size + text
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + text
    return b"\x81\x7f" + size.to_bytes(8, "big") + text
