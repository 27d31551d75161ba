"""Personal data as people say it and as speech recognition prints it."""

from __future__ import annotations

import random
import re
import time

import pytest

from calls.conversation import Turn, Word
from calls.redaction.ibans import passes_mod97
from calls.redaction.personal_data import passes_luhn
from calls.redaction.redact import Redaction, redact
from calls.tests.redaction.redacted import conversation, said


@pytest.mark.parametrize(
    "text",
    [
        "4532 0151 1283 0366",
        "4532-0151-1283-0366",
        "4-5-3-2-0-1-5-1-1-2-8-3-0-3-6-6",
        "4,532,015,112,830,366",
        "45320151128303666",
        "1234 5678 9012",
        "2012 1998 1987 2023",
        "four five three two, zero one five one, one one two eight, oh three six six",
        "forty five thirty two, oh one fifty one, eleven twenty eight, oh three sixty six",
        "4532, uh, 0151, um, 1283 and then 0366",
    ],
)
def test_a_card_number_is_removed_even_if_its_check_digit_is_wrong(text: str) -> None:
    assert said(f"It is {text}.") == "It is [CARD]."


@pytest.mark.parametrize(
    ("text", "question", "left"),
    [
        ("My number is 020 7946 0112.", "", "My number is [PHONE]."),
        ("Call me on +44 7700 900123.", "", "Call me on [PHONE]."),
        ("(202) 555-0147", "", "[PHONE]"),
        ("to 1-2-55-0147", "What is your phone number?", "to [PHONE]"),
        ("five five five, oh one four seven", "Which number can I reach you on?", "[PHONE]"),
        ("It ends in 0147.", "And your mobile number?", "It ends in [PHONE]."),
        ("123-45-6789", "", "[NATIONAL_ID]"),
        ("my social security is 123 45 6789", "", "my social security is [NATIONAL_ID]"),
        ("6789", "Can I have the last four of your social?", "[NATIONAL_ID]"),
        ("QQ 12 34 56 C", "", "[NATIONAL_ID]"),
        ("C01X00T47", "Your passport number, please.", "[NATIONAL_ID]"),
        ("It is 449207.", "Can you give me your account number?", "It is [ACCOUNT]."),
        ("four four one nine, two zero seven", "Your account number?", "[ACCOUNT]"),
        ("it's 12-34-56", "What is the sort code?", "it's [ACCOUNT]"),
        ("double seven four, triple nine, 12", "", "[ACCOUNT]"),
        ("Q Q, one two, three four, 56, C.", "Lastly, your passport number.", "[NATIONAL_ID]."),
        ("It is P A, double oh, three seven.", "The passport number?", "It is [NATIONAL_ID]."),
        ("plus four four, seven seven double oh, nine hundred", "", "[PHONE]"),
        ("for, seven, double, nine, hundred, one, 2", "A number to ring you on?", "for, [PHONE]"),
        ("It is 308 double to 914.", "Your customer number?", "It is [ACCOUNT]."),
        ("The mobile ending in 3, 8, 1, right?", "", "The mobile ending in [PHONE], right?"),
        ("Two, three, four, five, and nine, six, seven, eight.", "", "[ACCOUNT]."),
    ],
)  # fmt: skip
def test_phones_ids_and_accounts_are_removed(text: str, question: str, left: str) -> None:
    assert said(text, question) == left


