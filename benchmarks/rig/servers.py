"""Starts web servers of this checkout, which stop with their parent process."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from benchmarks.rig.databases import ROOT
from benchmarks.rig.waiting import free_port

PATIENCE_S = 60.0
STOP_S = 20.0
APPLICATION = "callcenter.asgi:application"
BARE = "benchmarks.rig.bare:application"


class RunError(Exception):
    """A process of a run failed. The message includes the end of its log."""


def command(kind: str, port: int) -> list[str]:
    """Return the command for ``bare``, ``daphne`` or ``uvicorn`` (``manage.py web``)."""
    if kind == "daphne":
        arguments = ["-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), APPLICATION]
    elif kind == "bare":
        arguments = ["-m", "uvicorn", BARE, "--port", str(port), "--log-level", "warning"]
        arguments += ["--no-access-log", "--timeout-graceful-shutdown", "5"]
    else:
        arguments = ["manage.py", "web", "--port", str(port), "--timeout", "5"]
    return [sys.executable, *arguments]


class Server:
    """A web server that starts on entry and stops on exit. It can be killed and started again."""

    def __init__(self, kind: str, *, environment: Mapping[str, str], folder: Path) -> None:
        self.kind = kind
        self.port = free_port()
        self._environment = environment
        self._log = folder / f"{kind}.log"

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Stop it gracefully, and start it again at the same address."""
        self.stop()
        self.start()

    def start(self) -> None:
        self.launch()
        self.wait()

    def launch(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command(self.kind, self.port),
                cwd=ROOT, env=self._environment, stdout=log, stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 (no threads are running)
            )  # fmt: skip

    def wait(self) -> None:
        """Wait until the server answers."""
        deadline = time.monotonic() + PATIENCE_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise RunError(f"{self.kind} did not start: {self._log.read_text()[-2000:]}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """Kill it like a power cut: no signal handler runs, and nothing is committed."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool:
        address = f"http://127.0.0.1:{self.port}/healthz"
        try:
            with urllib.request.urlopen(address, timeout=2):
                return True
        # Even an error is a response: the server has started.
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False


def _die_with_parent() -> None:
    from calls.process import die_with_parent

    die_with_parent()
