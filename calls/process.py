"""Child processes of `manage.py up`: started apart from the terminal, stopped without a trace."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

SHORT_LIFE_S = 10.0
MAX_SHORT_LIVES = 3


@dataclass
class Child:
    """A program that is to run as long as ``up`` does, unless it is ``once`` only."""

    name: str
    command: Sequence[str]
    once: bool = False
    nice: int = 0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0
    short_lives: int = field(default=0)

    def start(self) -> None:
        self.started_at = time.monotonic()
        # A session of its own: Ctrl-C in the terminal reaches only ``up``, which stops the others
        # in order.
        prepare = self._prepare if os.name == "posix" else None
        self.process = subprocess.Popen(  # noqa: S603
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
        """Start it again after an unexpected end. Returns False when it does not stay alive."""
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
        """End whatever is left of it and of its children."""
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
    """Ask all to stop, wait together, then end what did not."""
    for child in children:
        child.terminate()
    deadline = time.monotonic() + patience_s
    while any(child.running for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    for child in children:
        child.kill()


PR_SET_PDEATHSIG = 1  # linux/prctl.h
SOFTWARE_ERROR = 70  # sysexits.h; Windows has no os.EX_SOFTWARE


def die_with_parent() -> None:
    """Ask Linux to end this process when its parent is gone, however that went."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def end_children_with_me() -> None:
    """Have every process that is forked from now on die with its parent, at any depth.

    django-q2 leaves that to a stop in good order: after a SIGKILL its processes would wait for
    jobs that cannot come, for ever.
    """
    parent: list[int] = []

    def remember() -> None:
        parent[:] = [os.getpid()]

    def follow() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # what the parent does is not for children
        die_with_parent()
        if [os.getppid()] != parent:  # it died before it could be asked for
            os._exit(SOFTWARE_ERROR)

    os.register_at_fork(before=remember, after_in_child=follow)
