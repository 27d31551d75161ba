"""The web server: Uvicorn, with the options that this application wants, and with patience.

Uvicorn stops listening at once, and resets the connections that wait to be accepted. Proxies then
have requests that they may not send again. Here the server continues briefly while /readyz says
that it is stopping, answers with ``Connection: close``, and accepts whatever waits before it
closes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from typing import Any

from django.conf import settings
from uvicorn import Config, Server

from calls.operation.draining import draining
from calls.operation.garbage import spare_what_is_loaded
from calls.process import SOFTWARE_ERROR

log = logging.getLogger(__name__)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
KEEP_ALIVE_S = 75  # longer than proxies keep idle connections: they close them first
READ_S = 0.1  # for the requests of the connections accepted last
STORE_S = 10.0  # for what waits in the buffer when the last request has been answered
TICK_S = 0.05


class WebServer(Server):
    """Stops within ``delay_s``, the graceful timeout of its configuration and ``STORE_S``."""

    def __init__(self, config: Config, *, delay_s: float) -> None:
        super().__init__(config)
        self._delay_s = delay_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        spare_what_is_loaded()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        draining.begin()
        is_hurried = signal.SIGINT in self._captured_signals
        delay_s = 0.0 if is_hurried else self._delay_s
        _end_at_the_latest(delay_s + (self.config.timeout_graceful_shutdown or 0) + STORE_S)
        await self._go_on(delay_s)
        await self._accept_the_rest(sockets or [])
        await super().shutdown(sockets)
        # Uvicorn would raise the signal once more, and the process would not end in order.
        self._captured_signals.clear()

    async def _go_on(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until and not self.force_exit:  # noqa: ASYNC110 (Uvicorn's flag)
            await asyncio.sleep(TICK_S)

    async def _accept_the_rest(self, sockets: list[socket.socket]) -> None:
        """Stop listening without resetting connections that have been made but not accepted."""
        kept = [each.dup() for each in sockets]
        for server in self.servers:
            server.close()
        for listener in kept:
            listener.setblocking(False)
            while (accepted := _accept(listener)) is not None:
                loop = asyncio.get_running_loop()
                await loop.connect_accepted_socket(self._make_protocol, accepted)
            listener.close()
        await asyncio.sleep(READ_S)

    def _make_protocol(self) -> asyncio.Protocol:
        made: Any = self.config.http_protocol_class
        return made(  # type: ignore[no-any-return]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


def _accept(listener: socket.socket) -> socket.socket | None:
    try:
        accepted, _ = listener.accept()
    except BlockingIOError:
        return None
    accepted.setblocking(False)
    return accepted


def _end_at_the_latest(seconds: float) -> None:
    """End the process even if a thread hangs; Python would wait for it without a limit."""

    def end() -> None:
        log.critical("The server did not stop within %g s.", seconds)
        os._exit(SOFTWARE_ERROR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def find_exposure(host: str) -> str:
    """Return why this profile must not listen on an address, or nothing."""
    if not settings.LOCAL or host in LOOPBACK:
        return ""
    return (
        f"The local profile has an open API, so it does not listen on {host}. Set "
        "PROFILE=production. See README.md, Production."
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address. Raises OSError."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def serve(bound: socket.socket, *, delay_s: float, timeout_s: float, **options: Any) -> bool:
    """Run a web server until it is told to stop. Returns whether it could start."""
    config = Config(
        "callcenter.asgi:application",
        log_config=None,  # Django's settings hold
        access_log=False,
        proxy_headers=False,  # calls.proxies reads them
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        http="calls.operation.http:HttpProtocol",
        ws="supervisor.protocol:WebSocketProtocol",
        timeout_graceful_shutdown=max(1, round(timeout_s)),
        **options,
    )
    server = WebServer(config, delay_s=delay_s)
    server.run(sockets=[bound])
    return server.started
