"""The stop flag and the runner slot that the processes of one worker share."""

from __future__ import annotations

import ctypes
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager

FLAG_POLL_S = 0.1


class _Flag:
    """A flag that all processes of a worker share.

    Unlike an Event it has no lock, which a process could hold when it dies, or for which a signal
    handler could wait forever.
    """

    def __init__(self) -> None:
        self._value = multiprocessing.RawValue(ctypes.c_bool, False)

    def set(self) -> None:
        self._value.value = True

    def clear(self) -> None:
        self._value.value = False

    def is_set(self) -> bool:
        return bool(self._value.value)

    def wait(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while not self.is_set() and (left_s := deadline - time.monotonic()) > 0:
            time.sleep(min(FLAG_POLL_S, left_s))
        return self.is_set()


_told_to_stop = _Flag()  # set by a signal, never cleared
_starting_over = _Flag()


class _Slot:
    """The process that holds the lock is the runner."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Replace the lock, because a dead process never releases it."""
        self.lock = multiprocessing.Lock()


_slot = _Slot()


def stopping() -> bool:
    """Return whether this worker has been told to stop or to start over."""
    return _told_to_stop.is_set() or _starting_over.is_set()


@contextmanager
def runner_slot() -> Iterator[bool]:
    """Yield whether this process is now the runner of its worker."""
    mine = _slot.lock.acquire(block=False)
    try:
        yield mine
    finally:
        if mine:
            _slot.lock.release()
