"""``manage.py bench_restarts``: what rolling restarts of all processes lose under load."""

from __future__ import annotations

import os
import shutil
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from benchmarks.restarts.run import PART, WEB, WORKERS, Outcome, carry_out
from benchmarks.rig.packages import require
from benchmarks.rig.servers import RunError
from benchmarks.rig.sites import scratch_site

SETTINGS = {
    "LOG_LEVEL": "ERROR",
    "SHUTDOWN_DELAY": "1",
    # The load is the subject, not the models: the AI takes a moment and never fails.
    "AI_PROVIDER": "null",
    "AI_CHAOS_FAILURE_RATE": "0",
    "AI_CHAOS_LATENCY": "0.2",
    "LIVE_TRANSCRIPTION": "off",
}


class Command(BaseCommand):
    help = (
        f"Run {WEB} web and {WORKERS} worker processes behind nginx on PostgreSQL, find out how "
        f"much this machine sustains, offer {PART:.0%} of it and 20 ends of calls a second, and "
        "restart every process in turn. Fails if an acknowledged packet is lost, a call is stuck, "
        "or a response is a 5xx other than 503 with Retry-After."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--restarts", type=int, default=3, help="rounds (default: 3)")
        parser.add_argument(
            "--seconds", type=float, default=240, help="seconds of load (default: 240)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        require("psutil")
        if not 1 <= options["restarts"] <= 100:
            raise CommandError("--restarts must be from 1 to 100.")
        if not 10 <= options["seconds"] <= 36_000:
            raise CommandError("--seconds must be from 10 to 36000.")
        if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
            raise CommandError("Several processes need PostgreSQL. Set DATABASE_URL.")
        program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise CommandError("nginx is not installed.")
        self._run(program, options["restarts"], options["seconds"])

    def _run(self, program: str, restarts: int, seconds: float) -> None:
        console = Console(width=120)
        try:
            with scratch_site(**SETTINGS) as site:
                outcome = carry_out(
                    site, program, restarts=restarts, seconds=seconds, announce=console.print
                )
        except RunError as error:
            raise CommandError(str(error)) from error
        console.print(_table(outcome))
        for bar in outcome.bars:
            console.print(str(bar), style="green" if bar.passed else "red", highlight=False)
        if not all(bar.passed for bar in outcome.bars):
            raise CommandError("A bar is missed. See above.")


def _table(outcome: Outcome) -> Table:
    told = outcome.told
    table = Table("what", "count", title=f"{outcome.restarts} restarts of one process under load")
    rows = {
        "packets a second that the machine sustains": f"{outcome.capacity_per_s:,.0f}",
        "packets a second under load": f"{told['per_s']:,.0f}",
        "packets acknowledged": f"{sum(told['acknowledged'].values()):,}",
        "calls ended": f"{len(told['ended']):,}",
        "p50, p99 of a packet": f"{told['p50_ms']:.0f}, {told['p99_ms']:.0f} ms",
        "answers": ", ".join(f"{count:,} {name}" for name, count in told["answers"].items()),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table
