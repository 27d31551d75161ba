"""``manage.py bench_pages``: how long the page of a one-hour call takes to open."""

from __future__ import annotations

import os
import platform
import secrets
from argparse import ArgumentParser
from dataclasses import asdict
from statistics import median
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from benchmarks.pages import long_call
from benchmarks.pages.opening import BrowserMissing, Opening, TooSlow, browser, middle, open_call
from benchmarks.rig.packages import require
from benchmarks.rig.servers import RunError
from benchmarks.rig.sites import scratch_site

BAR_MS = 2000
NAME = "bench"
TITLES = {
    "first_byte_ms": "first byte of the page",
    "first_paint_ms": "first paint",
    "loaded_ms": "document and scripts loaded",
    "player_ms": "player ready, waveform drawn",
    "idle_ms": "end of the last long task",
    "packet_map_ms": "packet map of 180,000 packets, loaded after the page",
    "busy_ms": "main thread in long tasks",
    "word_ms": "from a click on a word to its sound",
    "kilobytes": "kilobytes of HTML",
    "nodes": "elements",
}


class Command(BaseCommand):
    help = (
        "Open the page of a synthetic one-hour call (500 turns, 9,000 words, 180,000 packets) in "
        "Chromium. The run starts its own server and uses its own scratch database: on the "
        "PostgreSQL server of DATABASE_URL or, without one, an SQLite file."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--times", type=int, default=5, help="number of openings (default: 5)")
        parser.add_argument("--build", metavar="PASSWORD", help="(internal)")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["build"]:
            get_user_model().objects.create_superuser(NAME, password=options["build"])
            long_call.build()
            return
        require("playwright")
        if not 1 <= options["times"] <= 100:
            raise CommandError(f"--times must be from 1 to 100, not {options['times']}.")
        try:
            first, openings, title = self._measure(options["times"])
        except (BrowserMissing, RunError, TooSlow) as error:
            raise CommandError(str(error)) from error
        self._report(first, openings, title)

    def _measure(self, times: int) -> tuple[Opening, list[Opening], str]:
        with scratch_site() as site:
            password = secrets.token_urlsafe(12)
            site.execute("manage.py", "bench_pages", "--build", password)
            path = f"/supervisor/calls/{long_call.CALL_ID}/"
            with (
                site.server() as server,
                browser(f"http://127.0.0.1:{server.port}", NAME, password) as page,
            ):
                # With an empty cache. The later ones show what supervisors see all day.
                first = open_call(page, path)
                more = [open_call(page, path) for _ in range(times)]
                return first, more, site.database.title

    def _report(self, first: Opening, others: list[Opening], title: str) -> None:
        usual = middle(others)
        interactive = median(one.interactive_ms for one in others)
        machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
        self.stdout.write(f"{title}, {machine}: first opening, and median of {len(others)} more")
        both = zip(asdict(first).values(), asdict(usual).items(), strict=True)
        for once, (name, value) in both:
            self.stdout.write(f"{once:>9,.0f} {value:>9,.0f}  {TITLES[name]}")
        opened = f"{first.interactive_ms:>9,.0f} {interactive:>9,.0f}"
        self.stdout.write(f"{opened}  ms to interactive (bar: {BAR_MS:,})")
        if max(first.interactive_ms, interactive) > BAR_MS:
            raise CommandError("The page is slower than its bar.")
