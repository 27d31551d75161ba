"""Lists of calls of any length as CSV (RFC 4180), safe for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from calls.description import NAMES
from calls.exports.clean import cell
from calls.models import LASTED, Call, CustomField, FieldValue, Tag

ROWS_AT_ONCE = 500
COLUMNS = (
    "call_id",
    "state",
    *NAMES,
    "opened_at",
    "ended_at",
    "end_reason",
    "duration_s",
    "packet_count",
    "missing_count",
    "late_count",
    "duplicate_count",
    "customer_sentiment",
    "customer_trend",
    "agent_sentiment",
    "agent_trend",
    "unjudged_language",
    "sound_troubles",
    "packets_pruned_at",
    "last_error",
)


def export(calls: QuerySet[Call]) -> Iterator[bytes]:
    """Yield the header, then blocks of calls, newest first. Each block takes two queries."""
    fields = list(CustomField.objects.values_list("name", flat=True))
    yield as_lines([(*COLUMNS, "tags", *(f"field_{name}" for name in fields))])
    position: dict[str, int] = {}
    # By key, not by offset: calls that arrive meanwhile do not shift the blocks. No cursor stays
    # open while a slow client reads.
    while rows := list(_block(calls.filter(**position))):
        pks = [row[0] for row in rows]
        tags, values = _tags(pks), _values(pks) if fields else {}
        yield as_lines(
            [
                *map(_told, row[1:]),
                cell(", ".join(tags[row[0]])),
                *(cell(values.get((row[0], name), "")) for name in fields),
            ]
            for row in rows
        )
        position = {"pk__lt": rows[-1][0]}


def _block(calls: QuerySet[Call]) -> Any:
    calls = calls.annotate(duration_s=LASTED)
    return calls.order_by("-pk").values_list("pk", *COLUMNS)[:ROWS_AT_ONCE]


def _tags(calls: list[int]) -> dict[int, list[str]]:
    names: defaultdict[int, list[str]] = defaultdict(list)
    for tag in Tag.objects.filter(call__in=calls):
        names[tag.call_id].append(tag.name)
    return names


def _values(calls: list[int]) -> dict[tuple[int, str], str]:
    found = FieldValue.objects.filter(call__in=calls).order_by()
    return {(each.call_id, each.field_id): each.value for each in found}


def write_rows(rows: Any, header: Iterable[str]) -> Iterator[bytes]:
    """Yield a header, then blocks of rows. Each row starts with its key, which is left out."""
    yield as_lines([header])
    position: dict[str, int] = {}
    while block := list(rows.filter(**position).order_by("-pk")[:ROWS_AT_ONCE]):
        yield as_lines([[_told(value) for value in row[1:]] for row in block])
        position = {"pk__lt": block[-1][0]}


def _told(value: Any) -> str:
    if isinstance(value, timedelta):
        return cell(round(value.total_seconds()))
    return cell(value.isoformat() if hasattr(value, "isoformat") else value)


def as_lines(rows: Any) -> bytes:
    """Return rows of cells as lines of CSV."""
    text = io.StringIO()
    # Its default dialect ends lines with CR LF, as RFC 4180 asks.
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
