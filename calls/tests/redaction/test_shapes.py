"""Addresses without a cue, codes from messages, and answers that start with "Yes, it is"."""

from __future__ import annotations

import pytest

from calls.tests.redaction.redacted import said


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My address is maria at example dot com.", "My address is [EMAIL]."),
        ("You can reach me at maria at example dot com.", "You can reach me at [EMAIL]."),
        ("Maria at example dot com.", "[EMAIL]."),
        ("M a r i a at example dot org, please.", "[EMAIL], please."),
        ("maria dot lopez, at, gmail, dot com", "[EMAIL]"),
        ("jane[at]example[dot]com", "[EMAIL]"),
        ("jane (at) example (dot) com", "[EMAIL]"),
        ("jane at sign example dot org", "[EMAIL]"),
        ("Write to info at sign north dash wind dot com.", "Write to [EMAIL]."),
        ("It is Maria.lopeas.example.com.", "It is [EMAIL]."),
        ("It's maria.lopez.gmail.com, thanks.", "It's [EMAIL], thanks."),
        ("maria@example.com. It was late.", "[EMAIL]. It was late."),
    ],
)
def test_an_address_goes_without_a_cue(text: str, left: str) -> None:
    assert said(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "Look at example dot com.",
        "Visit us at example dot com, or at northwind.com.",
        "I work at example dot com.",
        "I saw the price at example dot com yesterday.",
        "It was cheaper at example dot com.",
        "It is available at example dot com.",
        "Our site is support.eu.northwind.com.",
        "It is www.shop.eu.northwind.com.",
        "She is happy at example dot com. Is Peter at work. Com on.",
        "Log in at mail.google.com or outlook.live.com.",
        "At that point it was late. Dot the i in it.",
    ],
)
def test_a_web_site_is_no_address(text: str) -> None:
    assert said(text) == text


def test_pauses_within_an_address_do_not_save_it() -> None:
    spoken = "maria, then a dot, then lopez, at, gmail, dot com"

    assert said(spoken, "What's your e-mail?") == "[EMAIL]"


@pytest.mark.parametrize(
    "answer",
    [
        "Yes, it is {}.",
        "Sure, of course, it's {}.",
        "Certainly, one moment. The order number is {}.",
        "Okay, let me see. Here it is: {}, thank you.",
        "{}",
    ],
)
def test_the_answer_to_a_question_for_an_order_stays_and_that_for_a_card_goes(answer: str) -> None:
    order, card = answer.format("10023344"), answer.format("4532 0151 1283 0366")

    assert said(order, "May I have your order number?") == order
    assert said(card, "And the long number on your card?") == answer.format("[CARD]")
    assert said(card, "May I have your order number?") == answer.format("[CARD]")


@pytest.mark.parametrize(
    ("text", "question", "left"),
    [
        ("My email is maria at example dot com.", "", "My email is [EMAIL]."),
        ("My address is maria at example dot com.", "", "My address is [EMAIL]."),
        ("You can reach me at maria at example dot com.", "", "You can reach me at [EMAIL]."),
        ("It is maria dot lopez at example dot com.", "", "It is [EMAIL]."),
        ("Yes, it is 10023344.", "May I have your order number?", "Yes, it is 10023344."),
        ("It is 10023344.", "May I have your order number?", "It is 10023344."),
        ("Yes, it is 4 8 8 9 3 8 1.", "May I have your order number?", "Yes, it is 4 8 8 9 3 8 1."),
    ],
)
def test_addresses_go_and_order_numbers_stay_whatever_stands_before_them(
    text: str, question: str, left: str
) -> None:
    assert said(text, question) == left


@pytest.mark.parametrize(
    ("text", "question", "left"),
    [
        ("The SMS says 447719.", "", "The SMS says [SECURITY_CODE]."),
        ("The code is 4471.", "", "The code is [SECURITY_CODE]."),
        ("I got a code, 4471.", "", "I got a code, [SECURITY_CODE]."),
        ("Yes, it is 447719.", "We sent a code to your phone.", "Yes, it is [SECURITY_CODE]."),
        ("4 4 7 7 1 9", "What is the six-digit code?", "[SECURITY_CODE]"),
        ("The error code is 4471.", "", "The error code is 4471."),
        ("The code of conduct has 1234 words.", "", "The code of conduct has 1234 words."),
        ("It's 4532.", "And the last four digits of your card?", "It's [CARD]."),
    ],
)
def test_a_code_from_a_message_goes(text: str, question: str, left: str) -> None:
    assert said(text, question) == left


@pytest.mark.parametrize(
    "text",
    [
        "I have had it for 30 days and I lost 12 percent, 2 hundred euros.",
        "Between 9 and 17 hours, 24 pieces, 1500 users, 3 pallets of 40 boxes.",
        "It needs 3500 kWh, 1200 watts and 230 volts.",
    ],
)
def test_a_number_before_a_unit_is_no_phone_number(text: str) -> None:
    assert said(text) == text
    assert said(text, "What is your phone number?") == text


@pytest.mark.parametrize(
    ("text", "question", "left"),
    [
        ("RSSMRA85T10A562S", "", "[NATIONAL_ID]"),
        ("It is rssmra85t10a562s.", "", "It is [NATIONAL_ID]."),
        ("My DNI: 12345678Z, NIE X1234567L.", "", "My DNI: [NATIONAL_ID], NIE [NATIONAL_ID]."),
        ("My PAN is ABCPE1234F.", "", "My PAN is [NATIONAL_ID]."),
        ("Medicare 1EG4-TE5-MK73.", "", "Medicare [NATIONAL_ID]."),
        ("1HGCM82633A004352", "", "[ACCOUNT]"),
        ("The VIN is WVWZZZ1JZ3W386752.", "", "The VIN is [ACCOUNT]."),
        ("The licence plate is M-AB1234.", "", "The licence plate is [ACCOUNT]."),
        ("C01X00T47", "Your passport number, please.", "[NATIONAL_ID]"),
        ("My password is Hunter2!", "", "My password is [SECURITY_CODE]"),
        ("It is Sunshine42.", "What is the password?", "It is [SECURITY_CODE]."),
    ],
)
def test_an_identifier_with_letters_goes(text: str, question: str, left: str) -> None:
    assert said(text, question) == left


@pytest.mark.parametrize(
    "text",
    [
        "My password is wrong, and the password was not accepted.",
        "Order PO-2026-00871 has part XJ900-2 and SKU AB12-CD34.",
        "Parcel 1Z999AA1 and model KD55X85L are here, on the A96 in EC1A 1BB.",
        "My account has 100Mbps and 128GB.",
        "ABCDE1234F is the part, RSSMRA85T10A562A the batch.",
    ],
)
def test_a_code_of_a_thing_stays(text: str) -> None:
    assert said(text) == text
