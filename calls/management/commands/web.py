"""``manage.py web``: runs a web process. Any number may run, on any number of machines."""

from __future__ import annotations

import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from calls.operation.server import find_exposure, listen, serve


class Command(BaseCommand):
    help = (
        "Run a web process. Ctrl-C or SIGTERM stops it: /readyz then returns 503, requests in "
        "flight finish, and all packets are stored. After Ctrl-C, it stops listening at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on")
        parser.add_argument("--fd", type=int, help="socket to listen on, as systemd passes it")
        parser.add_argument(
            "--delay",
            type=float,
            default=settings.SHUTDOWN_DELAY,
            metavar="SECONDS",
            help="how long to continue after SIGTERM, until proxies have noticed (SHUTDOWN_DELAY)",
        )
        parser.add_argument(
            "--timeout",
            type=float,
            default=settings.SHUTDOWN_TIMEOUT,
            metavar="SECONDS",
            help="how long requests and sockets then have to finish (SHUTDOWN_TIMEOUT)",
        )
        parser.add_argument(
            "--ping-interval",
            type=float,
            default=20,
            metavar="SECONDS",
            help="how often to send pings to WebSocket clients",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        bound = self._listen(options["host"], options["port"], options["fd"])
        has_started = serve(
            bound,
            delay_s=options["delay"],
            timeout_s=options["timeout"],
            ws_ping_interval=options["ping_interval"],
            ws_ping_timeout=options["ping_interval"],
        )
        if not has_started:
            raise CommandError("The web process did not start. See its output above.")

    def _listen(self, host: str, port: int, fd: int | None) -> socket.socket:
        if not 0 <= port < 65_536:
            raise CommandError("--port must be from 0 to 65535.")
        if problem := find_exposure(host):
            raise CommandError(problem)
        try:
            return socket.socket(fileno=fd) if fd is not None else listen(host, port)
        except OSError as error:
            where = f"File descriptor {fd}" if fd is not None else f"{host}:{port}"
            raise CommandError(f"{where}: {error.strerror}.") from error
