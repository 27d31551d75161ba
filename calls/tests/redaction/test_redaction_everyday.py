"""Order numbers, prices, times and other everyday numbers stay; personal ones beside them go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from calls.conversation import Turn
from calls.redaction.redact import redact
from calls.simulation.scripts import DEMO_CALLS
from calls.tests.redaction.redacted import conversation, said


@pytest.mark.parametrize(
    "text",
    [
        "I paid about forty euros on the second of March.",
        "It was $10,250.50, not $1,250.00, and then 49.99, 59.99 and 69.99.",
        "Between 1200 and 1500 pounds, or 1,250,000 dollars.",
        "Within three working days, ten percent off, thirty minutes before.",
        "From 9:00 to 17:30 on 02/03/2024, and at 10:30 or 11:45.",
        "In 1999, 2000 and 2001; I have been here since 2019.",
        "The 1st, 2nd and 3rd of March 2024, at seven in the morning.",
        "The second one. I restarted it five times. Order 77315 was due.",
        "A 5G phone with 128 GB and 24/7 support on 2024-03-02.",
        "Rooms 12, 14 and 16, on the third floor.",
        "I paid by card in 2021 and my card was charged 250 euros twice.",
        "Look at our website northwind.com, or visit us at northwind.com.",
        "The offer expires on the thirtieth of June.",
        "I will email you tomorrow at ten. We were at home. It was late. Look at us. No.",
        "Oh, two minutes ago. One moment, please.",
        "Your order number is 7731 0914, the serial number four oh two, nine nine one, seven.",
        "Batch two oh two five, one one, oh three.",
        "Product code AB-1234-5678-90, and the article is XK-1234-5678-91.",
        "The garage wrote 2000 300 and 40 euros.",
        "There is the seven oh four, the seven thirty one and the eight oh two.",
        "Invoice 2026-114 was paid twice, and so were 2026-115 and 2026-00116.",
        "Called about invoice no. 2026-1144 and ticket #4471982.",
        "Your reference is 8812345. Ref. 88123456 is the old one.",
        "I was on the phone about ticket 4471982, and I paid order 10023344 by card.",
        "Purchase order PO-2026-00871, job 2024-0815-33, RMA 20240815.",
        "Parcel 7788991 is with claim no. 20251133 and complaint 2026-00457.",
        "Version 10.15.7, build 19042.1165, error 0x80070005, firmware 2.4.1-20240612.",
        "It cost 1 250 000 euros, then 1.250.000,50 euros.",
        "He paid 300 in 2022, 350 in 2023 and 400 in 2024.",
        "The 2024/25 price list, 3 at 19.99, 2 of item 4471, 12 x 4 x 250 mm.",
        "Deliver to flat 12, 221 Baker Street, NW1 6XE, or to 80331 Munich.",
    ],
)
def test_an_everyday_number_stays(text: str) -> None:
    assert said(text) == text


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("It is 77315.", "May I have your order number?"),
        ("Yes, I have 2 minutes.", "Can I take your account number?"),
        ("I paid 1500 dollars", "Which card did you use, and how much?"),
        ("Tomorrow at 10:30.", "When can we call you on your mobile?"),
        ("Since 2019.", "How long have you had the account?"),
        ("It is 88123456.", "What is the reference number?"),
        ("10023344", "Your order number, please."),
        ("It is 10023344.", "May I have your order number?"),
        ("Yes, it is 10023344.", "May I have your order number?"),
        ("Yes, of course, it is 10023344.", "May I have your order number?"),
        ("Sure, it is 4 8 8 9 3 8 1.", "May I have your order number?"),
        ("Yes, it is 4 8 8 9 3 8 1.", "May I have your order number?"),
    ],
)
def test_an_everyday_answer_stays_after_a_harmless_question(text: str, question: str) -> None:
    assert said(text, question) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Invoice 2026-114, call me at 2031-1147.", "Invoice 2026-114, call me at [PHONE]."),
        (
            "About order 10023344, my number is 0170 123456.",
            "About order 10023344, my number is [PHONE].",
        ),
        ("Ticket 4471982, 07700 900123.", "Ticket 4471982, [PHONE]."),
        ("Case 4471982 / +49 170 1234567", "Case 4471982 / [PHONE]"),
        ("In that case, 07700 900123.", "In that case, [PHONE]."),
        ("For your reference: 0161 496 0000.", "For your reference: [PHONE]."),
        (
            "I have no order number, it is under 07700 900123.",
            "I have no order number, it is under [PHONE].",
        ),
        ("The pin for the order is 4471.", "The pin for the order is [SECURITY_CODE]."),
        (
            "The order was paid with card 4532 0151 1283 0366.",
            "The order was paid with card [CARD].",
        ),
        ("Order number 4532 0151 1283 0366.", "Order number [CARD]."),
        ("My mobile is 2026-114.", "My mobile is [PHONE]."),
        ("The card ending in 2026.", "The card ending in [CARD]."),
        ("Fax or tel. 030 901820.", "Fax or tel. [PHONE]."),
    ],
)
def test_a_harmless_number_does_not_protect_a_personal_one_next_to_it(text: str, left: str) -> None:
    assert said(text) == left


def test_only_a_bare_answer_to_a_question_for_an_order_stays() -> None:
    question = "And your order number?"

    assert said("I cannot find it, take 07700 900123.", question).endswith("[PHONE].")
    assert said("4532 0151 1283 0366", question) == "[CARD]"
    assert said("123-45-6789", question) == "[NATIONAL_ID]"
    assert said("10023344", "Your order number and your mobile?") == "[PHONE]"


def test_an_order_number_stays_where_it_is_repeated() -> None:
    left = conversation("The offer number is 2026-1183.", "Two oh two six, one one eight three.")

    assert left == ["The offer number is 2026-1183.", "Two oh two six, one one eight three."]


@pytest.mark.parametrize("path", sorted(DEMO_CALLS.glob("*.json")), ids=lambda path: path.stem)
def test_a_demo_call_loses_only_what_is_personal(path: Path) -> None:
    turns = [Turn(**turn) for turn in json.loads(path.read_text())["turns"]]
    expected = {"billing-dispute": ["ACCOUNT"], "lost-card": ["EMAIL"]}

    found = redact(turns)

    assert [item.kind for item in found.redactions] == expected.get(path.stem, [])
