"""Runs a group of web and worker processes on one database, for tests.

Benchmarks start their processes one by one, with ``servers`` and ``workers``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from benchmarks.rig.databases import ROOT, drop_database, make_database
from benchmarks.rig.waiting import PATIENCE_S, answers, free_port, wait_until


class Service:
    """Starts processes of this checkout on one scratch database. ``close`` stops them all."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self._database = make_database(folder)
        self.database = self._database.url
        self.environment = {
            **os.environ,
            "DATABASE_URL": self.database,
            "MEDIA_ROOT": str(folder / "media"),
            "AI_CHAOS_FAILURE_RATE": "0",
            "AI_CHAOS_LATENCY": "0",
            "LOG_LEVEL": "ERROR",
            "SHUTDOWN_DELAY": "0",
            **environment,
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command, and wait until it ends."""
        result = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if check and result.returncode:
            raise AssertionError(result.stdout + result.stderr)
        return result

    def start(self, *command: str, log: str = "log") -> subprocess.Popen[bytes]:
        """Start Python with these arguments. Its output goes to ``log``.txt in the folder."""
        with (self.folder / f"{log}.txt").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT, env=self.environment, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def web(self, *options: str) -> str:
        """Start a web process, wait until it answers, and return its address."""
        port = free_port()
        self.start("manage.py", "web", "--port", str(port), *options, log="web")
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(f"{address}/healthz"), what=f"{address}/healthz")
        return address

    def worker(self) -> subprocess.Popen[bytes]:
        """Start a worker."""
        return self.start("manage.py", "qcluster", log="worker")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.txt").read_text()

    def close(self) -> None:
        for process in self.processes:
            # Listed before the parent ends. Afterwards they have another parent.
            with_children = descendants(process.pid)
            process.terminate()
            try:
                process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for child in with_children:
                if child.is_running():
                    child.kill()
        drop_database(self._database)


def descendants(pid: int) -> list[psutil.Process]:
    """Return all descendants of a process."""
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return []


def kill(process: psutil.Process) -> None:
    """Kill a process. No signal handler runs."""
    os.kill(process.pid, signal.SIGKILL)
