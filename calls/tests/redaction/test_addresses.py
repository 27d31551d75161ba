"""E-mail addresses without a question, with pauses, and beside web sites; bare answers."""

from __future__ import annotations

import pytest

from calls.tests.redaction.redacted import said

ASKED = "What's your e-mail?"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My address is maria at example dot com.", "My address is [EMAIL]."),
        ("You can reach me at maria at example dot com.", "You can reach me at [EMAIL]."),
        ("It is maria dot lopez at example dot com.", "It is [EMAIL]."),
        ("My email is maria at example dot com.", "My email is [EMAIL]."),
        ("Maria at example dot net.", "[EMAIL]."),
        ("Write to maria at example dot org, please.", "Write to [EMAIL], please."),
        ("It is maria at example dot de.", "It is [EMAIL]."),
        ("It is Maria.lopeas.example.com.", "It is [EMAIL]."),
        ("jane[at]example[dot]com", "[EMAIL]"),
        ("jane (at) example (dot) com", "[EMAIL]"),
        ("jane at sign example dot org", "[EMAIL]"),
    ],
)
def test_an_address_goes_by_its_shape_without_a_cue(text: str, left: str) -> None:
    assert said(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "maria, then a dot, then lopez, at, gmail, dot com",
        "maria... dot... lopez... at... example... dot com",
        "maria, dot, lopez, at sign, example, dot, com",
        "jane[at]example[dot]com",
    ],
)
def test_an_address_that_is_read_with_pauses_goes_completely(text: str) -> None:
    assert said(text, ASKED) == "[EMAIL]"


@pytest.mark.parametrize(
    "text",
    [
        "Look at example dot com.",
        "It was cheaper at example dot com, honestly.",
        "You find us at example dot org.",
        "We were at home. It was late.",
        "I looked at www.example.com and at shop.example.co.uk.",
    ],
)
def test_a_web_site_stays(text: str) -> None:
    assert said(text) == text


ORDER = "May I have your order number?"


@pytest.mark.parametrize(
    "text",
    [
        "It is 10023344.",
        "Yes, it is 10023344.",
        "Yes, of course, it is 10023344.",
        "Sure, the number is 10023344, thank you.",
        "Yes, it is 4 8 8 9 3 8 1.",
        "Yes. It's one double oh two, three three four four.",
    ],
)
def test_an_order_number_stays_in_any_bare_answer(text: str) -> None:
    assert said(text, ORDER) == text


@pytest.mark.parametrize(
    ("text", "question", "left"),
    [
        ("Yes, it is 4532 0151 1283 0366.", ORDER, "Yes, it is [CARD]."),
        ("Yes, it is 10023344.", "May I have your card number?", "Yes, it is [CARD]."),
        ("Yes, it is 10023344.", "May I have your account number?", "Yes, it is [ACCOUNT]."),
        ("Yes, it is 447719.", "Did you get the code by SMS?", "Yes, it is [SECURITY_CODE]."),
    ],
)
def test_the_same_answer_to_another_question_goes(text: str, question: str, left: str) -> None:
    assert said(text, question) == left


@pytest.mark.parametrize(
    "text",
    ["I waited 30 days, 12 percent, 4 gigabytes.", "It has 100Mbps, 1200 kWh and 5000 mAh."],
)
def test_a_number_before_a_unit_stays_after_a_question_for_a_number(text: str) -> None:
    assert said(text, "Your telephone number, please?") == text
