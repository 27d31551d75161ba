"""Secrets of the local profile: made on first use, in files that only their owner reads."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def kept_secret(path: Path, *, size: int) -> str:
    """Return the secret in a file. Makes it of ``size`` random bytes if there is none.

    Processes that start together get the same one: the file appears complete or not at all.
    """
    if not (path.exists() and path.stat().st_size):
        path.parent.mkdir(parents=True, exist_ok=True)
        own = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(size))
        _publish(own, path)
    return path.read_text()


def _publish(own: Path, path: Path) -> None:
    """Give the file its name, unless another process was faster."""
    try:
        if path.exists() and not path.stat().st_size:
            own.replace(path)  # a start that was killed left it empty
        else:
            path.hardlink_to(own)
    except FileExistsError:
        pass
    finally:
        own.unlink(missing_ok=True)
