"""The fields of every log line while something is being done: a call id, a request id.

A call keeps the ORIGIN fields of the request that opened it, and its analysis logs them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

ORIGIN = ("request_id", "traceparent")
_fields: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default={})  # noqa: B039 (never changed)


def log_fields() -> Mapping[str, str]:
    """Return the fields of the present context."""
    return _fields.get()


def read_origin(fields: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what a call keeps of the request that opens it. Default: of the present context."""
    fields = log_fields() if fields is None else fields
    return {name: fields[name] for name in ORIGIN if name in fields}


def log_with(**fields: str) -> None:
    """Add fields to every line that this task still logs. Servers run each request in a task."""
    _fields.set({**_fields.get(), **fields})


@contextmanager
def logging_with(**fields: str) -> Iterator[None]:
    """Add fields to every line that this context logs; an empty one is left out.

    Tasks started inside inherit them.
    """
    token = _fields.set({**_fields.get(), **{name: v for name, v in fields.items() if v}})
    try:
        yield
    finally:
        _fields.reset(token)
