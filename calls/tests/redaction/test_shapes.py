"""Cards and IBANs have a shape of their own, whatever sign stands between their groups."""

import string

import pytest

from calls.conversation import Turn
from calls.redaction.redact import redact

SIGNS = [
    *string.punctuation.replace("@", ""),
    "\u2192",
    "\u00d7",
    "\u25aa",
    "\U0001f4b3",
    "??",
    " ! ",
]
CARDS = [("4242", "4242", "4242", "4242"), ("3782", "822463", "10005")]
IBAN = ("DE89", "3704", "0044", "0532", "0130", "00")


def hidden(text, language="en"):
    return redact([Turn("customer", 0, 1, text)], language=language).turns[0].text


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("language", ["en", "de", "nl"])
def test_groups_with_one_sign_between_them_are_a_card_or_an_iban(sign, language):
    for groups in (*CARDS, IBAN):
        for between in (sign, f"{sign} "):
            text = f"Ok {between.join(groups)} ok."

            assert not any(each.isdigit() for each in hidden(text, language)), text


@pytest.mark.parametrize(
    "text",
    [
        "It was 1999? 2003? 2011? 2019?",
        "We sold 1000! 2000! 3000! 4001!",
        "A is 10=20=30=40.",
    ],
)
def test_other_numbers_with_signs_between_them_stay(text):
    assert hidden(text) == text
