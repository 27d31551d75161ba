"""Scores and limits as people read them."""

import pytest

from calls.formats.numbers import limit_text, score_text

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("score", "text"),
    [(-2.06, f"{MINUS}2.1"), (3.44, "3.4"), (0.0, "0.0"), (-0.04, "0.0"), (-5, f"{MINUS}5.0")],
)
def test_a_score_has_one_decimal_and_a_minus_sign(score, text):
    assert score_text(score) == text


@pytest.mark.parametrize(
    ("limit", "text"), [(-2.5, f"{MINUS}2.5"), (45.0, "45"), (0.1, "0.1"), (-0.0, "0")]
)
def test_a_limit_is_shown_as_it_was_entered(limit, text):
    assert limit_text(limit) == text
