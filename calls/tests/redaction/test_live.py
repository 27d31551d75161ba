"""What may be shown of a call while it lasts."""

from __future__ import annotations

from calls.redaction.live import QUIET_MS, LiveWords, clear


def test_an_ordinary_sentence_is_shown_at_once():
    said = [LiveWords("agent", 0, 2_000, "Good morning, how can I help you?")]

    assert clear(said, language="en", now_ms=2_000) == ["Good morning, how can I help you?"]


def test_a_number_that_may_go_on_is_held_back_until_nobody_goes_on():
    said = [LiveWords("customer", 0, 2_000, "My card number is four five")]

    assert clear(said, language="en", now_ms=2_000) == [None]
    assert clear(said, language="en", now_ms=2_000 + QUIET_MS) == ["My card number is four five"]
