"""The secret key of the local profile."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def local_secret(folder: Path) -> str:
    """Return this checkout's secret. Kept in a file, so that sessions survive a restart."""
    path = folder / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
    except FileExistsError:
        pass
    return path.read_text()
