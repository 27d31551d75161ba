"""Where a client stands in the event log, and the snapshot it starts from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calls import events
from calls.models import Call

SNAPSHOT_LIMIT = 500


@dataclass(frozen=True)
class Position:
    """Where in the event log a page was read: the feed goes on from there."""

    epoch: str
    offset: int


def read_position() -> Position:
    """Read it before the page's data: what comes twice is harmless, what is skipped is not."""
    return Position(epoch=events.epoch(), offset=events.head())


def snapshot() -> list[dict[str, Any]]:
    """Return the newest calls as the feed describes them, for a client that starts anew."""
    columns = Call.objects.values(
        "call_id",
        "state",
        "version",
        "packet_count",
        "last_sequence",
        "missing_count",
        "late_count",
    )
    return [dict(call) for call in columns.order_by("-id")[:SNAPSHOT_LIMIT]]
