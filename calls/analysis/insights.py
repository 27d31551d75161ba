"""Insights: the questions that the AI answers about every call. Edited in the admin."""

from __future__ import annotations

import asyncio

from django.db import connection

from calls.models import Insight


def enabled_insights() -> dict[str, str]:
    """Return the enabled questions by name, oldest first."""
    rows = Insight.objects.filter(enabled=True).order_by("pk")
    return dict(rows.values_list("name", "question"))


async def load_insights() -> dict[str, str]:
    """Return ``enabled_insights`` without blocking the event loop."""
    return await asyncio.to_thread(_read_and_disconnect)


def _read_and_disconnect() -> dict[str, str]:
    # The threads of asyncio's default pool live on. Without this, each would keep a connection.
    try:
        return enabled_insights()
    finally:
        connection.close()
