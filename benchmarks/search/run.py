"""Runs the search benchmark: fills a database with an archive and queries it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.rig.report import Bar
from benchmarks.rig.sites import scratch_site

ARCHIVE = "benchmarks.search.archive"


@dataclass(frozen=True, kw_only=True)
class Options:
    calls: int = 100_000
    times: int = 5
    explain: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """``archive`` has the cost of filling it, ``answers`` the times of each query in ms."""

    title: str
    archive: dict[str, Any]
    answers: list[dict[str, Any]]
    plans: list[str]


def measure(options: Options) -> Outcome:
    """Run the benchmark once. Filling takes minutes. Only the queries have bars."""
    with scratch_site(LOG_LEVEL="ERROR") as site:
        archive = site.ask(ARCHIVE, "fill", options.calls)
        return Outcome(
            title=f"{site.database.title}, {archive['calls']:,} calls, {archive['turns']:,} turns",
            archive=archive,
            answers=site.ask(ARCHIVE, "ask", options.times),
            plans=site.ask(ARCHIVE, "plans") if options.explain else [],
        )


def compare(outcome: Outcome) -> list[Bar]:
    """Compare the median of each query with its bar."""
    return [
        Bar(name=answer["name"], value=median(answer["ms"]), limit=answer["bar_ms"],
            is_upper=True, unit="ms")
        for answer in outcome.answers
    ]  # fmt: skip
