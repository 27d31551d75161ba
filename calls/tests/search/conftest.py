"""Fixtures for the tests of search."""

from __future__ import annotations

import pytest

from calls.lifecycle import CallState
from calls.tests.search.indexed import analysis_of, index


@pytest.fixture
def archive(call_in):
    """Three calls: about a refund, about e-mail, and with odd words and removed data."""
    refund = call_in(CallState.ARCHIVED, "refund")
    mail = call_in(CallState.ARCHIVED, "mail")
    odd = call_in(CallState.ARCHIVED, "odd")
    index(
        analysis_of(
            refund,
            ("agent", "Good morning, how can I help you?"),
            ("customer", "I want a refund. Thank you!"),
            ("agent", "I am sorry, refunds take three days."),
            summary="The customer is promised money back.",
            keywords=["late delivery"],
            insights={"next_step": "Pay the money"},
        ),
        analysis_of(
            mail,
            ("agent", "Good morning."),
            ("customer", "Don't e-mail me. You thank nobody."),
            ("agent", "I'll cancel the e-mails, it costs 12.50."),
        ),
        analysis_of(
            odd,
            ("customer", "Caf\u00e9 Stra\u00dfe na\u00efve"),
            ("customer", "\u041c\u043e\u0441\u043a\u0432\u0430 \u65e5\u672c"),
            ("agent", "My number is [PHONE] thanks; card [CARD] mail"),
            ("customer", "x" * 500),
        ),
    )  # fmt: skip
    return refund, mail, odd
