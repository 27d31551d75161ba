"""The Retry-After header of a receiver: seconds or a date."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from calls.webhooks.retry import parse_retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60),
        ("Thu, 01 Jan 2026 00:00:00 +99999999999999999999", None),
        ("soon", None),
        ("-5", None),
        ("9" * 40, None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value, seconds):
    assert parse_retry_after(value, now=datetime(2026, 1, 1, tzinfo=UTC)) == seconds
