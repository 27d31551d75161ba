"""Cards, IBANs and phone numbers are found with any separator between their groups."""

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
PHONES = [("+49", "170", "123", "4567"), ("+1", "415", "555", "0137"), ("0170", "555", "0137")]
IBAN = ("DE89", "3704", "0044", "0532", "0130", "00")


def hidden(text, language="en"):
    return redact([Turn("customer", 0, 1, text)], language=language).turns[0].text


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("language", ["en", "de", "nl"])
def test_groups_with_one_sign_between_them_are_a_card_an_iban_or_a_phone_number(sign, language):
    for groups in (*CARDS, *PHONES, IBAN):
        for between in (sign, f"{sign} "):
            text = f"Ok {between.join(groups)} ok."

            assert not any(each.isdigit() for each in hidden(text, language)), text


@pytest.mark.parametrize(
    "text",
    [
        "It was 1999? 2003? 2011? 2019?",
        "We sold 1000! 2000! 3000! 4001!",
        "A is 10=20=30=40.",
        "Is it 100? 200? 3000?",
    ],
)
def test_other_numbers_with_signs_between_them_stay(text):
    assert hidden(text) == text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("You can reach me on 415? 555? 0137.", "en"),
        ("My phone is 415! 555! 0137.", "en"),
        ("Sie erreichen mich unter 415? 555? 0137.", "de"),
    ],
)
def test_groups_after_the_word_phone_are_a_phone_number(text, language):
    assert "[PHONE]" in hidden(text, language)
    assert not any(each.isdigit() for each in hidden(text, language))
