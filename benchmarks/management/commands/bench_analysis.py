"""``manage.py bench_analysis``: many calls end at once, with an unreliable AI and one worker."""

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
        "End many calls at once and let one worker analyse them all. The AI takes 1 to 3 s and "
        "fails a quarter of the time. The run uses its own scratch database: on the PostgreSQL "
        "server of DATABASE_URL or, without one, an SQLite file. Compares the time with the ideal "
        "schedule of the same draws. Fails if a call is lost, archived twice or miscounted. The "
        "bars at the end are only printed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--calls", type=int, default=1000, help="calls to end (default: 1000)")
        parser.add_argument(
            "--slots", type=int, default=1000,
            help="AI_CONCURRENCY: the limit of calls in analysis at a time. With fewer slots, "
            "calls must queue in any schedule (default: 1000)",
        )  # fmt: skip
        parser.add_argument(
            "--provider", choices=["null", "local"], default="null",
            help="the provider behind chaos: null measures the runner alone, local runs the "
            "local models (default: null)",
        )  # fmt: skip
        parser.add_argument(
            "--kill", type=int, default=0, metavar="N",
            help="kill the worker and all its processes N times during the run, with SIGKILL",
        )  # fmt: skip
        parser.add_argument("--json", metavar="FILE", help="write the result as JSON; - is stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcome = measure(_read(options))
        except (RunError, ValueError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped.", returncode=130) from error
        # Standard output must hold nothing but the JSON.
        stream = self.stderr if options["json"] == "-" else self.stdout
        for line in describe(outcome):
            stream.write(line)
        self._write(options["json"], outcome)
        if not outcome.is_honest:
            raise CommandError("\n".join(["The result is wrong:", *outcome.problems[:20]]))

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
        f"  median     {outcome.beyond_ideal_s:+.2f} s beyond the ideal schedule",
        f"             {outcome.beyond_own_s:+.2f} s beyond the AI's own time and the waits for it",
        f"  memory     {outcome.peak_mib:.0f} MiB at most",
        *(f"  {bar}" for bar in compare(outcome)),
    ]


def _listed(counts: Any) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
