"""Child processes: those of ``manage.py up``, and how a process dies with its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

SHORT_LIFE_S = 10.0
MAX_SHORT_LIVES = 3


@dataclass
class Child:
    """A program that runs for as long as ``up`` does, or only ``once``."""

    name: str
    command: Sequence[str]
    once: bool = False
    nice: int = 0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0
    short_lives: int = field(default=0)

    def start(self) -> None:
        self.started_at = time.monotonic()
        # The child gets its own session, so that Ctrl-C reaches only ``up``, which then stops the
        # children in order.
        prepare = self._prepare if os.name == "posix" else None
        self.process = subprocess.Popen(  # noqa: S603 (no shell; a command of ours)
            self.command,
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509 (no threads are running yet)
        )

    def _prepare(self) -> None:
        from calls.process import die_with_parent

        die_with_parent()
        os.nice(self.nice)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def revive(self) -> bool:
        """Start it again after an unexpected exit. Return False if it keeps dying."""
        lived = time.monotonic() - self.started_at
        self.short_lives = self.short_lives + 1 if lived < SHORT_LIFE_S else 0
        if self.short_lives >= MAX_SHORT_LIVES:
            return False
        self.start()
        return True

    def terminate(self) -> None:
        if self.process is not None and self.running:
            self.process.terminate()

    def kill(self) -> None:
        """Kill the process and its children."""
        if self.process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def stop_all(children: Sequence[Child], *, patience_s: float) -> None:
    """Ask all children to stop, wait for them, then kill the rest."""
    for child in children:
        child.terminate()
    deadline = time.monotonic() + patience_s
    while any(child.running for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    for child in children:
        child.kill()


HOST_LENGTH = 64  # Linux's limit; with the rest, it fits into 100 characters


def this_process() -> str:
    """Return the name of this process, as rows that several processes write have it."""
    return f"{socket.gethostname()[:HOST_LENGTH]}:{os.getpid()}"


NICE = 7  # a fifth of the share of a thread that answers packets


def give_way(nice: int = NICE) -> None:
    """Lower the priority of this thread, so that ingest on this machine goes first.

    On Linux each thread has its own priority, and the threads that it starts inherit it. This
    includes Whisper's threads, because the model is loaded in this thread.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        present = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, max(present, nice))


PR_SET_PDEATHSIG = 1  # linux/prctl.h
SOFTWARE_ERROR = 70  # sysexits.h; Windows has no os.EX_SOFTWARE


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent dies, for whatever reason."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def end_children_with_me() -> None:
    """Make every process forked from now on, at any depth, die with its parent.

    django-q2 ends its processes only in an orderly stop. After a SIGKILL they would wait forever
    for jobs that cannot arrive.
    """
    parent: list[int] = []

    def remember() -> None:
        parent[:] = [os.getpid()]

    def follow() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # children do not need the parent's handler
        die_with_parent()
        if [os.getppid()] != parent:  # the parent died before prctl was called
            os._exit(SOFTWARE_ERROR)

    os.register_at_fork(before=remember, after_in_child=follow)
