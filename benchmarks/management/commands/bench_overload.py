"""``manage.py bench_overload``: what happens to packets under overload."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.table import Table

from benchmarks.overload.run import RATES, Step, carry_out, judge
from benchmarks.rig.servers import RunError
from benchmarks.rig.sites import scratch_site


class Command(BaseCommand):
    help = (
        "Find the rate that this machine sustains, then offer 80 %, 150 % and 300 % of it to every "
        "interface. Clients are processes of their own. Fails if a bar is missed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--seconds", type=float, default=60, help="seconds of each step (default: 60)"
        )
        parser.add_argument(
            "--only", action="append", choices=list(RATES), help="this interface only; repeatable"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["seconds"] <= 3600:
            raise CommandError("--seconds must be from 1 to 3600.")
        console = Console(width=120)
        ways = options["only"] or list(RATES)
        try:
            with scratch_site(LOG_LEVEL="ERROR") as site:
                told = carry_out(site, ways, options["seconds"], console.print)
                steps = list(told)
                title = f"{site.database.title}, {options['seconds']:g} s each"
        except RunError as error:
            raise CommandError(str(error)) from error
        console.print(_table(steps, title))
        bars = judge(steps)
        for bar in bars:
            console.print(str(bar), style="green" if bar.passed else "red", highlight=False)
        if not all(bar.passed for bar in bars):
            raise CommandError("A bar is missed. See above.")


def _table(steps: list[Step], title: str) -> Table:
    names = ("way", "offered", "packets/s", "answers", "closed", "lost", "p50 ms", "p99 ms")
    table = Table(*names, "MiB", "normal after", title=title)
    for step in steps:
        answers = ", ".join(f"{count:,} {answer}" for answer, count in step.answers.most_common())
        calm = "" if step.normal_after_s is None else f"{step.normal_after_s:.1f} s"
        table.add_row(
            step.way, f"{step.part:.0%}", f"{step.offered_per_s:,.0f}", answers, str(step.closed),
            str(step.lost), f"{step.p50_ms:.0f}", f"{step.p99_ms:.0f}", f"{step.memory_mib:.0f}",
            calm,
        )  # fmt: skip
    return table
