"""The questions that are asked about every call: rows, which the admin edits."""

from __future__ import annotations

import asyncio

from django.db import connection

from calls.models import Insight


def enabled_insights() -> dict[str, str]:
    """Return the questions by name, in the order in which they were made."""
    rows = Insight.objects.filter(enabled=True).order_by("pk")
    return dict(rows.values_list("name", "question"))


async def load_insights() -> dict[str, str]:
    """Return ``enabled_insights`` without blocking the event loop."""
    return await asyncio.to_thread(_read_and_hang_up)


def _read_and_hang_up() -> dict[str, str]:
    # Threads of the loop's own pool outlive us: a connection would stay open in each.
    try:
        return enabled_insights()
    finally:
        connection.close()
