"""``manage.py visualize_race``: races the first packets of a call, and checks the result."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import IO, Any, cast

import httpx
import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

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
    Samples,
    post_once,
)
from calls.simulation.scripts import ScriptedPacket

AXIS_WIDTH = 40
TRACKS = ("customer", "agent")


@dataclass(frozen=True, slots=True)
class Shot:
    """One request of a round. Times are in seconds; ``sent`` counts from the first request."""

    sequence: int
    url: str
    status: int
    sent: float
    latency: float


@dataclass(slots=True)
class Round:
    """One new call and the requests that raced to open it."""

    call_id: str
    shots: list[Shot]
    packet_count: int | None = None
    sequences: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RacePlan:
    urls: tuple[str, ...]
    api_key: str
    packets: int
    rounds: int
    prefix: str
    as_json: bool


def read_plan(options: dict[str, Any]) -> RacePlan:
    """Check every option. Raises ValueError with what is wrong."""
    urls = tuple(map(check_url, options["url"] or ["http://127.0.0.1:8000"]))
    # At least one packet for each server, or it would take no part in the race.
    for name, least, most in (("packets", max(2, len(urls)), 200), ("rounds", 1, 10_000)):
        if not least <= options[name] <= most:
            raise ValueError(f"--{name} must be from {least} to {most}, not {options[name]}.")
    prefix = options["prefix"]
    return RacePlan(
        urls=urls,
        api_key=check_api_key(options["api_key"]),
        packets=options["packets"],
        rounds=options["rounds"],
        prefix=f"race-{time_stamp()}" if prefix is None else check_prefix(prefix),
        as_json=options["json"],
    )


async def race(plan: RacePlan, on_round: Callable[[Round], None]) -> list[Round]:
    """Run all rounds in turn, with one connection for each request of a round."""
    rounds = []
    async with open_lanes(plan.urls, plan.api_key, plan.packets) as lanes:
        for number in range(1, plan.rounds + 1):
            # This also opens the connections, so that the race does not measure TCP handshakes.
            await asyncio.gather(*(wait_until_reachable(lane, 5) for lane in lanes))
            round_ = await fire(lanes, f"{plan.prefix}-{number}")
            await prove(round_, lanes[: len(plan.urls)])
            rounds.append(round_)
            on_round(round_)
    return rounds


async def fire(lanes: Sequence[httpx.AsyncClient], call_id: str) -> Round:
    """Send one packet on each lane, all at the same moment."""
    barrier = asyncio.Barrier(len(lanes))
    now = asyncio.get_running_loop().time
    begun = 0.0

    async def shoot(sequence: int, lane: httpx.AsyncClient) -> Shot:
        nonlocal begun
        content = msgspec.json.encode(_packet(sequence, len(lanes)))
        # Everything is prepared before this, so that the requests leave at the same moment.
        await barrier.wait()
        sent = now()
        begun = begun or sent
        answer = await post_once(lane, f"/v1/call/stream/{call_id}", content)
        latency = now() - sent
        return Shot(sequence, str(lane.base_url), answer.status, sent - begun, latency)

    shots = await asyncio.gather(*(shoot(place, lane) for place, lane in enumerate(lanes, 1)))
    return Round(call_id, shots)


def _packet(sequence: int, of: int) -> ScriptedPacket:
    return ScriptedPacket(
        sequence=sequence,
        data=f"This is packet {sequence} of {of}.",
        timestamp=float(sequence),
        track=TRACKS[sequence % 2],
        media="text/plain",
    )


async def prove(round_: Round, servers: Sequence[httpx.AsyncClient]) -> None:
    """Check that the round made one call with each packet once. Note problems; end the call."""
    refused = [shot for shot in round_.shots if shot.status != 202]
    round_.problems += [
        f"packet {shot.sequence} got {shot.status or 'no response'}" for shot in refused
    ]
    # All servers share a database, so each must return the same.
    for server in servers:
        try:
            await _compare(round_, server)
        except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            round_.problems.append(f"{server.base_url}: {type(error).__name__}: {error}")
    await post_once(servers[0], f"/v1/call/{round_.call_id}/end", b"")


async def _compare(round_: Round, server: httpx.AsyncClient) -> None:
    call = await _get(server, f"/v1/call/{round_.call_id}")
    round_.packet_count = int(call["packet_count"])
    round_.sequences = await _read_sequences(server, round_.call_id)
    expected = sorted(shot.sequence for shot in round_.shots)
    if round_.packet_count != len(expected):
        round_.problems.append(f"packet_count is {round_.packet_count}, not {len(expected)}")
    # The counter and the rows are checked separately: each alone could be wrong by a race.
    if sorted(round_.sequences) != expected:
        round_.problems.append(f"stored are {sorted(round_.sequences)}, not {expected}")


async def _read_sequences(server: httpx.AsyncClient, call_id: str) -> list[int]:
    """Return the sequences of all stored packets, from all pages."""
    sequences: list[int] = []
    path, query = f"/v1/call/{call_id}/packets", ""
    while True:
        page = await _get(server, path + query)
        sequences += [int(packet["sequence"]) for packet in page["results"]]
        if not page["next"]:
            return sequences
        # Use only the query: behind a proxy, a server may not know its own address.
        query = "?" + httpx.URL(page["next"]).query.decode()


async def _get(server: httpx.AsyncClient, address: str) -> Any:
    response = await server.get(address)
    response.raise_for_status()
    return response.json()


def summary(plan: RacePlan, rounds: Sequence[Round]) -> dict[str, Any]:
    """Return all results, for JSON output."""
    latency = Samples()
    for shot in _all_shots(rounds):
        latency.add(shot.latency)
    return {
        "ok": not any(round_.problems for round_ in rounds),
        "urls": plan.urls,
        "packets_per_round": plan.packets,
        "requests": plan.packets * len(rounds),
        "accepted": sum(shot.status == 202 for shot in _all_shots(rounds)),
        "latency_p50_ms": round(latency.percentile(50) * 1000, 1),
        "latency_p99_ms": round(latency.percentile(99) * 1000, 1),
        "rounds": [_round_summary(round_) for round_ in rounds],
    }


def _all_shots(rounds: Sequence[Round]) -> list[Shot]:
    return [shot for round_ in rounds for shot in round_.shots]


def _round_summary(round_: Round) -> dict[str, Any]:
    return {
        "call_id": round_.call_id,
        "packet_count": round_.packet_count,
        "sequences": round_.sequences,
        "problems": round_.problems,
        "requests": [
            {
                "sequence": shot.sequence,
                "url": shot.url,
                "status": shot.status,
                "sent_ms": round(shot.sent * 1000, 2),
                "latency_ms": round(shot.latency * 1000, 2),
            }
            for shot in round_.shots
        ],
    }


def round_table() -> Table:
    return Table("round", "answers", "ms, first to last", "stored", "verdict", title="Rounds")


def add_round(table: Table, round_: Round) -> None:
    """Add a row: the status of each request, the range of latencies, and the stored packets."""
    statuses = " ".join(str(shot.status or "-") for shot in round_.shots)
    latencies = sorted(shot.latency * 1000 for shot in round_.shots)
    verdict = Text("one call, complete", style="green")
    if round_.problems:
        verdict = Text(f"{len(round_.problems)} problem(s), see below", style="red")
    stored = "?" if round_.packet_count is None else str(round_.packet_count)
    span = f"{latencies[0]:.1f} - {latencies[-1]:.1f}"
    table.add_row(round_.call_id.rpartition("-")[2], statuses, span, stored, verdict)


def picture(round_: Round, block: str) -> Table:
    """Return a row for each request, with a bar from its sending to its response."""
    end = max(shot.sent + shot.latency for shot in round_.shots)
    title = f"{round_.call_id}: {end * 1000:.1f} ms from left to right"
    table = Table("packet", "server", "status", "ms", "in flight", title=title)
    for shot in round_.shots:
        begin = round(shot.sent / end * AXIS_WIDTH)
        width = max(1, round(shot.latency / end * AXIS_WIDTH))
        bar = Text(" " * begin + block * width, style="green" if shot.status == 202 else "red")
        port = shot.url.rpartition("//")[2].rstrip("/")
        cells = (str(shot.sequence), port, str(shot.status or "-"), f"{shot.latency * 1000:.1f}")
        table.add_row(*cells, bar)
    return table


def verdict_lines(result: dict[str, Any]) -> Iterator[str]:
    """Yield the problems of each round, then one line about the run."""
    for round_ in result["rounds"]:
        yield from (f"{round_['call_id']}: {problem}" for problem in round_["problems"])
    yield (
        f"{len(result['rounds'])} rounds, {result['accepted']} of {result['requests']} packets "
        f"accepted, p50 {result['latency_p50_ms']} ms, p99 {result['latency_p99_ms']} ms."
    )


class Command(BaseCommand):
    help = (
        "Send the first packets of a new call at the same moment, and check that this makes one "
        "call that holds every packet once. Repeats this for several rounds, and ends each call."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--url", action="append",
            help="a server; repeat for several servers (default: http://127.0.0.1:8000)",
        )  # fmt: skip
        parser.add_argument(
            "--api-key",
            help="key with the scopes ingest and read (or set CALLCENTER_API_KEY)",
        )
        parser.add_argument(
            "--packets", type=int, default=5, help="simultaneous requests (default: 5)"
        )
        parser.add_argument("--rounds", type=int, default=10, help="number of rounds (default: 10)")
        parser.add_argument("--prefix", help="start call ids with this (default: race and a time)")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            plan = read_plan(options)
        except ValueError as error:
            raise CommandError(str(error)) from error
        try:
            rounds = self._race(plan)
        except UnreachableError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped.", returncode=130) from error
        result = summary(plan, rounds)
        if plan.as_json:
            self.stdout.write(json.dumps(result, indent=1))
        if not result["ok"]:
            wrong = sum(bool(round_.problems) for round_ in rounds)
            raise CommandError(f"{wrong} of {len(rounds)} rounds failed.")

    def _race(self, plan: RacePlan) -> list[Round]:
        if plan.as_json:
            return asyncio.run(race(plan, lambda _round: None))
        self.stdout.ending = ""  # rich writes its own
        console = Console(file=cast(IO[str], self.stdout))
        table = round_table()
        with Live(table, console=console) if console.is_terminal else nullcontext():
            rounds = asyncio.run(race(plan, lambda round_: add_round(table, round_)))
        if not console.is_terminal:
            console.print(table)
        console.print(picture(rounds[-1], "#" if console.options.ascii_only else "█"))
        for line in verdict_lines(summary(plan, rounds)):
            console.print(line, soft_wrap=True, markup=False, highlight=False)
        return rounds
