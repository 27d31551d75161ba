"""``manage.py bench_board``: the wallboard of a busy site, in a real browser."""

from __future__ import annotations

import json
import os
import platform
import secrets
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from benchmarks.pages.opening import BrowserMissing, browser
from benchmarks.pages.sameness import find_differences
from benchmarks.pages.wallboard import (
    Cpu,
    Opening,
    TooSlow,
    Watcher,
    Watching,
    open_board,
    wait_for,
)
from benchmarks.rig.databases import ROOT
from benchmarks.rig.packages import require
from benchmarks.rig.report import Bar
from benchmarks.rig.servers import RunError, Server
from benchmarks.rig.sites import scratch_site

NAME = "bench"
OPENINGS = 5
SAMPLES = 12
WARM_UP_S = 5.0  # until the browser has compiled the code that runs often
SETTLE_S = 5.0
HEAP_LIMIT, NODES_LIMIT = 10.0, 10.0  # percent


class Command(BaseCommand):
    help = (
        "Open the wallboard of a site with thousands of live calls and hundreds of changes a "
        "second. The run starts its own server and uses its own scratch database: on the "
        "PostgreSQL server of DATABASE_URL or, without one, an SQLite file. Measures first paint, "
        "main thread load, memory and layout shift, and finally compares the page with a fresh one."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seconds", type=float, default=60, help="length of the run (default: 60)"
        )
        parser.add_argument("--live", type=int, default=2000, help="live calls (default: 2000)")
        parser.add_argument("--rate", type=float, default=200, help="changes/s (default: 200)")
        parser.add_argument(
            "--archived", type=int, default=20_000, help="calls in the archive (default: 20000)"
        )
        parser.add_argument(
            "--view", action="append", metavar="QUERY",
            help="a query string to open; repeatable (default: the plain page)",
        )  # fmt: skip
        parser.add_argument(
            "--kills", type=int, default=0, metavar="N",
            help="kill the web process N times during the run, with SIGKILL, and restart it",
        )  # fmt: skip
        parser.add_argument("--json", metavar="FILE", help="also write the result as JSON")
        parser.add_argument("--build", metavar="PASSWORD", help="(internal)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["build"]:
            get_user_model().objects.create_superuser(NAME, password=options["build"])
            return
        require("playwright")
        limits = {"seconds": (10, 86_400), "live": (1, 100_000), "rate": (1, 10_000)}
        limits |= {"archived": (0, 10_000_000), "kills": (0, 1000)}
        for name, (least, most) in limits.items():
            if not least <= options[name] <= most:
                raise CommandError(f"--{name} must be from {least} to {most}.")
        try:
            seen = _measure(options)
        except (BrowserMissing, RunError, TooSlow, subprocess.TimeoutExpired) as error:
            raise CommandError(str(error)) from error
        self._report(seen)
        if options["json"]:
            Path(options["json"]).write_text(json.dumps(seen, indent=2, default=asdict) + "\n")
        if not all(bar.passed for bar in compare(seen)):
            raise CommandError("A bar is not met.")

    def _report(self, seen: dict[str, Any]) -> None:
        machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
        self.stdout.write(f"{seen['database']}, {machine}: {json.dumps(seen['site'])}")
        for name, value in asdict(middle(seen["openings"])).items():
            self.stdout.write(f"{value:>9,.0f}  {name.replace('_', ' ')}")
        for one in seen["views"]:
            self.stdout.write(describe(one))
            for line in one.differences[:4]:
                self.stdout.write(f"  {line}")
        if seen["server_cpu"] is not None:
            self.stdout.write(f"server: {seen['server_cpu']:.0%} of a core")
        for bar in compare(seen):
            self.stdout.write(str(bar))


def describe(one: Watching) -> str:
    if not one.busy:
        return f"{one.view or '(plain)'}: {len(one.differences)} rows differ from a fresh page"
    heap, nodes = one.heap_mb or [0.0], one.nodes or [0.0]
    return (
        f"{one.view or '(plain)'}: main thread {one.busy_share:.1%} busy, at most "
        f"{max(one.busy, default=0):.1%}, of which script {sum(one.script) / len(heap):.1%}; "
        f"{one.long_tasks} long tasks, longest {one.longest_task_ms:.0f} ms; heap {heap[0]:.1f} to "
        f"{heap[-1]:.1f} MB; nodes {nodes[0]:,.0f} to {nodes[-1]:,.0f}; layout shift "
        f"{one.layout_shift:.4f}; {one.requests / one.seconds:.2f} requests/s"
    )


def middle(openings: list[Opening]) -> Opening:
    rows = [asdict(one) for one in openings]
    return Opening(**{name: median(row[name] for row in rows) for name in rows[0]})


def compare(seen: dict[str, Any]) -> list[Bar]:
    """Compare the results with the bars. The worst of several views counts."""
    views: list[Watching] = seen["views"]
    if not any(one.busy for one in views):  # a run with kills takes no samples
        return [_upper("rows that differ from a fresh page", _unlike(views), 1, "rows")]
    paint = max(one.first_paint_ms for one in seen["openings"])
    heap = max(one.heap_growth for one in views)
    nodes = max(one.node_growth for one in views)
    return [
        _upper("first paint, the slowest", paint, 1500, "ms"),
        _upper("main thread busy", 100 * max(one.busy_share for one in views), 50, "%"),
        _upper("growth of the heap", 100 * heap, HEAP_LIMIT, "%"),
        _upper("growth of the nodes", 100 * nodes, NODES_LIMIT, "%"),
        _upper("layout shift a minute", max(one.shift_a_minute for one in views), 0.1, ""),
        _upper("rows that differ from a fresh page", _unlike(views), 1, "rows"),
    ]


def _upper(name: str, value: float, limit: float, unit: str) -> Bar:
    return Bar(name=name, value=value, limit=limit, is_upper=True, unit=unit)


def _unlike(views: list[Watching]) -> int:
    return sum(len(one.differences) for one in views)


def _measure(options: dict[str, Any]) -> dict[str, Any]:
    with scratch_site(LOG_LEVEL="ERROR") as site:
        password = secrets.token_urlsafe(12)
        site.execute("manage.py", "bench_board", "--build", password)
        size = [str(options["live"]), str(options["archived"])]
        site.execute("-m", "benchmarks.pages.busy_site", "fill", *size)
        with (
            site.server() as server,
            browser(f"http://127.0.0.1:{server.port}", NAME, password) as page,
        ):
            # Each page starts with this login, and with an empty cache.
            state = page.context.storage_state()
            seen = _watch(page.context.browser, state, server, site.environment, options)
        return {"database": site.database.title, **seen}


@contextmanager
def stirred(settings: dict[str, str], rate: float, seconds: float) -> Iterator[Any]:
    """Run a process that makes changes. Yield it, and stop it at the end of the run."""
    command = [sys.executable, "-m", "benchmarks.pages.busy_site", "stir"]
    maker = subprocess.Popen(
        [*command, str(rate), str(seconds)],
        cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield maker
    finally:
        maker.kill()
        maker.wait()


def _watch(
    chromium: Any, state: Any, server: Server, settings: dict[str, str], options: dict[str, Any]
) -> dict[str, Any]:
    views = [query and f"?{query.removeprefix('?')}" for query in options["view"] or [""]]
    # Openings take some seconds. Changes must continue until the last page is sampled.
    seconds = options["seconds"] + 3 * OPENINGS
    with stirred(settings, options["rate"], seconds) as maker:
        ends_at = time.monotonic() + seconds
        openings = [_open_once(chromium, state, server, views[0]) for _ in range(OPENINGS)]
        context = _context(chromium, state, server)
        pages = [open_board(context, view)[0] for view in views]
        watchers = [Watcher(page, view) for page, view in zip(pages, views, strict=True)]
        cpu = Cpu(server.pid)
        if options["kills"]:
            _kill(server, pages, options["kills"], ends_at)
        else:
            _sample(watchers, pages[0], ends_at)
        share = cpu.share() if not options["kills"] else None
        made, errors = maker.communicate(timeout=120)
        if maker.returncode:
            raise RunError(f"The process that makes changes failed: {errors[-2000:]}")
    pages[0].wait_for_timeout(SETTLE_S * 1000)
    seen = [watcher.finish() for watcher in watchers]
    for one, page in zip(seen, pages, strict=True):
        one.differences = find_differences(page)
    context.close()
    return {"site": json.loads(made), "openings": openings, "views": seen, "server_cpu": share}


def _open_once(chromium: Any, state: Any, server: Server, view: str) -> Opening:
    context = _context(chromium, state, server)
    opening = open_board(context, view)[1]
    context.close()
    return opening


def _sample(watchers: list[Watcher], page: Any, ends_at: float) -> None:
    pause_s = max(1.0, (ends_at - time.monotonic() - WARM_UP_S) / SAMPLES)
    page.wait_for_timeout(WARM_UP_S * 1000)
    for _ in range(SAMPLES):
        page.wait_for_timeout(pause_s * 1000)
        for watcher in watchers:
            watcher.sample()


def _kill(server: Server, pages: list[Any], times: int, ends_at: float) -> None:
    """Kill and restart the server, and each time wait until every page has noticed both."""
    pause_s = max(1.0, (ends_at - time.monotonic()) / times)
    for _ in range(times):
        began = time.monotonic()
        server.kill()
        for page in pages:
            wait_for(page, 'document.getElementById("feed").dataset.feed !== "live"')
        server.start()
        for page in pages:
            wait_for(page, 'document.getElementById("feed").dataset.feed === "live"')
        pages[0].wait_for_timeout(max(0.5, pause_s - (time.monotonic() - began)) * 1000)


def _context(chromium: Any, state: Any, server: Server) -> Any:
    return chromium.new_context(
        base_url=f"http://127.0.0.1:{server.port}",
        storage_state=state,
        viewport={"width": 1440, "height": 900},
    )
