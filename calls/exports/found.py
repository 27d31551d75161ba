"""Search results as CSV: a row for each turn, finding or note that contains the words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from calls.exports.clean import cell, clock
from calls.exports.table import as_lines
from calls.search.find import Found, Search

COLUMNS = (
    "call_id",
    "state",
    "opened_at",
    "duration_s",
    "agent",
    "queue",
    "caller",
    "customer_sentiment",
    "customer_trend",
    "agent_sentiment",
    "agent_trend",
    "unjudged_language",
    "where",
    "name",
    "at",
    "turn_sentiment",
    "text",
)


def export(search: Search) -> Iterator[bytes]:
    """Yield the header, then blocks of rows. A call without hits has one row."""
    yield as_lines([COLUMNS])
    for block in search.read_all():
        yield as_lines([row for found in block for row in _rows(found)])


def _rows(found: Found) -> Iterator[list[str]]:
    call = found.call
    lasted = round(call.lasted_s(call.ended_at)) if call.ended_at else None
    # Repeated in each row, so that the table can be sorted and filtered.
    facts: list[Any] = [
        call.call_id,
        str(call.state),
        call.opened_at.isoformat(),
        lasted,
        call.agent,
        call.queue,
        call.caller,
        call.customer_sentiment,
        call.customer_trend,
        call.agent_sentiment,
        call.agent_trend,
        call.unjudged_language,
    ]
    for hit in found.hits.best if found.hits else ():
        at = "" if hit.begin_ms is None else clock(hit.begin_ms)
        yield [cell(value) for value in (*facts, hit.where, hit.name, at, hit.sentiment, hit.text)]
    if found.hits is None or not found.hits.best:
        summary = found.summary if found.hits is None else ""
        yield [cell(value) for value in (*facts, "summary" if summary else "", "", "", "", summary)]
