"""One run of the search: a database of its own is filled with an archive, and asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from calls.benchmark.databases import scratch_database
from calls.benchmark.report import Bar
from calls.benchmark.run import RunError
from calls.benchmark.servers import ROOT


@dataclass(frozen=True, kw_only=True)
class Options:
    calls: int = 100_000
    times: int = 5
    explain: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """``archive`` is what filling it took; ``answers`` has the times of each question, in ms."""

    title: str
    archive: dict[str, Any]
    answers: list[dict[str, Any]]
    plans: list[str]


def measure(options: Options) -> Outcome:
    """Carry out one run. Filling takes minutes; only the questions are held against bars."""
    with (
        tempfile.TemporaryDirectory(prefix="callcenter-bench-") as name,
        scratch_database(Path(name)) as database,
    ):
        environment = {**os.environ, "DATABASE_URL": database.url, "LOG_LEVEL": "ERROR"}
        _execute(environment, "manage.py", "migrate", "--verbosity", "0")
        archive = _do(environment, "fill", options.calls)
        return Outcome(
            title=f"{database.title}, {archive['calls']:,} calls, {archive['turns']:,} turns",
            archive=archive,
            answers=_do(environment, "ask", options.times),
            plans=_do(environment, "plans") if options.explain else [],
        )


def _do(environment: dict[str, str], task: str, *arguments: int) -> Any:
    words = ("-m", "calls.benchmark.archive", task, *map(str, arguments))
    return json.loads(_execute(environment, *words))


def _execute(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments],
        cwd=ROOT, env=environment, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RunError(f"{' '.join(arguments)} failed: {done.stderr[-2000:]}")
    return done.stdout


def compare(outcome: Outcome) -> list[Bar]:
    """Hold the median of each question against its bar."""
    return [
        Bar(name=answer["name"], value=median(answer["ms"]), limit=answer["bar_ms"],
            is_upper=True, unit="ms")
        for answer in outcome.answers
    ]  # fmt: skip
