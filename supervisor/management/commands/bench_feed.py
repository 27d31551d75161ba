"""``manage.py bench_feed``: how soon every supervisor knows, and whether nobody misses anything."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from calls import services
from calls.benchmark.databases import scratch_database
from calls.benchmark.servers import ROOT, Server, ServerError, environment
from supervisor.benchmark.audience import Watcher, gather

SETTLE_S = 15
BAR_MS = 1000.0


class Command(BaseCommand):
    help = (
        "Connect supervisors to one web process while another process makes events, with a "
        "server and a database of its own: a scratch database on the PostgreSQL server of "
        "DATABASE_URL, or else a SQLite file. The delay is counted from the time that stands in "
        "the event, which is before its commit."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--supervisors", type=int, default=500)
        parser.add_argument("--rate", type=float, default=100, help="events a second")
        parser.add_argument("--seconds", type=float, default=20)
        parser.add_argument("--json", metavar="FILE", help="write what was seen there, too")
        parser.add_argument("--make", action="store_true", help="(used by the command itself)")

    def handle(self, *args: Any, **options: Any) -> None:
        limits = {"supervisors": (1, 10_000), "rate": (1, 10_000), "seconds": (1, 3600)}
        for name, (least, most) in limits.items():
            if not least <= options[name] <= most:
                raise CommandError(f"--{name} must be from {least} to {most}.")
        if options["make"]:
            _make(options["rate"], options["seconds"])
            return
        try:
            seen = _measure(options)
        except (ServerError, OSError, TimeoutError) as error:
            raise CommandError(f"The run broke off: {error!r}") from error
        if options["json"]:
            Path(options["json"]).write_text(json.dumps(seen, indent=2) + "\n")
        for name, value in seen.items():
            self.stdout.write(f"{value!s:>12}  {name.replace('_', ' ')}")
        if seen["missed"] or seen["lost_sockets"] or seen["p99_ms"] >= BAR_MS:
            raise CommandError(f"The bar (p99 under {BAR_MS:g} ms, nothing missed) is not met.")


def _make(rate: float, seconds: float) -> None:
    """Open and describe calls, which is two events each, at an even pace."""
    begin, count = time.monotonic(), round(rate * seconds / 2)
    for number in range(count):
        services.start_call(call_id=f"bench-{number}", queue="bench")
        time.sleep(max(0.0, begin + (number + 1) * 2 / rate - time.monotonic()))


def _measure(options: dict[str, Any]) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="callcenter-bench-") as name,
        scratch_database(Path(name)) as database,
    ):
        settings = environment(database.url, API_AUTH="open")
        migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=ROOT, env=settings, check=True)  # noqa: S603
        with Server("uvicorn", environment=settings, folder=Path(name)) as server:
            seen = asyncio.run(_watch(server, settings, options))
    return {"database": database.title, "cores": os.cpu_count(), **seen}


async def _watch(
    server: Server, settings: dict[str, str], options: dict[str, Any]
) -> dict[str, Any]:
    watchers = await gather(server.port, options["supervisors"])
    before = _memory_mb(server.pid)
    arguments = ["--make", "--rate", str(options["rate"]), "--seconds", str(options["seconds"])]
    begin = time.monotonic()
    maker = await asyncio.create_subprocess_exec(
        sys.executable, "manage.py", "bench_feed", *arguments, cwd=ROOT, env=settings
    )
    if await maker.wait():
        raise ServerError("no events could be made")
    took = time.monotonic() - begin
    await _settle(watchers)
    return _summary(watchers) | {
        "made_in_s": round(took, 1),
        "memory_before_mb": before,
        "memory_after_mb": _memory_mb(server.pid),
    }


async def _settle(watchers: list[Watcher]) -> None:
    """Wait until everybody knows everything, or nothing has come for a while."""
    for _ in range(SETTLE_S):
        known = [len(watcher.offsets) for watcher in watchers]
        await asyncio.sleep(1)
        if min(known) == max(known) == len(watchers[0].offsets):
            return


def _summary(watchers: list[Watcher]) -> dict[str, Any]:
    events = set().union(*(watcher.offsets for watcher in watchers))
    delays = sorted(delay for watcher in watchers for delay in watcher.delays_s)
    if not delays:
        raise ServerError("nobody was told anything")
    return {
        "supervisors": len(watchers),
        "events": len(events),
        "missed": sum(len(events) - len(set(watcher.offsets)) for watcher in watchers),
        "out_of_order": sum(watcher.offsets != sorted(watcher.offsets) for watcher in watchers),
        "lost_sockets": sum(watcher.is_lost for watcher in watchers),
        "p50_ms": round(delays[len(delays) // 2] * 1000, 1),
        "p99_ms": round(delays[len(delays) * 99 // 100] * 1000, 1),
        "max_ms": round(delays[-1] * 1000, 1),
    }


def _memory_mb(pid: int) -> float | None:
    """Return the resident memory of a process, where the system tells."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return round(int(found.split()[1]) / 1024, 1)
