"""``manage.py bench_live``: how soon and how accurately live calls are transcribed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from benchmarks.live.leaks import measure_leaks
from benchmarks.live.run import (
    Announce,
    Report,
    measure_four,
    measure_kills,
    measure_long,
    measure_twelve,
)
from benchmarks.pages.opening import BrowserMissing
from benchmarks.rig.servers import RunError

LONG_S = 600
KILLS = 5
PARTS: dict[str, Callable[[Announce, dict[str, Any]], Report]] = {
    "four": lambda announce, _: measure_four(announce),
    "twelve": lambda announce, _: measure_twelve(announce),
    "long": lambda announce, options: measure_long(announce, options["long_seconds"]),
    "kills": lambda announce, options: measure_kills(announce, options["kills"]),
    "leaks": lambda announce, _: measure_leaks(announce),
}


class Command(BaseCommand):
    help = (
        "Stream the recorded calls in real time, and measure when their words appear on open "
        "pages, how many are wrong, how much other work on the machine slows down, how soon a call "
        "is archived, what happens to words when the listener is killed, and whether personal data "
        "is shown. Needs Chromium, and flite or espeak-ng. The run takes about three quarters of "
        "an hour and uses its own databases. The bars are only printed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--only", action="append", choices=list(PARTS), help="this part only; repeatable"
        )
        parser.add_argument(
            "--long-seconds", type=float, default=LONG_S,
            help=f"length of the long calls (default: {LONG_S})",
        )  # fmt: skip
        parser.add_argument(
            "--kills", type=int, default=KILLS, help=f"number of kills (default: {KILLS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 30 <= options["long_seconds"] <= 7200:
            raise CommandError("--long-seconds must be from 30 to 7200.")
        if not 0 <= options["kills"] <= 100:
            raise CommandError("--kills must be from 0 to 100.")
        try:
            for name in options["only"] or PARTS:
                self._show(PARTS[name](lambda text: self.stderr.write(f"{text}..."), options))
        except (RunError, BrowserMissing, AssertionError) as error:
            raise CommandError(str(error)) from error

    def _show(self, report: Report) -> None:
        self.stdout.write(report.name)
        for name, value in report.figures.items():
            self.stdout.write(f"  {name}: {json.dumps(value)}")
        for bar in report.bars:
            self.stdout.write(f"  {bar}")
