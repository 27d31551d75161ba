"""The processor time and memory that one stage of one call may use in this process.

Work in threads cannot be interrupted from outside, so it asks here at every step: between sentences
and between windows of audio.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_MIB = 1024 * 1024
_PAGE_BYTES = 4096
_STATM = Path("/proc/self/statm")


class OverBudget(Exception):
    """The stage has used up its budget. The message says which."""


class Stopped(Exception):
    """Nobody is waiting for the result any more."""


def resident_bytes() -> int:
    """Return the memory of this process, or 0 where the system does not tell."""
    try:
        return int(_STATM.read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


class Budget:
    """Counts from ``spending`` on: processor time of this thread, memory of the whole process."""

    def __init__(
        self,
        *,
        cpu_s: float,
        memory_mib: float,
        clock: Callable[[], float] = time.thread_time,
        memory: Callable[[], int] = resident_bytes,
    ) -> None:
        self._cpu_s, self._memory_mib = cpu_s, memory_mib
        self._clock, self._memory = clock, memory
        self._stopped = threading.Event()
        self._begun_s, self._begun_bytes = 0.0, 0

    def start(self) -> None:
        self._begun_s, self._begun_bytes = self._clock(), self._memory()

    def stop(self) -> None:
        """Make the next check raise Stopped. Call it from any thread."""
        self._stopped.set()

    def check(self) -> None:
        """Raise OverBudget or Stopped if the work has to end."""
        if self._stopped.is_set():
            raise Stopped
        if self._clock() - self._begun_s > self._cpu_s:
            raise OverBudget(f"It used more than {self._cpu_s:g} s of processor time.")
        if self._memory() - self._begun_bytes > self._memory_mib * _MIB:
            raise OverBudget(f"It used more than {self._memory_mib:g} MiB of memory.")


_current: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def spending(budget: Budget) -> Iterator[None]:
    """Count what this thread does against the budget."""
    budget.start()
    token = _current.set(budget)
    try:
        yield
    finally:
        _current.reset(token)


def check_budget() -> None:
    """Raise OverBudget or Stopped if this thread has to end its work."""
    budget = _current.get()
    if budget is not None:
        budget.check()
