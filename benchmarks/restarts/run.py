"""The steps: find the capacity, load a part of it, restart everything in turn, count."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.overload.senders import Offer
from benchmarks.rig.databases import ROOT, Database
from benchmarks.rig.nginx import nginx
from benchmarks.rig.report import Bar
from benchmarks.rig.servers import RunError, Server
from benchmarks.rig.sites import Site
from benchmarks.rig.workers import Worker

WEB, WORKERS = 3, 2
PART = 0.6
ENDS_PER_S = 20.0
RATE = 20.0  # packets a second of one call
MOST_CALLS = 300
SOCKETS = 0.1  # of the calls; the others send single packets over HTTP
CAPACITY_S = 12.0
PAUSE_S = 1.0  # between two processes
STUCK_S = 120.0


@dataclass
class Outcome:
    capacity_per_s: float
    told: dict[str, Any]
    lost: int
    stuck: int
    burnt: int  # attempts that were used up though the provider never fails
    restarts: int

    @property
    def odd(self) -> int:
        return int(self.told["answers"].get("odd", 0))

    @property
    def bars(self) -> list[Bar]:
        values = {
            "acknowledged packets lost": self.lost,
            "calls stuck": self.stuck,
            "attempts used up": self.burnt,
            "answers 5xx other than 503 with Retry-After": self.odd,
            "calls that were never answered": self.told["unanswered"],
        }
        return [
            Bar(name=name, value=value, limit=1, is_upper=True, unit="")
            for name, value in values.items()
        ]


@dataclass
class Group:
    """The processes of one site, behind nginx."""

    site: Site
    port: int
    web: list[Server]
    workers: list[Worker]

    def restart(self) -> int:
        """Restart every process, one after the other. Returns how many."""
        processes: list[Server | Worker] = [*self.web, *self.workers]
        for process in processes:
            process.restart()
            time.sleep(PAUSE_S)
        return len(self.web) + len(self.workers)


@contextmanager
def group(site: Site, program: str, name: str, **settings: str) -> Iterator[Group]:
    with ExitStack() as stack:
        web = [stack.enter_context(site.server(**settings)) for _ in range(WEB)]
        workers = [stack.enter_context(site.worker()) for _ in range(WORKERS)]
        ports = [server.port for server in web]
        address = stack.enter_context(nginx(program, site.folder / name, ports))
        yield Group(site, int(address.rpartition(":")[2]), web, workers)


def carry_out(
    site: Site, program: str, *, restarts: int, seconds: float, announce: Callable[[str], None]
) -> Outcome:
    key: str = site.ask("benchmarks.rig.rows", "key")
    capacity = find_capacity(site, program, key)
    announce(f"capacity: {capacity:,.0f} packets a second, one by one")
    with group(site, program, "nginx") as running:
        calls = max(2, round(capacity * PART / RATE))
        client = _start(running.port, key, "load", calls=calls, seconds=seconds)
        count = _restart_under_load(client, running, restarts, seconds, announce)
        told = _finish(client)
        stuck = _wait_for_analysis(site.database, told["ended"])
        lost = count_lost(site.database, told["acknowledged"])
        burnt = site.database.count("SELECT count(*) FROM calls_attempt "
                                    "WHERE outcome IN ('failed', 'crashed')")  # fmt: skip
    return Outcome(capacity, told, lost, stuck, burnt, count)


def find_capacity(site: Site, program: str, key: str) -> float:
    """Return how many packets a second are carried if nothing is refused, with calls that end."""
    never = {
        "SHED_REQUESTS_AFTER": "60",
        "SHED_STREAMS_AFTER": "60",
        "SHED_STREAMS_ABOVE": "1",
    }
    with group(site, program, "capacity", **never) as running:
        client = _start(running.port, key, "capacity", calls=MOST_CALLS, seconds=CAPACITY_S)
        return float(_finish(client)["per_s"])


def _restart_under_load(
    client: subprocess.Popen[bytes],
    running: Group,
    restarts: int,
    seconds: float,
    announce: Callable[[str], None],
) -> int:
    """Spread the restarts over the time of the load. Returns how many processes were restarted."""
    begin, count = time.monotonic(), 0
    for number in range(restarts):
        due = begin + seconds * (number + 0.5) / (restarts + 0.5)
        time.sleep(max(0.0, due - time.monotonic()))
        if client.poll() is not None:
            raise RunError("The load ended before the restarts. Give it more --seconds.")
        count += running.restart()
        took_s = time.monotonic() - max(begin, due)
        announce(f"restart {number + 1} of all processes took {took_s:.0f} s")
    return count


def _start(
    port: int, key: str, name: str, *, calls: int, seconds: float
) -> subprocess.Popen[bytes]:
    offer = Offer(
        kind="mixed", port=port, key=key, prefix=f"restarts-{name}", senders=calls, rate=RATE,
        seconds=seconds, ramp_s=min(5.0, seconds / 4),
    )  # fmt: skip
    load = {"offer": asdict(offer), "sockets": round(calls * SOCKETS), "ends_per_s": ENDS_PER_S}
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.restarts.client", json.dumps(load)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def _finish(client: subprocess.Popen[bytes]) -> dict[str, Any]:
    output, _ = client.communicate()  # closes its input: it may end
    if client.returncode:
        raise RunError("The client failed. Its error message is above.")
    told: dict[str, Any] = json.loads(output)
    return told


def _wait_for_analysis(database: Database, ended: list[str]) -> int:
    """Return how many of the ended calls are not archived after STUCK_S."""
    deadline = time.monotonic() + STUCK_S
    while True:
        states = database.call_states()
        stuck = sum(states.get(call_id, ("",))[0] != "ARCHIVED" for call_id in ended)
        if not stuck or time.monotonic() > deadline:
            return stuck
        time.sleep(1)


def count_lost(database: Database, acknowledged: dict[str, int]) -> int:
    """Count acknowledged packets that are not stored. Each call numbers its own from 1."""
    rows = database.rows(
        "SELECT call.call_id, packet.sequence FROM calls_packet AS packet "
        "JOIN calls_stream AS stream ON stream.id = packet.stream_id "
        "JOIN calls_call AS call ON call.id = stream.call_id"
    )
    stored = Counter(
        call_id for call_id, sequence in set(rows) if sequence <= acknowledged.get(call_id, 0)
    )
    return sum(count - stored[call_id] for call_id, count in acknowledged.items())