@pytest.mark.parametrize(
    ("text", "question", "left"),
    [
        ("One two three.", "And the security code on the back?", "[SECURITY_CODE]."),
        ("My pin is 4 4 1 9.", "", "My pin is [SECURITY_CODE]."),
        ("the CVV is 123 thanks", "", "the CVV is [SECURITY_CODE] thanks"),
        ("It expires 12/27.", "", "It expires [DATE]."),
        ("oh nine twenty eight", "What is the expiry date?", "[DATE]"),
        ("December 2027.", "When does your card expire?", "[DATE]."),
        ("the fourth of July nineteen eighty two", "Your date of birth?", "the [DATE]"),
        ("I was born on March 3rd, 1985.", "", "I was born on [DATE]."),
        ("3-4-1985", "Date of birth, please.", "[DATE]"),
        ("November 27.", "And the card, X by 3?", "[DATE]."),
        ("The 19th of November, 1978.", "And your native bird?", "The [DATE]."),
        ("Fourth of the second, eighty five.", "And your date of both?", "[DATE]."),
        ("4th of the second, 85.", "And your native bird?", "[DATE]."),
        (
            "It says 771, so far 3.",
            "We will send a code to your phone, please read it.",
            "It says [SECURITY_CODE].",
        ),
    ],
)
def test_codes_expiry_dates_and_birthdays_are_removed(text: str, question: str, left: str) -> None:
    assert said(text, question) == left


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("maria.lopez@example.com", ""),
        ("maria dot lopez at example dot com", ""),
        ("Mariadotlopazatgmail.com", ""),
        ("j underscore smith forty at yahoo dot co dot uk", ""),
        ("maria at gmail dot com", ""),
        ("David. Miller at example.com", "What is your e-mail?"),
        ("jSmith40 to ad outlet.com", "And your e-mail address?"),
        ("Maria Lopez at example.com", "Please confirm your email address."),
        ("anna at Example. Com", "What is your email?"),
        ("Annabel Gmail.com", "Your email?"),
        ("info at big company dot org", "Which e-mail should I send it to?"),
        ("A N N A dot K O W A L S K I at gmail dot com", "And an email for the confirmation."),
        ("nn.co.volusk.io.com", "And an email for the confirmation."),
        ("Grant 71 at Web.D", "And an address where I can send the email."),
    ],
)
def test_an_address_is_removed_in_every_spelling(text: str, question: str) -> None:
    assert said(f"It is {text}.", question) == "It is [EMAIL]."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("My email is maria at example dot com.", "My email is [EMAIL]."),
        ("My address is maria at example dot com.", "My address is [EMAIL]."),
        ("You can reach me at maria at example dot com.", "You can reach me at [EMAIL]."),
        ("It is maria dot lopez at example dot com.", "It is [EMAIL]."),
        ("It is Maria.lopeas.example.com.", "It is [EMAIL]."),
    ],
)
def test_an_address_is_removed_by_its_shape_whatever_leads_up_to_it(text: str, left: str) -> None:
    assert said(text) == left


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("DE89 3704 0044 0532 0130 00", ""),
        ("GB29NWBK60161331926819", ""),
        ("G B two nine N W B K six oh one six one three three one nine two six eight one nine", ""),
        ("DE89 3704 0044 0532 0130 01", "What is your IBAN?"),
    ],
)
def test_an_iban_is_removed_with_its_letters(text: str, question: str) -> None:
    assert said(text, question) == "[IBAN]"


def test_a_year_in_the_turn_does_not_protect_a_pin() -> None:
    left = conversation("You joined in 2019, I see.", "I did.", "And your pin?", "It is 2019.")

    assert left[-1] == "It is [SECURITY_CODE]."


def test_a_number_read_in_pieces_is_removed_with_its_repetitions() -> None:
    left = conversation(
        "Can I take the long number on your card?",
        "four five three two",
        "Mm-hm.",
        "zero one five one",
        "zero one five one",
        "128",
        "Go ahead.",
        "3 oh three six six",
        "Thank you. How was your holiday in 2024?",
        "It was fine, room 412.",
    )

    assert left[1::2][:4] == ["[CARD]"] * 4
    assert left[4] == "[CARD]"
    assert left[8:] == ["Thank you. How was your holiday in 2024?", "It was fine, room 412."]


def test_removed_data_is_removed_wherever_it_is_repeated() -> None:
    left = conversation("Your account number?", "It is 449207.", "Fine.", "So 4492 07 is closed?")

    assert left[1] == "It is [ACCOUNT]."
    assert left[3] == "So [ACCOUNT] is closed?"


def test_an_iban_read_in_pieces_is_removed() -> None:
    left = conversation(
        "Now the new bank details, please.",
        "Let me see. A T six one.",
        "Yes.",
        "one nine oh four",
        "Yes.",
        "three double oh, two three four, five seven three",
    )

    assert left[1::2] == ["Let me see. [IBAN].", "[IBAN]", "[IBAN]"]


def words(text: str, begin_ms: int = 1_000) -> tuple[Word, ...]:
    return tuple(
        Word(begin_ms + 100 * n, begin_ms + 100 * n + 80, word)
        for n, word in enumerate(text.split())
    )


