"""Files that say which work has begun, and whether the process that does it is alive.

The file outlives a process that is killed; its lock does not.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TRIES, PAUSE_S = 10, 0.02


class InUse(Exception):
    """Another process holds this claim."""


@contextmanager
def claim(path: Path, *, shared: bool = False) -> Iterator[int]:
    """Lock a file, and create it if need be. Yields its descriptor. The file stays.

    Raises InUse if another process holds it. Shared claims do not exclude each other.
    """
    handle = _locked(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    try:
        yield handle
    finally:
        os.close(handle)


def _locked(path: Path, kind: int) -> int:
    for is_last in (False,) * (TRIES - 1) + (True,):
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
            if _is_at(path, handle):
                return handle
        except BlockingIOError:
            # Somebody may be asking, for a moment, whether it is held.
            time.sleep(0 if is_last else PAUSE_S)
        # The process that held the lock may also have removed or renamed the file.
        os.close(handle)
    raise InUse(str(path))


def _is_at(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def is_held(path: Path) -> bool:
    """Whether a process that is alive holds the claim. Creates nothing."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def write_whole(handle: int, text: str) -> None:
    """Replace the content of a claimed file. It is on disk when this returns."""
    os.ftruncate(handle, 0)
    with os.fdopen(os.dup(handle), "wb") as file:
        file.seek(0)
        file.write(text.encode())
        file.flush()
        os.fsync(handle)
