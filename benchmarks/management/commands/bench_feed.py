"""``manage.py bench_feed``: how soon every supervisor sees an event, and whether any is missed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from argparse import ArgumentParser
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from benchmarks.feed.audience import Delays, Watcher, gather
from benchmarks.feed.memory import MemoryLog
from benchmarks.rig.databases import ROOT, Database
from benchmarks.rig.packages import require
from benchmarks.rig.servers import RunError, Server
from benchmarks.rig.sites import scratch_site
from calls import services

SETTLE_S = 15
BAR_MS = 1000
GROWTH_BAR_PERCENT = 5.0
EVENTS_PER_CALL = 3
LIVE_CALLS = 100
COUNT_EVENTS = "SELECT count(*) FROM calls_callevent"


class Command(BaseCommand):
    help = (
        "Connect supervisors to one web process while another process makes events. The run uses "
        "its own scratch database: on the PostgreSQL server of DATABASE_URL or, without one, an "
        "SQLite file. The delay counts from the time in the event, which is before its commit. "
        "Runs of 120 s or more also check memory. With --kill, the web process is killed "
        "instead, and the final state of all clients is compared."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--supervisors", type=int, default=500)
        parser.add_argument("--rate", type=float, default=100, help="events per second")
        parser.add_argument("--seconds", type=float, default=20)
        parser.add_argument(
            "--kill", type=int, default=0, metavar="N", help="kill and restart N times"
        )
        parser.add_argument("--clients", type=int, default=50, help="clients during --kill")
        parser.add_argument("--json", metavar="FILE", help="also write the result as JSON")
        parser.add_argument("--make", action="store_true", help="(internal)")

    def handle(self, *args: Any, **options: Any) -> None:
        _check(options)
        if options["make"]:
            _make(options["rate"], options["seconds"])
            return
        require("websockets")
        try:
            seen = _measure(options)
        except (RunError, OSError, TimeoutError) as error:
            raise CommandError(f"The run failed: {error!r}") from error
        if options["json"]:
            Path(options["json"]).write_text(json.dumps(seen, indent=2) + "\n")
        for name, value in seen.items():
            self.stdout.write(f"{value!s:>12}  {name.replace('_', ' ')}")
        if failures := _failures(seen):
            raise CommandError(f"The bar is not met: {', '.join(failures)}.")


def _check(options: dict[str, Any]) -> None:
    limits = {
        "supervisors": (1, 10_000), "rate": (1, 10_000), "seconds": (1, 86_400),
        "kill": (0, 1000), "clients": (1, 1000),
    }  # fmt: skip
    for name, (least, most) in limits.items():
        if not least <= options[name] <= most:
            raise CommandError(f"--{name} must be from {least} to {most}.")


def _failures(seen: dict[str, Any]) -> list[str]:
    """Return the values that miss their bars."""
    bars = {
        "missed": 0, "out_of_order": 0, "lost_sockets": 0, "p99_ms": BAR_MS,
        "memory_growth_percent": GROWTH_BAR_PERCENT, "differing_clients": 0,
    }  # fmt: skip
    return [
        f"{name.replace('_', ' ')} {seen[name]}, at most {most:g}"
        for name, most in bars.items()
        if (seen.get(name) or 0) > most
    ]


def _make(rate: float, seconds: float) -> None:
    """Open, describe and later end calls at an even pace, with three events for each call."""
    begin, count = time.monotonic(), round(rate * seconds / EVENTS_PER_CALL)
    for number in range(count):
        services.start_call(call_id=f"bench-{number}", queue="bench")
        # Calls end LIVE_CALLS later, so that many are live at any time, as in a call centre.
        if number >= LIVE_CALLS:
            services.end_call(call_id=f"bench-{number - LIVE_CALLS}")
        due = begin + (number + 1) * EVENTS_PER_CALL / rate
        time.sleep(max(0.0, due - time.monotonic()))


def _measure(options: dict[str, Any]) -> dict[str, Any]:
    with (
        scratch_site(API_AUTH="open") as site,
        site.server() as server,
    ):
        run = _outlive if options["kill"] else _watch
        seen = asyncio.run(run(server, site.database, site.environment, options))
        return {"database": site.database.title, "cores": os.cpu_count(), **seen}


async def _start_making(settings: dict[str, str], *, rate: float, seconds: float) -> Process:
    arguments = ["--make", "--rate", str(rate), "--seconds", str(seconds)]
    return await asyncio.create_subprocess_exec(
        sys.executable, "manage.py", "bench_feed", *arguments, cwd=ROOT, env=settings
    )


async def _outlive(
    server: Server, database: Database, settings: dict[str, str], options: dict[str, Any]
) -> dict[str, Any]:
    from benchmarks.feed.outages import survive  # needs websockets

    load = await _start_making(settings, rate=options["rate"], seconds=86_400)
    try:
        return {"kills": options["kill"]} | await survive(
            server, database, load, count=options["clients"], kills=options["kill"]
        )
    finally:
        if load.returncode is None:
            load.kill()
            await load.wait()


async def _watch(
    server: Server, database: Database, settings: dict[str, str], options: dict[str, Any]
) -> dict[str, Any]:
    delays = Delays()
    watchers = await gather(server.port, options["supervisors"], delays)
    memory = MemoryLog(server.pid, seconds=options["seconds"])
    sampling = asyncio.create_task(memory.run())
    begin = time.monotonic()
    maker = await _start_making(settings, rate=options["rate"], seconds=options["seconds"])
    if await maker.wait():
        raise RunError("The process that makes events failed.")
    took = time.monotonic() - begin
    events = database.count(COUNT_EVENTS)
    await _settle(watchers, events)
    sampling.cancel()
    return _summary(watchers, delays, events) | {
        "made_in_s": round(took, 1),
        "memory_mb": memory.shown,
        "memory_growth_percent": memory.growth_percent,
    }


async def _settle(watchers: list[Watcher], events: int) -> None:
    """Wait until every client has caught up or the time is over."""
    for _ in range(SETTLE_S * 10):
        if min(watcher.count for watcher in watchers) >= events:
            return
        await asyncio.sleep(0.1)


def _summary(watchers: list[Watcher], delays: Delays, events: int) -> dict[str, Any]:
    """Return the summary. ``events`` is the number in the log, sent or not."""
    return {
        "supervisors": len(watchers),
        "events": events,
        "missed": sum(events - watcher.count for watcher in watchers),
        "out_of_order": sum(watcher.out_of_order for watcher in watchers),
        "lost_sockets": sum(watcher.is_lost for watcher in watchers),
        "p50_ms": delays.quantile(0.5),
        "p99_ms": delays.quantile(0.99),
        "max_ms": delays.quantile(1),
    }