def test_words_are_removed_as_well_and_give_the_times_to_mute() -> None:
    text = "It's 4532 0151 1283 0366, thanks."
    turn = Turn("customer", 900, 9_000, text, words(text))

    found = redact([turn])

    assert found.turns[0].text == "It's [CARD], thanks."
    assert [word.text for word in found.turns[0].words] == ["It's", "[CARD],", "thanks."]
    assert found.turns[0].words[1] == Word(1_100, 1_480, "[CARD],")
    assert found.redactions == (Redaction(0, "CARD", 1_100, 1_480),)


def test_two_items_in_one_turn_have_times_of_their_own() -> None:
    text = "Card 4532 0151 1283 0366 and mail a.b@example.com please"
    turn = Turn("customer", 0, 9_000, text, words(text))

    found = redact([turn])

    assert found.turns[0].text == "Card [CARD] and mail [EMAIL] please"
    assert " ".join(word.text for word in found.turns[0].words) == found.turns[0].text
    assert [(item.kind, item.begin_ms, item.end_ms) for item in found.redactions] == [
        ("CARD", 1_100, 1_480),
        ("EMAIL", 1_700, 1_780),
    ]


def test_a_text_that_joins_its_words_differently_is_kept_unchanged() -> None:
    spoken = (Word(0, 10, " I'd"), Word(10, 20, " get"), Word(20, 30, " 15"), Word(30, 40, "%"))

    turn = redact([Turn("agent", 0, 40, "I'd get 15%", spoken)]).turns[0]

    assert turn.text == "I'd get 15%"
    assert turn.words == spoken


def test_a_text_that_does_not_match_its_words_is_replaced_by_them() -> None:
    turn = Turn(
        "customer", 0, 900, "My card: 4532015112830366", words("My card 4532 0151 1283 0366")
    )

    left = redact([turn]).turns[0]

    assert left.text == "My card [CARD]"


def test_without_words_the_whole_turn_is_muted() -> None:
    found = redact([Turn("customer", 500, 2_500, "4532 0151 1283 0366")])

    assert found.redactions == (Redaction(0, "CARD", 500, 2_500),)


def test_no_turns_give_no_redactions() -> None:
    assert redact([]).turns == ()
    assert redact([Turn("agent", 0, 0, "")]).redactions == ()


@pytest.mark.parametrize(
    "text", ["x", "-", "a b 1 ", "4 ", "me at home. com ", "@ . at ", "in 2022 ", "order 10023344 "]
)
def test_hostile_texts_take_no_longer_than_others(text: str) -> None:
    begin = time.process_time()

    said((text * 20_000)[:20_000])

    assert time.process_time() - begin < 3


def test_redacting_twice_changes_nothing_more() -> None:
    once = redact([Turn("customer", 0, 1, "I am a.b@example.com, 4532 0151 1283 0366.")]).turns

    assert redact(once).turns == once


UNITS = "zero one two three four five six seven eight nine".split()  # noqa: SIM905


def test_no_digit_of_a_thousand_random_numbers_is_left() -> None:
    dice = random.Random(20)

    def group(length: int) -> str:
        digits = [dice.choice("0123456789") for _ in range(length)]
        spoken = [UNITS[int(digit)] for digit in digits]
        return dice.choice(["".join(digits), "-".join(digits), ". ".join(digits), " ".join(spoken)])

    shapes = [((4, 4, 4, 4), ""), ((3, 3, 4), ""), ((4, 3), ""), ((3, 2), "Your account number?")]
    for _ in range(1_000):
        shape, question = dice.choice(shapes)
        text = dice.choice([" ", ", ", "-", " uh "]).join(group(length) for length in shape)

        left = said(f"Yes, it's {text}.", question)

        assert not re.search(rf"\d|\b(?:{'|'.join(UNITS)})\b", left), (text, left)


def test_check_digits_follow_the_standards() -> None:
    assert passes_luhn("4532015112830366")
    assert not passes_luhn("4532015112830367")
    assert passes_mod97("GB29NWBK60161331926819")
    assert not passes_mod97("GB29NWBK60161331926818")
    assert not passes_mod97("GB29")
