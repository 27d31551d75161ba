"""Tells whether a page of the wall screen was made by the code that runs now."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings

from callcenter import __version__

_PARTS = ("templates/supervisor/wall", "supervisor/static/supervisor/wall", "supervisor/wall")


@cache
def release() -> str:
    """Return a mark that changes with the version, and with each file of the wall screen.

    It is read once, because a process keeps running the code that it was started with.
    """
    digest = hashlib.sha256(__version__.encode())
    for path in sorted(_files(Path(settings.BASE_DIR))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _files(base: Path) -> list[Path]:
    found = [path for part in _PARTS for path in (base / part).glob("*") if path.is_file()]
    return [*found, base / "supervisor/static/supervisor/app.css"]
