"""``manage.py simulate_calls``: plays demo calls to a running server and reports the results."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
from argparse import RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from random import Random
from time import monotonic
from typing import IO, Any, cast

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from calls.simulation import (
    UnreachableError,
    check_api_key,
    check_prefix,
    check_url,
    open_lanes,
    time_stamp,
    wait_until_reachable,
)
from calls.simulation.client import (
    ENDED_STATES,
    Caller,
    CallOutcome,
    CallWatcher,
    PlannedCall,
    SendingPace,
    StateReader,
    Tally,
)
from calls.simulation.line import Rates, deliver
from calls.simulation.scripts import SOURCES, choose_script, recording_slugs

DESCRIPTION = """Play calls to a running server, as a phone system would.

  simulate_calls                                     the six recorded calls, in real time
  simulate_calls --speed 0 --calls 50 --source text  fifty text calls, as fast as possible
  simulate_calls --loss .02 --shuffle .1 --wait      over a bad line; wait for the analysis
  simulate_calls --source mixed --forever            a busy day, until Ctrl-C
"""

IN_FLIGHT = 64

# name, type, default, help
ARGUMENTS: tuple[tuple[str, type, Any, str], ...] = (
    ("url", str, "http://127.0.0.1:8000", "the server"),
    ("api-key", str, None, "key with the scope ingest (or set CALLCENTER_API_KEY)"),
    ("calls", int, None, "number of calls (default: each recording once)"),
    ("concurrency", int, 10, "number of calls at the same time"),
    ("speed", float, 1.0, "1: real time; 10: ten times as fast; 0: as fast as possible"),
    ("loss", float, 0.0, "share of packets that are never sent, 0 to 1"),
    ("duplicates", float, 0.0, "share of packets that are sent twice, 0 to 1"),
    ("shuffle", float, 0.0, "share of packets that are delayed by a few places, 0 to 1"),
    ("batch", int, 0, "packets per request, up to 1000; 0: single packets"),
    ("seed", int, None, "repeats the dialogues and damage of an earlier run (default: random)"),
    ("prefix", str, None, "start call ids with this and no time, so that runs use the same calls"),
    ("patience", float, 60.0, "seconds to retry after 503, 429 or no response"),
    ("connect-timeout", float, 10.0, "seconds to wait for the server at the start"),
    ("wait-timeout", float, 180.0, "with --wait: seconds before giving up"),
)


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """The checked options. ``total`` None: until Ctrl-C. ``wait_timeout`` None: do not wait."""

    url: str
    api_key: str
    total: int | None
    source: str
    concurrency: int
    rates: Rates
    pace: SendingPace
    seed: int
    head: str
    tail: str
    connect_timeout: float
    wait_timeout: float | None
    as_json: bool

    def calls(self) -> Iterator[PlannedCall]:
        """Yield the calls in order. The same seed makes the same calls."""
        numbers = count(1) if self.total is None else range(1, self.total + 1)
        for number in numbers:
            rng = Random(f"{self.seed}/{number}")  # noqa: S311 (repeatable, not secret)
            script = choose_script(self.source, number, rng)
            call_id = f"{self.head}-{script.slug}-{self.tail}{number}"
            yield PlannedCall(call_id, script.opening, deliver(script.packets, rng, self.rates))


def read_plan(options: dict[str, Any]) -> SimulationPlan:
    """Check every option. Raises ValueError with what is wrong and what is allowed."""
    _check_numbers(options)
    forever = options["forever"] or options["repeat"] == 0
    if forever and options["wait"]:
        raise ValueError("--wait cannot be used with --forever or --repeat 0.")
    once = options["calls"] or len(recording_slugs()) * (2 if options["source"] == "mixed" else 1)
    prefix, seed = options["prefix"], options["seed"]
    return SimulationPlan(
        url=check_url(options["url"]),
        api_key=check_api_key(options["api_key"]),
        total=None if forever else once * options["repeat"],
        source=options["source"],
        concurrency=options["concurrency"],
        rates=Rates(options["loss"], options["duplicates"], options["shuffle"]),
        pace=SendingPace(options["speed"], options["batch"], options["patience"]),
        seed=secrets.randbelow(2**32) if seed is None else seed,
        head="demo" if prefix is None else check_prefix(prefix),
        # The time in the ids keeps the calls of a second run apart from those of the first.
        tail=f"{time_stamp()}-" if prefix is None else "",
        connect_timeout=options["connect_timeout"],
        wait_timeout=options["wait_timeout"] if options["wait"] else None,
        as_json=options["json"],
    )


def _check_numbers(options: dict[str, Any]) -> None:
    for names, least, most, expected in (
        ("loss duplicates shuffle", 0, 1, "a rate between 0 and 1"),
        ("speed patience connect_timeout wait_timeout", 0, 1e9, "a number, 0 or more"),
        ("calls concurrency", 1, 10**9, "1 or more"),
        ("repeat", 0, 10**9, "0 (until Ctrl-C) or more"),
        ("batch", 0, 1000, "between 0 and 1000"),
    ):
        for name in names.split():
            value = options[name]
            if value is not None and not least <= value <= most:
                option = name.replace("_", "-")
                raise ValueError(f"--{option} must be {expected}, not {value}.")
    if options["source"] not in SOURCES:
        raise ValueError(f"--source must be one of {', '.join(SOURCES)}.")


class PlainReport:
    """Prints a line when a call starts and when it ends. For logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def call_started(self, call_id: str, packets: int) -> None:
        say(self._console, f"{call_id}: started, {packets} packets")

    def packets_answered(self, call_id: str, packets: int) -> None:
        pass

    def call_ended(self, outcome: CallOutcome) -> None:
        how = outcome.problem or "ended"
        packets = f"{outcome.accepted} packets accepted, {outcome.refused} refused"
        say(self._console, f"{outcome.call_id}: {how}, {packets}")


