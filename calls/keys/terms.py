"""Reads times and spans as people write them: 2027-01-31, 90d, 24h."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from django.utils.dateparse import parse_date, parse_datetime

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
SPAN = re.compile(r"(\d{1,6})([mhd])")
SPAN_RULE = "a number with m, h or d, such as 30m, 24h or 90d"


def read_span(text: str) -> timedelta:
    """Read a span; ``0`` is none. Raises ValueError."""
    if text == "0":
        return timedelta(0)
    found = SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} must be {SPAN_RULE}.")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def read_expiry(text: str, *, now: datetime) -> datetime:
    """Read a date, a time or a span from now. A date means its end in UTC. Raises ValueError."""
    try:
        expires_at = _read_time(text) or now + read_span(text)
    except ValueError as error:
        raise ValueError(f"{text!r} must be a date, such as 2027-01-31, or {SPAN_RULE}.") from error
    if expires_at <= now:
        raise ValueError(f"{text} is not in the future.")
    return expires_at


def _read_time(text: str) -> datetime | None:
    if date := parse_date(text):
        return datetime.combine(date, time.max.replace(microsecond=0), UTC)
    at = parse_datetime(text)
    return at.replace(tzinfo=at.tzinfo or UTC) if at else None
