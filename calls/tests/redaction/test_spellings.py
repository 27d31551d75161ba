"""Numbers are found in any spelling: other dashes, invisible characters, digits of any script."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from calls.conversation import Turn, Word
from calls.redaction.folding import fold
from calls.redaction.ibans import LENGTHS, passes_mod97
from calls.redaction.personal_data import passes_luhn
from calls.redaction.redact import redact
from calls.tests.redaction.redacted import said

DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d\ufe58\u00b7\u2022\u30fb"
SPACES = " \u00a0\u2009\u202f\u3000\t"
INVISIBLE = ["", "\u200b", "\u200d", "\u00ad", "\u2060", "\ufeff", "\u200e", "\u2068", "\ufe0f"]
DIGITS = [
    "0123456789",
    "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19",  # full width
    "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669",  # Arabic
    "\u0966\u0967\u0968\u0969\u096a\u096b\u096c\u096d\u096e\u096f",  # Devanagari
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079",  # superscript
]
BEFORE = [
    "", "It is ", "I said: ", "(", "\u00ab", "Yes, it's ", "my number is\u00a0", "call me,\n",
    "\u6211\u7684\u7535\u8bdd\u662f", "\u043c\u043e\u0439 \u043d\u043e\u043c\u0435\u0440 ",
    "numero: ", "The two of us live here. ",
]  # fmt: skip
AFTER = [
    "",
    ".",
    ", thanks",
    ")",
    "\u00bb",
    "!",
    "\n",
    "\u8c22\u8c22",
    " please",
    " and that is all.",
]


def with_luhn(digits: str) -> str:
    return next(digits + last for last in "0123456789" if passes_luhn(digits + last))


def with_mod97(country: str, account: str) -> str:
    return next(
        code
        for check in range(2, 99)
        for code in [f"{country}{check:02}{account}"]
        if passes_mod97(code)
    )


def any_digits(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=least, max_size=most)


numbers = st.one_of(
    any_digits(12, 18).map(with_luhn),
    any_digits(9, 10).map("0{}".format),
    any_digits(9, 12).map("+49{}".format),
    st.sampled_from(["DE", "FR", "PL", "NO"]).flatmap(
        lambda country: st.builds(
            with_mod97,
            st.just(country),
            any_digits(LENGTHS[country] - 4, LENGTHS[country] - 4),
        )
    ),
)
separators = st.one_of(
    st.sampled_from([*DASHES, *SPACES, *INVISIBLE, ".", "/", " / ", " - "]),
    st.builds("{}{}{}".format, *(st.sampled_from([*INVISIBLE, *SPACES, *DASHES]) for _ in "abc")),
)


@st.composite
def spelled(draw: st.DrawFn, number: str) -> str:
    """Cut a number into groups, put separators between them, and choose a script of digits."""
    script = draw(st.sampled_from(DIGITS)) if number.isdecimal() else DIGITS[0]
    parts: list[str] = []
    while number:
        length = draw(st.integers(1, 6))
        group, number = number[:length], number[length:]
        parts.append("".join(script[int(sign)] if sign.isdigit() else sign for sign in group))
        parts.append(draw(separators) if number else "")
    return "".join(parts)


@given(number=numbers, before=st.sampled_from(BEFORE), after=st.sampled_from(AFTER), data=st.data())
def test_a_number_is_removed_completely_in_any_spelling(
    number: str, before: str, after: str, data: st.DataObject
) -> None:
    written = data.draw(spelled(number))
    # Prices, dates and times stay: a number may look like a list of them.
    assume(not re.search(r"\d\.\d\d(?!\d)|\d[./-]\d{1,2}[./-]\d", fold(written).text))

    left = said(f"{before}{written}{after}")

    assert not re.search(r"\d", fold(left).text), (written, left)
    assert fold(left).text.startswith(fold(before).text.rstrip("( "))
    assert left.endswith(after)


LABELS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=12)


@given(
    local=LABELS, domain=LABELS, before=st.sampled_from(BEFORE), after=st.sampled_from(AFTER),
    invisible=st.sampled_from(INVISIBLE), at=st.sampled_from(["@", "\uff20", "\ufe6b"]),
)  # fmt: skip
def test_an_email_address_is_removed_completely_in_any_spelling(
    local: str, domain: str, before: str, after: str, invisible: str, at: str
) -> None:
    written = f"{local}{invisible}{at}{invisible}{domain}{invisible}.com"

    left = said(f"{before}{written}{after}")

    assert local not in left.removeprefix(before).removesuffix(after)
    assert domain not in left.removeprefix(before).removesuffix(after)
    assert left.endswith(after)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("It is 06\u201112\u201134\u201156\u201178, call me.", "It is [PHONE], call me."),
        ("078\u201205\u20121120", "[NATIONAL_ID]"),
        ("alice@\u200bexample.com", "[EMAIL]"),
        ("DE89\u20113704\u20110044\u20110532\u20110130\u201100", "[IBAN]"),
        ("4\ufe0f\u20e35\ufe0f\u20e33201511283036\u2076\u2076", "[CARD]"),
        ("\u7535\u8bdd\u662f13800138000\u8c22\u8c22", "\u7535\u8bdd\u662f[PHONE]\u8c22\u8c22"),
        ("06.12.34 56 78", "[PHONE]"),
        ("4532.01 5111 2830366", "[CARD]"),
        ("0170|123|4567, call me; 0170~1234567", "[PHONE], call me; [PHONE]"),
    ],
)  # fmt: skip
def test_unusual_spellings_are_removed(text: str, left: str) -> None:
    assert said(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "The flat has 1200 m\u00b2, the garden 350 m\u00b2, the park 9000 m\u00b2.",
        "Nous avons pay\u00e9 1\u202f250\u202f000\u00a0\u20ac en 2019\u20132021.",
        "Es kostet 1'250'000 Franken \u2013 nicht 12\u00bd.",
        "\u05e9\u05dc\u05d5\u05dd \u200f\u2013 caf\u00e9 na\u00efve e\u0301te\u0301 \u200b\u200d.",
        "From 10:30 \u2013 12:45, on 02/03/2024 3 parcels came, at 49.99 each.",
        "49.99 59.99 69.99",
        "Since 2019\u20132021, at 10\u201315 \u00b0C, 3rd floor, 75 m\u00b2.",
    ],
)
def test_a_text_without_personal_data_is_left_as_it_was_written(text: str) -> None:
    assert said(text) == text


@given(st.text(st.characters(exclude_categories=["Cs", "Nd", "No", "Nl"]), max_size=60))
def test_a_text_without_digits_and_addresses_is_left_as_it_was_written(text: str) -> None:
    assume("@" not in fold(text).text and "." not in fold(text).text)

    assert said(text) == text


@given(st.text(st.characters(exclude_categories=["Cs", "No"]), max_size=40))
@example("e\u0301\u200b\ufb01\u00df1")
def test_each_position_in_the_copy_maps_back_to_the_text(text: str) -> None:
    folded = fold(text)

    assert list(folded.places) == sorted(folded.places)
    for place, sign in enumerate(folded.text):
        begin, end = folded.original(place, place + 1)
        assert 0 <= begin < end <= len(text)
        assert sign in fold(text[begin:end]).text


def test_the_words_of_a_number_are_removed_with_their_invisible_characters() -> None:
    words = (
        Word(0, 90, "It\u2019s"),
        Word(100, 190, "06\u201112\u200b"),
        Word(200, 290, "345678\u00ad."),
    )
    turn = Turn("customer", 0, 300, "It\u2019s 06\u201112\u200b 345678\u00ad.", words)

    found = redact([turn])

    assert found.turns[0].text == "It\u2019s [PHONE]."
    assert found.turns[0].words[1] == Word(100, 290, "[PHONE].")
