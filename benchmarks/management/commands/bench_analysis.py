"""``manage.py bench_analysis``: many calls end at once; one worker, an AI that fails, kills."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from benchmarks.analysis.run import Options, Outcome, compare, measure
from benchmarks.rig.servers import RunError


class Command(BaseCommand):
    help = (
        "End many calls at once and have one worker carry all of them, with an AI that takes "
        "1 to 3 s and fails a quarter of the time, on a database of its own: a scratch database "
        "on the PostgreSQL server of DATABASE_URL, or else a SQLite file. Compares with the ideal "
        "schedule of the same draws. Fails if a call is lost, archived twice or miscounted; the "
        "bars at the end are only printed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--calls", type=int, default=1000, help="how many (default: 1000)")
        parser.add_argument(
            "--slots", type=int, default=1000,
            help="AI_CONCURRENCY: how many are with the AI at a time. With fewer than calls these "
            "have to wait for each other in any schedule (default: 1000)",
        )  # fmt: skip
        parser.add_argument(
            "--provider", choices=["null", "local"], default="null",
            help="who answers once chaos lets a question through: nobody, so that the runner is "
            "measured alone, or the local models (default: null)",
        )  # fmt: skip
        parser.add_argument(
            "--kill", type=int, default=0, metavar="N",
            help="kill the worker so many times meanwhile, with SIGKILL and all its processes",
        )  # fmt: skip
        parser.add_argument("--json", metavar="FILE", help="write the result as JSON; - is stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcome = measure(_read(options))
        except (RunError, ValueError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped.", returncode=130) from error
        stream = self.stderr if options["json"] == "-" else self.stdout
        for line in describe(outcome):
            stream.write(line)
        self._write(options["json"], outcome)
        if not outcome.is_honest:
            raise CommandError("\n".join(["This must not be:", *outcome.problems[:20]]))

    def _write(self, target: str | None, outcome: Outcome) -> None:
        bars = [{**asdict(bar), "passed": bar.passed} for bar in compare(outcome)]
        machine = f"{os.cpu_count()} cores, {platform.machine()}"
        text = json.dumps({"machine": machine, **asdict(outcome), "bars": bars}, indent=1) + "\n"
        if target == "-":
            self.stdout.write(text)
        elif target:
            Path(target).write_text(text, encoding="utf-8")


def _read(options: dict[str, Any]) -> Options:
    limits = {"calls": (1, 100_000), "slots": (1, 10_000), "kill": (0, 100)}
    for name, (least, most) in limits.items():
        if not least <= options[name] <= most:
            raise ValueError(f"--{name} must be from {least} to {most}, not {options[name]}.")
    return Options(
        calls=options["calls"],
        slots=options["slots"],
        provider=options["provider"],
        kills=options["kill"],
    )


def describe(outcome: Outcome) -> list[str]:
    return [
        outcome.title,
        f"  calls      {_listed(outcome.states)}",
        f"  attempts   {_listed(outcome.attempts)}",
        f"  total      {outcome.total_s:.1f} s, ideal {outcome.ideal_s:.1f} s",
        f"  median     {outcome.beyond_ideal_s:+.2f} s to the ideal schedule",
        f"             {outcome.beyond_own_s:+.2f} s to the AI's own time and the waits for it",
        f"  memory     {outcome.peak_mib:.0f} MiB at most",
        *(f"  {bar}" for bar in compare(outcome)),
    ]


def _listed(counts: Any) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
