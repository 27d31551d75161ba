"""Reports as CSV: the fields of the API, one agent, queue or day per line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from calls.exports.clean import cell
from calls.exports.table import as_lines


def export(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """Yield the header, then the rows."""
    names = list(columns)
    yield as_lines([names])
    yield as_lines([[cell(row[name]) for name in names] for row in rows])
