"""Starts a worker as in production, kills it, and measures its memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.rig.databases import ROOT, Database
from benchmarks.rig.servers import RunError

START_S = 30.0
STOP_S = 20.0
POLL_S = 0.25
MIB = 1024 * 1024


class Worker:
    """Starts on entry, stops on exit. ``peak_mib`` is the peak memory of all its processes."""

    def __init__(self, *, environment: Mapping[str, str], folder: Path) -> None:
        self.peak_mib = 0.0
        self._environment = environment
        self._log = folder / "worker.log"

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def restart(self) -> None:
        """Stop it gracefully, and start it again."""
        self.stop()
        self.start()

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "manage.py", "qcluster"],
                # A session of its own, so that `kill` reaches the worker and all its children.
                cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self, database: Database) -> None:
        """Wait for the first heartbeat, and then until all parts have had time to start."""
        deadline = time.monotonic() + START_S
        while not database.count("SELECT count(*) FROM calls_workerheartbeat"):
            if time.monotonic() > deadline:
                raise RunError(f"The worker did not start: {self.last_words()}")
            time.sleep(POLL_S)
        time.sleep(1)

    def kill(self) -> None:
        """Kill all processes at once, like a power cut."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def weigh(self) -> None:
        """Record the current memory of the processes. Count shared pages once."""
        held = 0
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self._process.pid)
            for process in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    held += _held(process)
        self.peak_mib = max(self.peak_mib, held / MIB)

    def last_words(self) -> str:
        return self._log.read_text()[-2000:]


def _held(process: psutil.Process) -> int:
    info = process.memory_full_info()
    # Only Linux reports pss. Elsewhere, shared pages count once for each process.
    return int(info.pss if hasattr(info, "pss") else info.rss)
