"""The file that records erasures. A restore of the database does not change it.

Each line is one finished erasure in JSON: when, by whom, why, how much, and the keyed digests of
numbers and ids. There is no personal data in it.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from calls.models import Erasure
from calls.operation.disk import sync_folder


def line_of(erasure: Erasure) -> dict[str, Any]:
    return {
        "id": str(erasure.pk),
        "at": erasure.asked_at.isoformat(),
        "by": erasure.by,
        "reason": erasure.reason,
        "counts": erasure.counts,
        "numbers": erasure.number_digests,
        "calls": erasure.call_digests,
    }


def append(erasure: Erasure) -> None:
    """Add a line, on disk when this returns. A line that is already in it is not added again.

    Raises OSError if the disk is full. Part of the line may then be in the file.
    """
    path = Path(settings.ERASURE_LEDGER)
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(line_of(erasure), ensure_ascii=False).encode() + b"\n"
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "ab+", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another process may have written half of its line
        file.seek(0)
        content = file.read()
        if any(each["id"] == str(erasure.pk) for each in _parse(content)):
            return
        # A crash may have left a line without its end.
        is_torn = content and not content.endswith(b"\n")
        _write_all(file, (b"\n" if is_torn else b"") + line)
        os.fsync(file)
    sync_folder(path.parent)


def _write_all(file: Any, data: bytes) -> None:
    # On a disk that is almost full, a write takes what fits, and only the next one fails.
    while data:
        data = data[file.write(data) :]


def read() -> Iterator[dict[str, Any]]:
    """Yield the lines, oldest first. One that was cut off by a crash is not a line."""
    try:
        content = Path(settings.ERASURE_LEDGER).read_bytes()
    except FileNotFoundError:
        return
    yield from _parse(content)


def _parse(content: bytes) -> Iterator[dict[str, Any]]:
    # In bytes: a cut may be within a character, and a reason may hold what ends lines of text.
    for line in content.split(b"\n"):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and "id" in found:
            yield found


def adopt() -> None:
    """Note in the database what the ledger names, so that nobody is warned of it again."""
    for line in read():
        Erasure.objects.get_or_create(
            pk=line["id"],
            defaults={
                "asked_at": at_of(line),
                "finished_at": at_of(line),
                "by": line.get("by", ""),
                "reason": line.get("reason", ""),
                "counts": line.get("counts", {}),
                "number_digests": line.get("numbers", []),
                "call_digests": line.get("calls", []),
            },
        )


def at_of(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])
