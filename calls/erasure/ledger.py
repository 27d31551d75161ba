"""The file that says what was erased. A restore of the database does not bring back older lines.

Each line is one finished erasure in JSON: when, by whom, why, how much, and the keyed digests of
numbers and ids. There is no personal data in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from calls.models import Erasure


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
    """Add a line, on disk when this returns. A line that is there already is not added again."""
    path = Path(settings.ERASURE_LEDGER)
    path.parent.mkdir(parents=True, exist_ok=True)
    if any(line["id"] == str(erasure.pk) for line in read()):
        return
    line = json.dumps(line_of(erasure), ensure_ascii=False).encode() + b"\n"
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(handle).st_size
        # A crash may have left a line without its end.
        is_torn = size and os.pread(handle, 1, size - 1) != b"\n"
        os.write(handle, (b"\n" if is_torn else b"") + line)
        os.fsync(handle)
    finally:
        os.close(handle)


def read() -> Iterator[dict[str, Any]]:
    """Yield the lines, oldest first. One that was cut off by a crash is not a line."""
    try:
        text = Path(settings.ERASURE_LEDGER).read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and "id" in found:
            yield found


def at_of(line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["at"])