class LiveReport:
    """Shows a bar for the whole run and one for each call in progress."""

    def __init__(self, progress: Progress, total: int | None) -> None:
        self._progress = progress
        self._overall = progress.add_task("calls", total=total)
        self._live: dict[str, TaskID] = {}

    def call_started(self, call_id: str, packets: int) -> None:
        self._live[call_id] = self._progress.add_task(call_id, total=packets)

    def packets_answered(self, call_id: str, packets: int) -> None:
        self._progress.advance(self._live[call_id], packets)

    def call_ended(self, outcome: CallOutcome) -> None:
        self._progress.remove_task(self._live.pop(outcome.call_id))
        self._progress.advance(self._overall)


def say(console: Console, line: str) -> None:
    console.print(line, soft_wrap=True, markup=False, highlight=False)


@contextmanager
def reporting(console: Console, total: int | None) -> Iterator[CallWatcher]:
    """Show progress bars on a terminal, and lines elsewhere."""
    if not console.is_terminal:
        yield PlainReport(console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        yield LiveReport(progress, total)


@contextmanager
def stopping_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """The first Ctrl-C or SIGTERM sets ``stop``; the second cancels the run."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def handle() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    # Outside the main thread and on Windows, the loop cannot handle signals; Python does.
    with suppress(NotImplementedError, RuntimeError, ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, handle)
    yield


@dataclass(frozen=True, slots=True)
class SimulationRun:
    """The result of a run. ``states`` is None if it did not wait for the analysis."""

    plan: SimulationPlan
    tally: Tally
    seconds: float
    stopped_early: bool
    states: dict[str, str] | None

    def failure(self) -> str:
        """Return why the run failed; empty if it did not."""
        refused = self.tally.refused.total()
        if refused:
            return f"Packets were refused: {refused}."
        if self.tally.problems:
            return f"Calls were not started or not ended: {self.tally.problems.total()}."
        unfinished = set((self.states or {}).values()) - ENDED_STATES
        return "Not every call is ARCHIVED or FAILED." if unfinished else ""

    def summary(self) -> dict[str, Any]:
        """Return all counts, for JSON output."""
        tally, latency, lag = self.tally, self.tally.latency, self.tally.lag
        return {
            "url": self.plan.url,
            "seed": self.plan.seed,
            "stopped_early": self.stopped_early,
            "seconds": round(self.seconds, 3),
            "calls_started": tally.started,
            "calls_ended": tally.ended,
            "packets_sent": tally.sent,
            "packets_accepted": tally.accepted,
            "packets_refused": _by_status(tally.refused),
            "packets_per_second": round(tally.accepted / max(self.seconds, 1e-3), 1),
            "lost_on_purpose": tally.lost,
            "duplicated_on_purpose": tally.duplicated,
            "shuffled_on_purpose": tally.shuffled,
            "answers": _by_status(tally.answers),
            "retries": tally.retries,
            "latency_p50_ms": _ms(latency.percentile(50)),
            "latency_p99_ms": _ms(latency.percentile(99)),
            "lag_p99_ms": _ms(lag.percentile(99)),
            "lag_max_ms": _ms(lag.greatest),
            "problems": dict(tally.problems),
            "call_ids": [outcome.call_id for outcome in tally.outcomes],
            "states": self.states,
        }


def _by_status(counts: Counter[int]) -> dict[str, int]:
    return {str(status or "no response"): number for status, number in sorted(counts.items())}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def result_parts(summary: dict[str, Any]) -> Iterator[RenderableType]:
    """Yield the summary for people: figures, the state of each call, and problems."""
    figures = Table(
        title="Stopped early" if summary["stopped_early"] else "Done", show_header=False
    )
    for key, value in summary.items():
        if key not in {"stopped_early", "problems", "call_ids", "states"}:
            figures.add_row(key.replace("_", " "), _readable(value))
    yield figures
    if summary["states"] is not None:
        states = Table("call", "state")
        for call_id, state in summary["states"].items():
            states.add_row(call_id, state)
        yield states
    yield from (f"{number} x {problem}" for problem, number in summary["problems"].items())


def _readable(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{number:,} x {status}" for status, number in value.items()) or "none"
    return str(value)


async def play(plan: SimulationPlan, console: Console) -> SimulationRun:
    """Play all calls of the plan and, with ``--wait``, wait for their analysis."""
    stop = asyncio.Event()
    async with open_lanes([plan.url], plan.api_key, IN_FLIGHT) as lanes:
        await wait_until_reachable(lanes[0], plan.connect_timeout)
        with stopping_on_signals(stop):
            begun = monotonic()
            with reporting(console, plan.total) as watcher:
                caller = Caller(lanes, plan.pace, watcher, stop)
                await caller.play_all(plan.calls(), plan.concurrency)
            seconds = monotonic() - begun
            stopped_early = stop.is_set()
            call_ids = [o.call_id for o in caller.tally.outcomes if not o.problem]
            reader = StateReader(lanes[0], call_ids)
            if plan.wait_timeout is not None:
                await follow(reader, plan.wait_timeout, stop, console)
    states = None if plan.wait_timeout is None else reader.states
    return SimulationRun(plan, caller.tally, seconds, stopped_early, states)


async def follow(
    reader: StateReader, patience: float, stop: asyncio.Event, console: Console
) -> None:
    """Wait for the analysis. Prints a line whenever the counts by state change."""
    shown = ""

    def show(states: dict[str, str]) -> None:
        nonlocal shown
        line = ", ".join(f"{n} {state}" for state, n in sorted(Counter(states.values()).items()))
        if line != shown:
            say(console, line)
        shown = line

    await reader.follow(patience, stop, show)


class HelpFormatter(DjangoHelpFormatter, RawDescriptionHelpFormatter):
    """Keeps the line breaks of the examples."""


class Command(BaseCommand):
    help = DESCRIPTION
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = HelpFormatter
        for name, kind, default, text in ARGUMENTS:
            shown = "" if default is None else f" (default: {default})"
            parser.add_argument(f"--{name}", type=kind, default=default, help=text + shown)
        parser.add_argument(
            "--source", choices=SOURCES, default="recordings", help="content of the calls"
        )
        parser.add_argument(
            "--repeat", type=int, nargs="?", const=0, default=1, metavar="N",
            help="play all calls N times; without N: until Ctrl-C",
        )  # fmt: skip
        for name, text in (
            ("forever", "keep going until Ctrl-C"),
            ("wait", "wait until every call is ARCHIVED or FAILED"),
            ("json", "print the summary as JSON, and progress to standard error"),
        ):
            parser.add_argument(f"--{name}", action="store_true", help=text)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            plan = read_plan(options)
        except ValueError as error:
            raise CommandError(str(error)) from error
        try:
            run = asyncio.run(play(plan, self._console(plan)))
        except UnreachableError as error:
            raise CommandError(str(error)) from error
        except (asyncio.CancelledError, KeyboardInterrupt) as error:
            message = "Stopped at once. Some calls may still be open."
            raise CommandError(message, returncode=130) from error
        self._show(run)
        if failure := run.failure():
            raise CommandError(failure)

    def _console(self, plan: SimulationPlan) -> Console:
        if plan.as_json:
            return Console(stderr=True)
        self.stdout.ending = ""  # rich writes its own
        return Console(file=cast(IO[str], self.stdout))

    def _show(self, run: SimulationRun) -> None:
        if run.plan.as_json:
            self.stdout.write(json.dumps(run.summary(), indent=1))
        else:
            console = self._console(run.plan)
            for part in result_parts(run.summary()):
                console.print(part, markup=False, highlight=False)
