"""One run of local speech recognition, while a web process takes packets on the same cores."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from calls.benchmark.databases import Database, scratch_database
from calls.benchmark.report import Bar
from calls.benchmark.run import RunError
from calls.benchmark.servers import ROOT, Server, environment
from calls.benchmark.workers import Worker

POLL_S = 0.5
WEIGH_S = 4.0
READY_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """``times`` each of the recorded calls; ``per_s`` packets meanwhile."""

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
    """Carry out one run on a database of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="callcenter-bench-") as name,
        scratch_database(Path(name)) as database,
    ):
        return _Run(options, database, Path(name)).carry_out()


class _Run:
    def __init__(self, options: Options, database: Database, folder: Path) -> None:
        self.options, self.database, self.folder = options, database, folder
        self.environment = environment(
            database.url,
            MEDIA_ROOT=str(folder / "media"),
            AI_PROVIDER="local",
            AI_CHAOS_FAILURE_RATE="0",
            AI_CHAOS_LATENCY="0",
            LOG_LEVEL="ERROR",
        )

    def carry_out(self) -> Outcome:
        self._execute("manage.py", "migrate", "--verbosity", "0")
        key = self._ask("key")
        with (
            Server("uvicorn", environment=self.environment, folder=self.folder) as server,
            Worker(environment=self.environment, folder=self.folder) as worker,
        ):
            self._wait_for(worker)
            stored = self._ask("store", str(self.options.times))
            with self._packets(server, key) as packets:
                self._watch(worker)
        seen = self._ask("outcome")
        return Outcome(
            title=f"{self.database.title}, {stored['calls']} recorded calls",
            states=seen["states"],
            audio_s=stored["audio_s"],
            total_s=seen["over_s"],
            words=seen["words"],
            packets=packets,
            peak_mib=worker.peak_mib,
        )

    def _wait_for(self, worker: Worker) -> None:
        deadline = time.monotonic() + READY_S
        while not self.database.count("SELECT count(*) FROM calls_workerheartbeat"):
            if time.monotonic() > deadline:
                raise RunError(f"The worker did not start: {worker.last_words()}")
            time.sleep(POLL_S)
        time.sleep(1)  # its parts start after its first sign of life

    @contextmanager
    def _packets(self, server: Server, key: str) -> Iterator[dict[str, float]]:
        """End the calls, and have packets sent from a moment before.

        What the client saw from then on is in the dictionary afterwards.
        """
        load = {"port": server.port, "key": key, "per_s": self.options.per_s}
        seen: dict[str, float] = {}
        client = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "calls.benchmark.paced", json.dumps(load)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        signal = cast("IO[bytes]", client.stdin)
        try:
            self._ask("end")
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
        query = "SELECT count(*) FROM calls_call WHERE state IN ('COMPLETED', 'PROCESSING_AI')"
        while self.database.count(query):
            if time.monotonic() - begin > self.options.patience_s:
                raise RunError(f"Calls are left over: {worker.last_words()}")
            # Looking through a big process takes its time from the machine that is measured.
            if time.monotonic() >= weigh_at:
                worker.weigh()
                weigh_at = time.monotonic() + WEIGH_S
            time.sleep(POLL_S)

    def _ask(self, *arguments: str) -> Any:
        return json.loads(self._execute("-m", "calls.benchmark.recorded_calls", *arguments))

    def _execute(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603
            [sys.executable, *arguments],
            cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RunError(f"{' '.join(arguments)} failed: {done.stderr[-2000:]}")
        return done.stdout


def compare(outcome: Outcome) -> list[Bar]:
    return [
        Bar(name="audio over time", value=outcome.times_real, limit=20, is_upper=False, unit="x"),
        Bar(name="p99 of a packet", value=outcome.packets["p99_ms"], limit=50, is_upper=True,
            unit="ms"),
    ]  # fmt: skip
