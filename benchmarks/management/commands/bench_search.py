"""``manage.py bench_search``: how long the first page of search results takes in a full archive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from benchmarks.rig.servers import RunError
from benchmarks.search.run import Options, Outcome, compare, measure

LIMITS = {"calls": (100, 10_000_000), "times": (1, 1000)}


class Command(BaseCommand):
    help = (
        "Fill a scratch database with analysed calls of invented speech, in which words are as "
        "frequent as in natural language, and search for common and rare words, phrases and "
        "filters. The database is on the PostgreSQL server of DATABASE_URL or, without one, an "
        "SQLite file. Filling it with 100,000 calls takes some minutes. The bars at the end are "
        "only printed."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--calls", type=int, default=100_000, help="calls in the archive (default: 100,000)"
        )
        parser.add_argument(
            "--times", type=int, default=5, help="times to run each query (default: 5)"
        )
        parser.add_argument("--explain", action="store_true", help="print the query plans")
        parser.add_argument("--json", metavar="FILE", help="write the result as JSON; - is stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        for name, (least, most) in LIMITS.items():
            if not least <= options[name] <= most:
                raise CommandError(f"--{name} must be from {least} to {most}.")
        try:
            outcome = measure(
                Options(calls=options["calls"], times=options["times"], explain=options["explain"])
            )
        except RunError as error:
            raise CommandError(str(error)) from error
        # Standard output must hold nothing but the JSON.
        stream = self.stderr if options["json"] == "-" else self.stdout
        for line in describe(outcome):
            stream.write(line)
        self._write(options["json"], outcome)

    def _write(self, target: str | None, outcome: Outcome) -> None:
        bars = [{**asdict(bar), "passed": bar.passed} for bar in compare(outcome)]
        text = json.dumps({**asdict(outcome), "bars": bars}, indent=1) + "\n"
        if target == "-":
            self.stdout.write(text)
        elif target:
            Path(target).write_text(text, encoding="utf-8")


def describe(outcome: Outcome) -> Iterator[str]:
    archive = outcome.archive
    yield outcome.title
    yield (
        f"  index      {archive['searchentry_mb']} MB, with {archive['analysis_mb']} MB of "
        f"analyses, {archive['index_ms_per_call']:.2f} ms a call"
    )
    yield f"  {'query':30} {'found':>7} {'first':>9} {'slowest':>9}"
    for answer, bar in zip(outcome.answers, compare(outcome), strict=True):
        first, most = answer["ms"][0], max(answer["ms"])
        yield f"  {answer['name']:30} {answer['found']:7,} {first:6.1f} ms {most:6.1f} ms  {bar}"
    yield from outcome.plans
