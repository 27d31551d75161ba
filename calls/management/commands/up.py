"""``manage.py up``: runs web server and worker together, for one machine."""

from __future__ import annotations

import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from calls.keys import create_key
from calls.management.demo import create_demo_supervisor
from calls.models import ApiKey
from calls.monitoring.health import pending_migrations
from calls.operation.server import find_exposure
from calls.process import Child, python, stop_all

START_PATIENCE_S = 60
STOP_PATIENCE_S = 8
WATCH_S = 0.25
WORKER_NICE = 5  # answering packets takes priority over analysing calls


class Command(BaseCommand):
    help = (
        "Run web server and worker together on this machine. Ctrl-C or SIGTERM stops both. On "
        "several machines, run `manage.py web` and `manage.py qcluster`."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on")
        parser.add_argument("--no-worker", action="store_true", help="run the web server only")
        parser.add_argument(
            "--demo",
            action="store_true",
            help="create a demo account and stream the recorded calls, at DEMO_SPEED times real "
            "time (environment variable, default 1)",
        )
        parser.add_argument(
            "--forever", action="store_true", help="with --demo: play calls until it is stopped"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.host, self.port = options["host"], options["port"]
        self._stop = threading.Event()
        if options["forever"] and not options["demo"]:
            raise CommandError("--forever needs --demo.")
        self._is_endless = options["forever"]
        self._check()
        self._prepare_database()
        account = create_demo_supervisor() if options["demo"] else None
        children = self._children(worker=not options["no_worker"])
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop.set())
        try:
            self._run(children, account)
        finally:
            self.stdout.write("Stopping...")
            stop_all(children, patience_s=STOP_PATIENCE_S)
            self.stdout.write("Stopped.")

    def _check(self) -> None:
        if not 0 < self.port < 65_536:
            raise CommandError("--port must be from 1 to 65535.")
        if problem := find_exposure(self.host):
            raise CommandError(problem)
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            # As Uvicorn does. Without it, an address counts as in use for a while after its server.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise CommandError(f"{self.host}:{self.port}: {error.strerror}.") from error

    def _prepare_database(self) -> None:
        if settings.LOCAL:
            call_command("migrate", verbosity=0)
        elif pending := pending_migrations():
            raise CommandError(f"{pending} migrations are missing. Run `manage.py migrate` first.")
        self._has_account = get_user_model().objects.filter(is_active=True).exists()
        # `up` may run for weeks and needs no database from here on.
        connections.close_all()

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        # Browsers cannot open the address that means "all addresses".
        name = "localhost" if host in ("0.0.0.0", "[::]") else host  # noqa: S104 (nothing is bound to it here)
        return f"http://{name}:{self.port}{settings.PATH_PREFIX}"

    def _children(self, *, worker: bool) -> list[Child]:
        web = Child(
            "web",
            python(
                *("manage.py", "web", "--host", self.host, "--port", str(self.port)),
                # Less than STOP_PATIENCE_S, after which the server would be killed.
                *("--delay", "0", "--timeout", "5"),
            ),
        )
        if not worker:
            return [web]
        return [web, Child("worker", python("manage.py", "qcluster"), nice=WORKER_NICE)]

    def _run(self, children: list[Child], account: tuple[str, str] | None) -> None:
        for child in children:
            child.start()
        # The worker needs no web server, but the demo does, and people want to open the page.
        self._wait_for_web(children[0])
        if self._stop.is_set():
            return
        self._say_where(account)
        if account:
            children.append(self._demo())
            children[-1].start()
        while not self._stop.wait(WATCH_S):
            self._watch(children)

    def _wait_for_web(self, web: Child) -> None:
        for _ in range(int(START_PATIENCE_S / WATCH_S)):
            if self._stop.is_set() or _answers(f"{self.address}/healthz"):
                return
            if not web.running:
                raise CommandError("The web server did not start. See its output above.")
            self._stop.wait(WATCH_S)
        raise CommandError(f"The web server did not respond within {START_PATIENCE_S} s.")

    def _watch(self, children: list[Child]) -> None:
        for child in [child for child in children if not child.running]:
            # The demo ends when its calls have been played.
            if child.once:
                children.remove(child)
                continue
            self.stderr.write(f"The {child.name} process ended unexpectedly. Starting it again.")
            if not child.revive():
                raise CommandError(f"The {child.name} process keeps ending.")

    def _say_where(self, account: tuple[str, str] | None) -> None:
        lines = [
            f"Supervisor   {self.address}/supervisor/",
            f"Admin        {self.address}/admin/",
            f"API          {self.address}/docs",
        ]
        if account:
            lines += [f"User         {account[0]}", f"Password     {account[1]}"]
        elif not self._has_account:
            lines += ["", "Nobody can log in yet. Create an account:"]
            lines += ["  python manage.py createsuperuser"]
        self.stdout.write(self.style.SUCCESS("\ncallcenter is running. Press Ctrl-C to stop.\n"))
        self.stdout.write("\n".join(f"  {line}" for line in lines) + "\n")
        self.stdout.flush()

    def _demo(self) -> Child:
        command = python(
            *("manage.py", "simulate_calls", "--url", self.address),
            *("--speed", os.environ.get("DEMO_SPEED", "1"), "--concurrency", "3"),
            *("--shuffle", "0.05", "--duplicates", "0.05"),
            *(["--forever"] if self._is_endless else []),
        )
        if settings.API_AUTH == "key":
            # Only the digest of a key is stored, so the one of the last run cannot be used again.
            ApiKey.objects.filter(name="demo").delete()
            scopes = [ApiKey.Scope.INGEST, ApiKey.Scope.READ]
            os.environ["CALLCENTER_API_KEY"] = create_key(name="demo", scopes=scopes)[1]
            connections.close_all()
        return Child("demo", command, once=True)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 (our own address)
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
