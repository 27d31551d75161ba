"""Runs the analysis benchmark: a thousand calls end at once, and one worker analyses them all."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.analysis.schedule import Fate, ideal
from benchmarks.rig.databases import Database
from benchmarks.rig.report import Bar
from benchmarks.rig.servers import RunError
from benchmarks.rig.sites import Site, scratch_site
from benchmarks.rig.workers import Worker

CALLS = "benchmarks.analysis.ended_calls"
SEED = "bench"
# The default of AI_RETRY_BASE: the ideal schedule waits as long between attempts.
BASE_S = 2.0
CHAOS = {"AI_CHAOS_FAILURE_RATE": "0.25", "AI_CHAOS_LATENCY": "1-3", "AI_CHAOS_SEED": SEED}
POLL_S = 0.25
LIFE_S = 4.0  # how long a worker lives between two kills
LEASE_S = 10  # in a run with kills: how long the calls of a dead worker wait


@dataclass(frozen=True, kw_only=True)
class Options:
    calls: int = 1000
    slots: int = 1000
    provider: str = "null"
    kills: int = 0
    patience_s: float = 600


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Times in seconds. ``over_s`` runs from the end of the calls to the last change of each call.

    ``beyond_own`` is the time that the median call took beyond its attempts and the waits between
    them. ``beyond_ideal`` is its time beyond the ideal schedule, which includes the wait for a
    slot. ``queues`` is true if there are fewer slots than calls.
    """

    title: str
    states: Mapping[str, int]
    attempts: Mapping[str, int]
    total_s: float
    ideal_s: float
    beyond_own_s: float
    beyond_ideal_s: float
    peak_mib: float
    kills: int
    queues: bool
    problems: list[str]

    @property
    def is_honest(self) -> bool:
        return not self.problems


def measure(options: Options) -> Outcome:
    """Run the benchmark once, with its own database."""
    # A restarted AI with the same seed repeats its draws: the calls left over, which failed first,
    # would all fail first again and count as an outage.
    killed = {"AI_LEASE_SECONDS": str(LEASE_S), "AI_CHAOS_SEED": ""} if options.kills else {}
    settings = {
        "AI_PROVIDER": options.provider,
        "AI_CONCURRENCY": str(options.slots),
        "LOG_LEVEL": "ERROR",
        **CHAOS,
        **killed,
    }
    with scratch_site(**settings) as site:
        return _Run(options, site).carry_out()


class _Run:
    def __init__(self, options: Options, site: Site) -> None:
        self.options, self.site = options, site

    def carry_out(self) -> Outcome:
        with self.site.worker() as worker:
            # The worker runs before the calls end: its start is not part of the measurement.
            worker.wait(self.site.database)
            self.site.ask(CALLS, "end", self.options.calls)
            self._watch(worker)
        return self._judge(worker, self.site.ask(CALLS, "outcome", SEED))

    def _watch(self, worker: Worker) -> None:
        begin, kills = time.monotonic(), 0
        while self.site.database.count_unfinished():
            lived = time.monotonic() - begin
            if lived > self.options.patience_s:
                raise RunError(f"Calls are not analysed after {lived:.0f} s: {worker.last_words()}")
            if kills < self.options.kills and lived > LIFE_S * (kills + 1):
                worker.kill()
                worker.start()
                kills += 1
            worker.weigh()
            time.sleep(POLL_S)

    def _judge(self, worker: Worker, seen: dict[str, Any]) -> Outcome:
        fates = [Fate(tuple(waits), archived) for waits, archived in seen["fates"]]
        best = ideal(fates, slots=self.options.slots, base_s=BASE_S)
        archived = [
            (over, at_best, fate.own_s(BASE_S))
            for over, at_best, fate in zip(seen["over_s"], best, fates, strict=True)
            if over is not None and fate.archived
        ]
        return Outcome(
            title=_title(self.options, self.site.database),
            states=seen["states"],
            attempts=seen["attempts"],
            total_s=max(over for over in seen["over_s"] if over is not None),
            ideal_s=max(best),
            beyond_own_s=median(over - own for over, _, own in archived),
            beyond_ideal_s=median(o for o, _, _ in archived) - median(b for _, b, _ in archived),
            peak_mib=worker.peak_mib,
            kills=self.options.kills,
            queues=self.options.slots < self.options.calls,
            problems=seen["problems"],
        )


def _title(options: Options, database: Database) -> str:
    killed = f", killed {options.kills} times" if options.kills else ""
    return f"{database.title}, {options.provider}, {options.slots} slots{killed}"


def compare(outcome: Outcome) -> list[Bar]:
    """Compare a run with its bars. A run with kills must only lose and repeat nothing."""
    if outcome.kills:
        return []
    return [
        Bar(name="total over ideal", value=100 * outcome.total_s / outcome.ideal_s, limit=130,
            is_upper=True, unit="%"),
        _median(outcome),
        Bar(name="memory of the worker", value=outcome.peak_mib, limit=400, is_upper=True,
            unit="MiB"),
    ]  # fmt: skip


def _median(outcome: Outcome) -> Bar:
    """Compare the median call with the AI's own time or, if calls queue, the ideal schedule."""
    name, value_s = "the AI's own time", outcome.beyond_own_s
    if outcome.queues:
        name, value_s = "the ideal schedule", outcome.beyond_ideal_s
    value = 1000 * value_s
    return Bar(name=f"median beyond {name}", value=value, limit=1000, is_upper=True, unit="ms")
