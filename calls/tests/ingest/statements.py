"""The SQL that a test runs, with that of the write path's own cursors where they can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext


@contextmanager
def captured() -> Iterator[list[str]]:
    """Collect the statements, with their values. PostgreSQL: only those of Django's cursors."""
    found: list[str] = []
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        connection.connection.set_trace_callback(found.append)
        try:
            yield found
        finally:
            connection.connection.set_trace_callback(None)
    else:
        with CaptureQueriesContext(connection) as queries:
            yield found
        found += [query["sql"] for query in queries]
