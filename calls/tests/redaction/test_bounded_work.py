"""The time that redaction takes grows only with the length of the text, whatever it says."""

import time

import pytest

from calls.conversation import Turn, Word
from calls.redaction import live, spoken_numbers
from calls.redaction.redact import redact

SIZE = 20_000
UNITS = ["1234567ab", "12 uh ", "um ", "a -", "zwei und ", "x@", "dot "]
END = " 1 4242 4242 4242 4242 a@b.de example dot com"


@pytest.mark.parametrize("unit", UNITS)
def test_repeated_text_is_redacted_quickly(unit):
    asked = Turn("agent", 0, 1, "What is your card number, your IBAN and your e-mail address?")
    text = (unit * SIZE)[:SIZE] + END
    began = time.process_time()

    redact([asked, Turn("customer", 2, 3, text)], language="en")

    assert time.process_time() - began < 4


def test_many_numbers_among_many_words_are_redacted_quickly():
    spoken = ["1234567" if at % 4 == 0 else "and" for at in range(8_000)]
    words = tuple(Word(at, at + 1, text) for at, text in enumerate(spoken))
    turn = Turn("customer", 0, 8_000, " ".join(spoken), words)
    began = time.process_time()

    found = redact([turn], language="en")

    assert "1234567" not in found.turns[0].text
    assert all("1234567" not in word.text for word in found.turns[0].words)
    assert time.process_time() - began < 5


def test_many_numbers_in_one_word_are_hidden_in_a_live_call():
    spoken_numbers.tokenize.cache_clear()
    began = time.process_time()

    (shown,) = live.clear(
        [live.LiveWords("customer", 0, 900, "1234567ab" * 2_000)], language="en", now_ms=10**7
    )

    assert shown is None or "1234567" not in shown
    assert time.process_time() - began < 5
