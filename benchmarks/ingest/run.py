"""Runs the benchmark: each path in turn, with a fresh server, on one scratch database."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from benchmarks.ingest.probe import Probe, latencies_of
from benchmarks.rig.databases import ROOT
from benchmarks.rig.load import Load
from benchmarks.rig.report import Result
from benchmarks.rig.servers import RunError, Server
from benchmarks.rig.sites import Site, scratch_site

ROWS_PER_SECOND = 12_500  # rows of the bulk insert for each of --seconds
LIFE_S = 1.0  # how long a server lives between two kills
CONNECTIONS_OF_SOCKETS = 50
CALLS_OF_CARRIERS = 100
SLOW_LANE = {"EXPRESS_LANE": "false"}


@dataclass(frozen=True, kw_only=True)
class Options:
    seconds: float = 8.0
    carrier_seconds: float = 20.0
    warm_up: float = 1.0
    calls: int = 64
    socket_frame: int = 1
    fill: int = 0
    kill: bool = False
    kills: int = 10
    only: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to send packets: a client and a server."""

    name: str
    title: str
    load: Load
    server: str = "uvicorn"
    environment: Mapping[str, str] = field(default_factory=dict)
    kills: int = 0


def plan(options: Options) -> list[Way]:
    """Return the ways to measure before the table is filled, in order."""
    load = Load(seconds=options.seconds, warm_up=options.warm_up, calls=options.calls)
    frame = options.socket_frame
    what = "single frames" if frame == 1 else f"arrays of {frame}"
    socket = replace(load, kind="websocket", packets=frame, connections=CONNECTIONS_OF_SOCKETS)
    ways = [
        Way(name="bare", title="bare ASGI, Uvicorn", load=load, server="bare"),
        Way(
            name="drf-daphne", title="single, DRF, Daphne", load=load, server="daphne",
            environment=SLOW_LANE,
        ),
        Way(name="drf-uvicorn", title="single, DRF, Uvicorn", load=load, environment=SLOW_LANE),
        Way(name="single", title="single, express lane", load=load),
        Way(name="batch", title="batches of 50", load=replace(load, packets=50, connections=8)),
        Way(name="websocket", title=f"WebSocket, {what}", load=socket),
        Way(
            name="carriers", title=f"carriers, {CALLS_OF_CARRIERS} calls",
            load=replace(load, kind="carrier", connections=CALLS_OF_CARRIERS,
                         seconds=options.carrier_seconds),
        ),
    ]  # fmt: skip
    if options.kill:
        ways += [_killed(way, options.kills) for way in (ways[3], ways[5])]
    wanted = options.only or {way.name for way in ways}
    return [way for way in ways if {way.name, way.name.removesuffix("-killed")} & wanted]


def _killed(way: Way, kills: int) -> Way:
    load = replace(way.load, until_told=True)
    title = f"{way.title}, killed {kills} times"
    return replace(way, name=f"{way.name}-killed", title=title, load=load, kills=kills)


class Run:
    """The site and options that all paths of a run share."""

    def __init__(self, options: Options, site: Site) -> None:
        self.options, self.site, self.database = options, site, site.database
        self.key: str = self._ask("key")

    def measure(self, way: Way) -> Result:
        """Measure one path, and compare the acknowledged packets with the stored ones."""
        before = self.database.count_packets()
        with self.site.server(way.server, **way.environment) as server:
            load = replace(way.load, port=server.port, key=self.key, prefix=f"bench-{way.name}")
            seen = self._drive(load, lambda: _kill(server, way.kills))
        # The bare endpoint stores nothing.
        rows = None if way.server == "bare" else self.database.count_packets() - before
        return Result(name=way.name, title=way.title, rows=rows, **seen)

    def measure_carriers(self, way: Way) -> Result:
        """Stream calls in real time, and measure when each frame is in the database."""
        prefix = f"bench-{way.name}"
        with self.site.server(way.server) as server:
            load = replace(way.load, port=server.port, key=self.key, prefix=prefix)
            with Probe(self.database, server.pid) as probe:
                seen = self._drive(load, lambda: None)
        sent_at: dict[str, list[float]] = seen["sent_at"]
        sent = 2 * sum(len(times) for times in sent_at.values())
        begin = min(times[0] for times in sent_at.values())
        memory_mib, growth = probe.memory_growth(begin, begin + seen["seconds"])
        counted, odd = self.database.count_frames(prefix)
        return Result(
            name=way.name,
            title=way.title,
            packets_per_s=sent / seen["seconds"],
            acknowledged=sent,
            errors=seen["errors"] + abs(counted - sent) + odd,
            client_cpu=seen["client_cpu"],
            memory_mib=memory_mib,
            memory_growth=growth,
            behind_ms=seen["behind_s"] * 1000,
            **latencies_of(sent_at, probe),
        )

    def copy(self) -> Result:
        """Measure the speed of the database alone."""
        before = self.database.count_packets()
        asked = max(1_000, round(self.options.seconds * ROWS_PER_SECOND))
        answer = self._ask("copy", asked)
        what = "COPY" if self.database.is_postgres else "executemany"
        return Result(
            name="copy",
            title=f"{what}, one transaction",
            packets_per_s=answer["packets"] / answer["seconds"],
            acknowledged=answer["packets"],
            rows=self.database.count_packets() - before,
        )

    def fill(self) -> None:
        self._ask("fill", self.options.fill)

    def _drive(self, load: Load, disturb: Callable[[], None]) -> dict[str, Any]:
        client = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ingest.client", json.dumps(asdict(load))],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            disturb()
            answer, _ = client.communicate()  # closes its input, which tells the client to stop
        finally:
            client.kill()
            client.wait()
        if client.returncode:
            raise RunError("The client failed. Its error message is above.")
        seen: dict[str, Any] = json.loads(answer)
        return seen

    def _ask(self, *arguments: object) -> Any:
        return self.site.ask("benchmarks.rig.rows", *arguments)


def _kill(server: Server, times: int) -> None:
    for _ in range(times):
        time.sleep(LIFE_S)
        server.kill()
        server.start()


@contextmanager
def prepare(options: Options) -> Iterator[Run]:
    """Make a folder and a database, and remove both afterwards."""
    with scratch_site() as site:
        yield Run(options, site)


def carry_out(run: Run, announce: Callable[[str], None]) -> Iterator[Result]:
    """Measure every path. With ``fill``, measure the fast paths again with a full table."""
    options = run.options
    ways = plan(options)
    for way in ways:
        announce(way.title)
        yield run.measure_carriers(way) if way.load.kind == "carrier" else run.measure(way)
    if not options.only or "copy" in options.only:
        announce("bulk insert")
        yield run.copy()
    if options.fill:
        announce(f"filling the table with {options.fill:,} packets")
        run.fill()
        for way in ways:
            if way.name in ("single", "batch"):
                full = replace(way, name=f"{way.name}-full", title=f"{way.title}, full table")
                announce(full.title)
                yield run.measure(full)
