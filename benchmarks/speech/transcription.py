"""Runs local speech recognition while a web process receives packets on the same cores."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, cast

from benchmarks.rig.databases import ROOT
from benchmarks.rig.report import Bar
from benchmarks.rig.servers import RunError, Server
from benchmarks.rig.sites import LOCAL_MODELS, Site, scratch_site
from benchmarks.rig.workers import Worker

CALLS = "benchmarks.speech.recorded_calls"
POLL_S = 0.5
WEIGH_S = 4.0
READY_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """Each recorded call is sent ``times`` times. Meanwhile ``per_s`` packets arrive."""

    times: int = 3
    per_s: float = 200
    patience_s: float = 600


@dataclass(frozen=True, kw_only=True)
class Outcome:
    title: str
    states: Mapping[str, int]
    audio_s: float
    total_s: float
    words: int
    packets: Mapping[str, float]
    peak_mib: float

    @property
    def times_real(self) -> float:
        return self.audio_s / self.total_s


def measure(options: Options) -> Outcome:
    """Run the benchmark once, with its own database."""
    with scratch_site(**LOCAL_MODELS) as site:
        return _Run(options, site).carry_out()


class _Run:
    def __init__(self, options: Options, site: Site) -> None:
        self.options, self.site = options, site

    def carry_out(self) -> Outcome:
        site = self.site
        key = site.ask(CALLS, "key")
        with site.server() as server, site.worker() as worker:
            worker.wait(site.database)
            stored = site.ask(CALLS, "store", self.options.times)
            with self._packets(server, key) as packets:
                self._watch(worker)
        seen = site.ask(CALLS, "outcome")
        return Outcome(
            title=f"{site.database.title}, {stored['calls']} recorded calls",
            states=seen["states"],
            audio_s=stored["audio_s"],
            total_s=seen["over_s"],
            words=seen["words"],
            packets=packets,
            peak_mib=worker.peak_mib,
        )

    @contextmanager
    def _packets(self, server: Server, key: str) -> Iterator[dict[str, float]]:
        """End the calls while a client sends packets. The client starts a moment earlier.

        Yield a dictionary. On exit it is filled with the client's report since then.
        """
        load = {"port": server.port, "key": key, "per_s": self.options.per_s}
        seen: dict[str, float] = {}
        client = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.speech.paced", json.dumps(load)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        signal = cast("IO[bytes]", client.stdin)
        try:
            # Meanwhile the client connects. The byte below starts its measurement.
            self.site.ask(CALLS, "end")
            signal.write(b"!")
            signal.flush()
            yield seen
            out, _ = client.communicate(timeout=READY_S)
            seen.update(json.loads(out))
        finally:
            client.kill()
            client.wait()

    def _watch(self, worker: Worker) -> None:
        begin = weigh_at = time.monotonic()
        while self.site.database.count_unfinished():
            if time.monotonic() - begin > self.options.patience_s:
                raise RunError(f"Calls are not analysed: {worker.last_words()}")
            # Reading the memory of a big process slows the machine that is measured.
            if time.monotonic() >= weigh_at:
                worker.weigh()
                weigh_at = time.monotonic() + WEIGH_S
            time.sleep(POLL_S)


def compare(outcome: Outcome) -> list[Bar]:
    return [
        Bar(name="audio over time", value=outcome.times_real, limit=20, is_upper=False, unit="x"),
        Bar(name="p99 of a packet", value=outcome.packets["p99_ms"], limit=50, is_upper=True,
            unit="ms"),
    ]  # fmt: skip
