"""The steps of a run, for each way in: find the capacity, offer parts and multiples of it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from http.client import HTTPConnection
from typing import Any

from benchmarks.ingest.carriers import FRAME_S, TRACKS
from benchmarks.ingest.probe import Probe, latencies_of, resident_mib
from benchmarks.overload.senders import Offer
from benchmarks.rig.databases import ROOT
from benchmarks.rig.report import Bar
from benchmarks.rig.servers import RunError, Server
from benchmarks.rig.sites import Site

PARTS = (0.8, 1.5, 3.0)
REFUSALS = {"503", "1013"}
FIND_CAPACITY_S = 20.0
CALM_LIMIT_S = 30.0
CALM_PATH = "/v1/call/stream/over-calm"
MEMORY_EVERY_S = 0.25
BATCH_PACKETS = 50
# How fast one call sends on each way: requests, packets or pairs of frames a second.
RATES = {"single": 20.0, "batch": 10.0, "websocket": 50.0, "carrier": 1 / FRAME_S}
MOST_SENDERS = {"single": 300, "batch": 200, "websocket": 400, "carrier": 400}


@dataclass
class Step:
    """One offer, and its outcome."""

    way: str
    part: float
    offered_per_s: float
    answers: Counter[str]
    closed: int
    lost: int
    p50_ms: float
    p99_ms: float
    memory_mib: float
    normal_after_s: float | None = None

    @property
    def odd(self) -> int:
        """Return the number of responses that are neither an acceptance nor a proper refusal."""
        fine = {"accepted", "1000", *REFUSALS}
        return sum(count for answer, count in self.answers.items() if answer not in fine)


@dataclass
class Memory:
    """Samples the resident memory of the server."""

    pid: int
    peak_mib: float = 0.0
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Memory:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(MEMORY_EVERY_S):
            self.peak_mib = max(self.peak_mib, resident_mib(self.pid))


class Overload:
    """Runs the steps of one way in against one server."""

    def __init__(self, site: Site, way: str, seconds: float) -> None:
        self.site, self.way, self.seconds = site, way, seconds
        self.key: str = site.ask("benchmarks.rig.rows", "key")

    def find_capacity(self) -> float:
        """Return how many requests or pairs of frames a second the server carries.

        Offers far too much to a server that refuses nothing, and counts what is written.
        """
        never = {
            "SHED_REQUESTS_AFTER": "60",
            "SHED_STREAMS_AFTER": "60",
            "SHED_STREAMS_ABOVE": "1",
        }
        with self.site.server(**never) as server:
            offer = self._offer(server, "capacity", MOST_SENDERS[self.way])
            seconds = min(self.seconds, FIND_CAPACITY_S)
            seen = self._drive(replace(offer, seconds=seconds, ramp_s=min(2.0, seconds / 4)))
        if self.way == "carrier":
            return self._stored_pairs(seen, seconds)
        accepted: int = seen["answers"].get("accepted", 0)
        return accepted / seconds

    def _stored_pairs(self, seen: dict[str, Any], seconds: float) -> float:
        """Return the pairs of frames that had been written for each second of sending."""
        begin = min(times[0] for times in seen["sent_at"].values())
        received, _ = self.site.database.count_frames(f"over-{self.way}-capacity")
        # The client waits until the server has written all, so count until then.
        ended_at: float = seen["ended_at"]
        took_s: float = max(seconds, ended_at - begin)
        return received / len(TRACKS) / took_s

    def carry_out(self, capacity: float) -> Iterator[Step]:
        with self.site.server() as server:
            # The caches of the database fill, which is no growth by overload.
            self._drive(self._offer(server, "warm-up", self._senders(capacity, PARTS[0])))
            for part in PARTS:
                offer = self._offer(server, f"{part:g}", self._senders(capacity, part))
                yield self._step(server, part, offer)

    def _senders(self, capacity: float, part: float) -> int:
        return max(1, round(capacity * part / RATES[self.way]))

    def _offer(self, server: Server, name: str, senders: int) -> Offer:
        return Offer(
            kind=self.way,
            port=server.port,
            key=self.key,
            prefix=f"over-{self.way}-{name}",
            senders=senders,
            rate=RATES[self.way],
            packets=BATCH_PACKETS if self.way == "batch" else 1,
            seconds=self.seconds,
            ramp_s=min(15.0, self.seconds / 4),
        )

    def _step(self, server: Server, part: float, offer: Offer) -> Step:
        with Memory(server.pid) as memory:
            if self.way == "carrier":
                with Probe(self.site.database, server.pid) as probe:
                    seen = self._drive(offer)
                measured = latencies_of(seen["sent_at"], probe)
                received, _ = self.site.database.count_frames(offer.prefix)
                lost = seen["sent"] - received
            else:
                measured = seen = self._drive(offer)
                lost = max(0, seen["acknowledged"] - self._count(offer.prefix))
            calm_s = _seconds_to_normal(server.port, self.key) if part > 1 else None
        return Step(
            way=self.way,
            part=part,
            offered_per_s=offer.senders * offer.rate * offer.packets,
            answers=Counter(seen["answers"]),
            closed=seen["closed"] + seen["unanswered"],
            lost=lost,
            p50_ms=measured["p50_ms"],
            p99_ms=measured["p99_ms"],
            memory_mib=memory.peak_mib,
            normal_after_s=calm_s,
        )

    def _count(self, prefix: str) -> int:
        return self.site.database.count(
            "SELECT coalesce(sum(packet_count), 0) FROM calls_call "  # noqa: S608 (our own names)
            f"WHERE substr(call_id, 1, {len(prefix) + 1}) = '{prefix}-'"
        )

    def _drive(self, offer: Offer) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.overload.client", json.dumps(asdict(offer))],
            cwd=ROOT, check=False, stdout=subprocess.PIPE,
        )  # fmt: skip
        if done.returncode:
            raise RunError("The client failed. Its error message is above.")
        return {**json.loads(done.stdout), "ended_at": time.monotonic()}


def _seconds_to_normal(port: int, key: str) -> float:
    """Return after how many seconds a packet is accepted and a stream would be."""
    begin = time.monotonic()
    while time.monotonic() < begin + CALM_LIMIT_S:
        if _answer(port, key) == 202 and _answer(port, key, upgrade=True) == 101:
            return time.monotonic() - begin
        time.sleep(0.05)
    return CALM_LIMIT_S


def _answer(port: int, key: str, *, upgrade: bool = False) -> int:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    if upgrade:
        headers |= {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }  # fmt: skip
    body = None if upgrade else b'{"sequence":1,"data":"calm","timestamp":1}'
    with closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET" if upgrade else "POST", CALM_PATH, body, headers)
            return connection.getresponse().status
        except OSError:
            return 0


def carry_out(
    site: Site, ways: list[str], seconds: float, announce: Callable[[str], None]
) -> Iterator[Step]:
    for way in ways:
        run = Overload(site, way, seconds)
        announce(f"{way}: looking for the capacity")
        capacity = run.find_capacity()
        announce(f"{way}: {capacity:,.0f} requests or pairs of frames a second")
        yield from run.carry_out(capacity)


def judge(steps: list[Step]) -> list[Bar]:
    """Compare the steps of each way with the one below the capacity."""
    bars = []
    for way in dict.fromkeys(step.way for step in steps):
        usual, *above = [step for step in steps if step.way == way]
        lost, closed = sum(s.lost for s in above), sum(s.closed for s in above)
        odd = sum(step.odd for step in above)
        slowest = max(step.p99_ms for step in above) / max(usual.p99_ms, 1.0)
        growth = max(step.memory_mib for step in above) / max(usual.memory_mib, 1.0) - 1
        calm_s = max(step.normal_after_s or 0.0 for step in above)
        bars += [
            Bar(name=f"{way}: closed by us", value=closed, limit=1, is_upper=True, unit="sockets"),
            Bar(name=f"{way}: acknowledged and lost", value=lost, limit=1, is_upper=True, unit=""),
            Bar(name=f"{way}: other responses", value=odd, limit=1, is_upper=True, unit=""),
            Bar(name=f"{way}: p99 of what is accepted, to that at 80 %", value=slowest, limit=5,
                is_upper=True),
            Bar(name=f"{way}: growth of memory", value=growth * 100, limit=10, is_upper=True,
                unit="%"),
            Bar(name=f"{way}: until normal", value=calm_s, limit=5, is_upper=True, unit="s"),
        ]  # fmt: skip
    return bars
