"""Whole calls, cut into utterances anywhere and revealed one by one."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.speech.text_scripts import text_scripts
from calls.redaction.live import LiveWords, clear
from calls.simulation.scripts import DEMO_CALLS
from calls.tests.redaction.live_calls import kept_words, leaks, reveal, utterance
from calls.tests.redaction.number_words import IN_WORDS
from calls.tests.redaction.test_languages import GONE

PAUSES_MS = (200, 700, 1_200, 2_500)


def cut(said, rng: random.Random, chance: float) -> list[LiveWords]:
    """Return utterances that end after any word, and at the end of each turn."""
    found: list[LiveWords] = []
    at_ms = 0
    for speaker, text in said:
        words = text.split()
        begin = 0
        for end in range(1, len(words) + 1):
            if end == len(words) or rng.random() < chance:
                found.append(utterance(speaker, at_ms, " ".join(words[begin:end])))
                at_ms = found[-1].end_ms + rng.choice(PAUSES_MS)
                begin = end
    return found


@pytest.mark.parametrize("script", text_scripts(), ids=lambda script: script.name)
@pytest.mark.parametrize("chance", [0.2, 1])
def test_no_script_shows_what_its_redaction_removes(script, chance):
    said = [(turn.speaker, turn.text) for turn in script.turns]

    utterances = cut(said, random.Random(script.name), chance)

    assert leaks(utterances, language="en" if chance == 1 else "", pauses=chance == 1) == []


GREETINGS = {
    "de": "Guten Tag, wie kann ich Ihnen helfen? Ich brauche von Ihnen noch etwas.",
    "fr": "Bonjour, comment est-ce que je peux vous aider? C'est pour votre contrat.",
    "es": "Buenos d\u00edas, \u00bfen qu\u00e9 puedo ayudarle? Yo necesito una cosa para usted.",
}
# A name in front of an address that nobody asked for or announced may be shown.
NUMBERS_GONE = [each for each in GONE if "[EMAIL]" not in each[3]]


@pytest.mark.parametrize(("language", "question", "text", "left"), NUMBERS_GONE)
@pytest.mark.parametrize("declared", [True, False])
def test_no_language_shows_what_its_redaction_removes(language, question, text, left, declared):
    said = [("agent", f"{GREETINGS[language]} {question}"), ("customer", text)]

    for chance in (0.3, 1):
        utterances = cut(said, random.Random(text), chance)
        assert leaks(utterances, language=language if declared else "") == []


def test_this_test_detects_redaction_that_comes_too_late():
    said = [("customer", "My card number is 4532 0151 1283 0366")]
    utterances = cut(said, random.Random(1), 0)

    assert kept_words(utterances, "en", pauses=True) == [Counter(["my", "card", "number", "is"])]


NODS = ("Mm-hm.", "Yes.", "Okay, go on.", "Right.")
SAYINGS = (
    "I have been waiting for a very long time.",
    "That costs twenty nine euros a month.",
    "My order number is 77310914.",
    "I called you two days ago about it.",
    "It arrived at half past three.",
    "You charged me 45 pounds twice.",
    "Thank you, that is very kind of you.",
)
QUESTIONS = (
    "What is your card number?",
    "Can you give me your phone number?",
    "Your account number, please.",
    "What is your date of birth?",
    "And the security code on the back?",
    "Could you read me the IBAN?",
    "What is your e-mail address?",
    "What is your order number?",
)
ADDRESSES = (
    "maria dot lopez at example dot com",
    "j underscore brandt 71 at web dot de",
    "It's t o m at gmail dot com",
)
LEAD_INS = ("", "It is ", "Yes, sure, it's ", "My number is ", "Hold on. ")
DATES = ("The fourth of May nineteen eighty five.", "12 March 1971.", "3/11/1968")
IBANS = (
    "DE89 3704 0044 0532 0130 00",
    "A T six one one nine oh four three double oh two three four",
)


@st.composite
def numbers(draw) -> str:
    digits = draw(st.text("0123456789", min_size=3, max_size=16))
    if draw(st.booleans()):
        size = draw(st.sampled_from([1, 2, 4]))
        return " ".join(digits[n : n + size] for n in range(0, len(digits), size))
    in_words = IN_WORDS["en"]
    return " ".join(in_words(int(digit)) for digit in digits)


@st.composite
def exchanges(draw) -> list[tuple[str, str]]:
    """A question, the answer in pieces with nods in between, and a repetition."""
    answer = draw(numbers() | st.sampled_from([*ADDRESSES, *DATES, *IBANS]))
    words = (draw(st.sampled_from(LEAD_INS)) + answer).split()
    edges = sorted(draw(st.sets(st.integers(1, max(1, len(words) - 1)), max_size=3)))
    said = [("agent", draw(st.sampled_from(QUESTIONS)))] if draw(st.booleans()) else []
    if answer in ADDRESSES:  # a name alone is none
        said = [("agent", "What is your e-mail address?")]
    for begin, end in zip([0, *edges], [*edges, len(words)], strict=True):
        if piece := " ".join(words[begin:end]):
            said.append(("customer", piece))
        if draw(st.booleans()):
            said.append(("agent", draw(st.sampled_from([*NODS, piece or "Yes."]))))
    if draw(st.booleans()):
        said.append(("agent", f"So that is {answer}, thank you."))
    return said


@st.composite
def conversations(draw) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = [("agent", "Good morning, how can I help you today?")]
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            speaker = draw(st.sampled_from(["agent", "customer"]))
            said.append((speaker, draw(st.sampled_from(SAYINGS))))
        said += draw(exchanges())
    return said


@given(conversations(), st.randoms(use_true_random=False), st.sampled_from([0, 0.2, 1]))
@settings(max_examples=25, deadline=None)
def test_no_conversation_shows_what_its_redaction_removes(said, rng, chance):
    assert leaks(cut(said, rng, chance)) == []


REPEATED = [
    ("agent", "I have been waiting for a very long time."),
    ("agent", "What is your e-mail address?"),
    ("customer", "It"),
    ("agent", "Mm-hm."),
    ("customer", "is maria dot lopez at example dot"),
    ("customer", "com"),
    ("agent", "So that is maria dot lopez at example dot com, thank you."),
    ("customer", "zero zero zero"),
]


@pytest.mark.parametrize("seed", range(40))
def test_an_address_that_the_other_side_repeats_is_held_back_from_its_first_word_on(seed):
    assert leaks(cut(REPEATED, random.Random(seed), 0.2)) == []


def demo_calls() -> Iterator[list[LiveWords]]:
    for path in sorted(DEMO_CALLS.glob("*.json")):
        turns = json.loads(path.read_text())["turns"]
        yield [LiveWords(t["speaker"], t["begin_ms"], t["end_ms"], t["text"]) for t in turns]


def test_most_words_of_the_recorded_calls_are_shown_at_once():
    at_once = [
        shown[number - 1] is not None for call in demo_calls() for number, shown in reveal(call)
    ]

    assert sum(at_once) >= 0.9 * len(at_once)


def test_nothing_is_held_back_permanently():
    for call in demo_calls():
        assert None not in clear(call, language="en", now_ms=10**9)


@given(st.lists(st.sampled_from(SAYINGS[:1] + SAYINGS[-1:]), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None)
def test_ordinary_sentences_are_shown_at_once(texts):
    said = [("customer", text) for text in texts]

    for number, shown in reveal(cut(said, random.Random(1), 0)):
        assert shown[:number] == texts[:number]
