"""``manage.py bench_keys``: what it costs to check an API key, its networks and its limit."""

from __future__ import annotations

import asyncio
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from calls.ingest import express
from calls.ingest.express import ExpressLane
from calls.keys import ApiClient, digest, ring
from calls.keys.last_use import last_use
from calls.models import ApiKey

PLAIN = "cc_benchmark"
BODY = b'{"sequence":1,"data":"hello","timestamp":0.5}'
LIMIT_US = 25
KEYS: dict[str, dict[str, Any]] = {
    "a key": {},
    "with networks": {"networks": ("10.0.0.0/8", "127.0.0.0/8")},
    "with a limit": {"rate_limit": 1_000_000},
    "with both": {"networks": ("10.0.0.0/8", "127.0.0.0/8"), "rate_limit": 1_000_000},
}


class Command(BaseCommand):
    help = (
        "Send single packets through the fast lane in this process, without a server and without "
        "a database, with an open API and with keys. Rounds alternate, and the fastest counts."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--requests", type=int, default=5_000, help="in each round")
        parser.add_argument("--rounds", type=int, default=10)

    def handle(self, *args: Any, **options: Any) -> None:
        # Nothing is written: neither the packets nor the last use of a key that does not exist.
        vars(express)["store_async"] = _store_nothing
        last_use.start = lambda write: None
        times = asyncio.run(_measure(options["requests"], options["rounds"]))
        without = times.pop("open API")
        self.stdout.write(f"{'open API':<14} {without:6.1f} us a request")
        for name, each in times.items():
            ratio = each / without
            self.stdout.write(f"{name:<14} {each:6.1f} us, {ratio:.2f} times an open API")
        if (added := times["with both"] - without) > LIMIT_US:
            raise CommandError(f"A key with both costs {added:.1f} us; the bar is {LIMIT_US} us.")


async def _store_nothing(*args: Any) -> None:
    return None


async def _measure(requests: int, rounds: int) -> dict[str, float]:
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, terms in {"open API": None, **KEYS}.items():
            settings.API_AUTH = "open" if terms is None else "key"
            _put(terms or {})
            took = await _send(requests)
            best[name] = min(took, best.get(name, took))
    return best


def _put(terms: dict[str, Any]) -> None:
    scopes = frozenset({ApiKey.Scope.INGEST.value})
    ring._clients = {digest(PLAIN): ApiClient("bench", scopes, key_id=1, **terms)}  # noqa: SLF001
    ring._loaded_at = time.monotonic() + 3600  # noqa: SLF001


async def _send(requests: int) -> float:
    """Return the microseconds of processor time that one request takes."""
    lane = ExpressLane(_refuse)
    headers = [
        (b"host", b"localhost"),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(BODY)),
        (b"x-api-key", PLAIN.encode()),
    ]
    begun_at = time.process_time()
    for _ in range(requests):
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/call/stream/c-1",
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 5000),
        }
        await lane(scope, _receive, _check)
    return (time.process_time() - begun_at) / requests * 1e6


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": BODY}


async def _check(message: Any) -> None:
    if message.get("status", 202) != 202:
        raise CommandError(f"A packet got {message['status']}.")


async def _refuse(scope: Any, receive: Any, send: Any) -> None:
    raise CommandError("A packet went to the slow lane.")
