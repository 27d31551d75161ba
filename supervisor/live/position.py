"""The position of a client in the event log, and the snapshot for a new start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calls import events
from calls.models import Call
from calls.visibility import EVERYTHING, Sight

SNAPSHOT_LIMIT = 500


@dataclass(frozen=True)
class Position:
    """The place in the event log at which a page was read. Its feed continues from there.

    The epoch identifies the log: an offset means nothing after the database was replaced.
    """

    epoch: str
    offset: int


def read_position() -> Position:
    """Return the current position. Call before reading the page's data.

    An event between the two then reaches the page twice, which is harmless. In the other order the
    page would miss it.
    """
    return Position(epoch=events.epoch(), offset=events.head())


def snapshot(sight: Sight = EVERYTHING) -> list[dict[str, Any]]:
    """Return the newest calls, SNAPSHOT_LIMIT at most, for a client that cannot resume."""
    columns = sight.of(Call.objects.all()).values(
        "call_id",
        "state",
        "version",
        "packet_count",
        "last_sequence",
        "missing_count",
        "late_count",
    )
    # The newest ones, because the live calls are among them.
    return [dict(call) for call in columns.order_by("-id")[:SNAPSHOT_LIMIT]]
