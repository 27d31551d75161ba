"""The read model of the live pages: what the wallboard and a call page show."""

from __future__ import annotations

from typing import Any

from calls.models import Call

SNAPSHOT_LIMIT = 500


def snapshot() -> list[dict[str, Any]]:
    """Return the newest calls as the feed describes them, for a client that starts anew."""
    newest = Call.objects.order_by("-id")[:SNAPSHOT_LIMIT]
    return list(
        newest.values(
            "call_id",
            "state",
            "version",
            "packet_count",
            "last_sequence",
            "missing_count",
            "late_count",
        )
    )
