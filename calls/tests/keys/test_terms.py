"""Times and durations as people write them in commands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calls.keys.terms import read_expiry, read_span

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0", timedelta(0)),
        ("30m", timedelta(minutes=30)),
        ("24h", timedelta(hours=24)),
        ("90d", timedelta(days=90)),
    ],
)
def test_a_span_has_a_unit(text, span):
    assert read_span(text) == span


@pytest.mark.parametrize("text", ["", "1", "-1h", "1 h", "1w", "1.5h", "9999999d"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="must be a number with m, h or d"):
        read_span(text)


@pytest.mark.parametrize(
    ("text", "expires_at"),
    [
        ("2026-12-31", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2026-12-31T10:00", datetime(2026, 12, 31, 10, tzinfo=UTC)),
        ("2026-12-31T10:00+02:00", datetime(2026, 12, 31, 8, tzinfo=UTC)),
        ("2d", datetime(2026, 12, 1, 12, tzinfo=UTC)),
    ],
)
def test_a_key_expires_at_a_date_a_time_or_after_a_span(text, expires_at):
    assert read_expiry(text, now=NOW) == expires_at


@pytest.mark.parametrize(
    "text", ["2026-11-28", "0", "2026-13-01", "2026-12-32", "tomorrow", "9999999999"]
)
def test_a_past_or_invalid_time_is_refused(text):
    with pytest.raises(ValueError, match=r"future|must be"):
        read_expiry(text, now=NOW)
