"""What may be shown of a live call, by example."""

from __future__ import annotations

import re

import pytest

from calls.redaction import redact
from calls.redaction.live import QUIET_MS, LiveWords, clear
from calls.tests.redaction.live_calls import leaks, utterance


def shown(*said: str, language: str = "en", later_ms: int = 300) -> list[str | None]:
    """Return what is shown after "a: ..." (agent) and "c: ..." (customer), with short pauses."""
    speakers = {"a": "agent", "c": "customer"}
    utterances: list[LiveWords] = []
    at_ms = 0
    for each in said:
        utterances.append(utterance(speakers[each[0]], at_ms, each[3:]))
        at_ms = utterances[-1].end_ms + 500
    return clear(utterances, language=language, now_ms=utterances[-1].end_ms + later_ms)


@pytest.mark.parametrize(
    "text",
    [
        "Good morning, how can I help you?",
        "I was charged twice, and nobody answers my e-mails.",
        "It took 30 days and cost 45 euros.",
        "Two engineers came by and left again after a moment.",
        "Really? Oh, thank goodness.",
        "Please confirm your e-mail address.",
        "I will do it at once.",
        "That is the one.",
        "",
    ],
)
def test_ordinary_sentences_are_shown_at_once(text):
    assert shown(f"c: {text}") == [text]


@pytest.mark.parametrize(
    "text",
    [
        "My card number is four five",
        "It is 45",
        "That is double",
        "the letters are J B",
        "write to maria dot lopez",
        "My e-mail is maria",
        "I was born in May",
        "vierundfünfzig zweiunddreißig",
        "cuatro cinco tres",
    ],
)
def test_words_that_may_become_personal_data_are_held_back(text):
    assert shown(f"c: {text}") == [None]


def test_a_number_is_shown_as_a_mark_when_its_speaker_continues_with_something_else():
    assert shown("c: My card is 4532 0151", "c: 1283 0366 and I would like to cancel it") == [
        "My card is [CARD]",
        "[CARD] and I would like to cancel it",
    ]


def test_a_number_is_shown_as_a_mark_when_the_other_side_continues_with_something_else():
    said = ["a: What is your card number?", "c: four five three two", "a: Mm-hm.", "c: oh one"]

    assert shown(*said) == ["What is your card number?", None, "Mm-hm.", None]
    assert shown(*said, "a: Thank you, I have found your contract.")[1::2] == ["[CARD]", "[CARD]"]


def test_a_number_is_shown_as_a_mark_when_nobody_speaks():
    said = ["a: What is your card number?", "c: four five three two"]

    assert shown(*said, later_ms=QUIET_MS - 1)[1] is None
    assert shown(*said, later_ms=QUIET_MS)[1] == "[CARD]"


def test_repetitions_by_the_listener_are_held_back_with_the_number():
    said = ["a: Your card number?", "c: four five three", "a: four five three", "c: two oh one"]

    assert shown(*said)[1:] == [None, None, None]
    released = shown(*said, "a: Thank you, that is all that I need.")
    assert released[1:4] == ["[CARD]", "[CARD]", "[CARD]"]


def test_a_long_number_that_no_rule_calls_harmless_stays_masked():
    assert shown("c: I saw 88123 on the screen, and then it was gone") == [
        "I saw [NUMBER] on the screen, and then it was gone"
    ]
    assert shown("c: My order number is 88123 and it has not come") == [
        "My order number is 88123 and it has not come"
    ]


def test_pieces_separated_by_nods_are_one_number():
    said = ["c: it says 45", "a: Yes.", "c: 32", "a: Okay.", "c: 01 and then nothing more at all"]

    assert shown(*said) == [
        "it says [NUMBER]",
        "Yes.",
        "[NUMBER]",
        "Okay.",
        "[NUMBER] and then nothing more at all",
    ]


def test_a_number_is_masked_where_it_was_shown_before_as_soon_as_it_is_known_to_be_personal():
    said = ["c: That is about ticket 4471982 of last week", "a: And what is your phone number?"]
    answer = "c: oh seven seven double oh, 4471982, and nothing else besides"

    assert shown(*said)[0] == "That is about ticket 4471982 of last week"
    assert shown(*said, answer)[0] == "That is about ticket [PHONE] of last week"


def test_numbers_beyond_the_transcribed_time_are_held_back():
    said = [
        utterance("agent", 5_000, "So 12 of them were lost in all."),
    ]
    plain = [utterance("agent", 5_000, "So all of them were lost.")]

    assert clear(said, language="en", now_ms=4_000) == [None]
    assert clear(plain, language="en", now_ms=4_000) == ["So all of them were lost."]


def test_a_call_in_an_unknown_language_is_redacted_by_the_rules_of_all():
    answer = ["a: Kundennummer?", "c: vier vier sieben eins"]

    assert shown(*answer, language="", later_ms=QUIET_MS)[1] == "[ACCOUNT]"


def test_numbers_in_words_of_another_language_are_masked():
    said = ["c: okay vierundfünfzig zweiunddreißig and that is really all there is"]

    assert shown(*said) == ["okay [NUMBER] and that is really all there is"]


def test_typographic_signs_stay_where_they_are():
    assert shown(
        "c: It\u2019s \u201c4532\u201110151283\u201d \u2013 that\u2019s what it says here"
    ) == ["It\u2019s \u201c[CARD]\u201d \u2013 that\u2019s what it says here"]


def test_a_conversation_that_is_remembered_gives_the_same_as_a_new_one():
    said = [
        utterance("agent", 0, "What is your card number?"),
        utterance("customer", 3_000, "4532 0151 1283 0366"),
        utterance("agent", 9_000, "Thank you, I have it now."),
    ]
    grown = [clear(said[:end], language="en", now_ms=60_000) for end in (1, 2, 3, 2, 3)]

    assert grown[2] == grown[4] == clear(said, language="en-GB", now_ms=60_000)
    assert grown[1] == grown[3] == grown[2][:2]


def test_a_call_without_words_shows_nothing():
    assert clear([], language="en", now_ms=0) == []


FILLER = "and then nobody called me back for a whole week"


def monologue(length):
    """Return what one side says without a pause until it has said so many characters."""
    said: list[LiveWords] = []
    while sum(len(each.text) for each in said) < length:
        said.append(utterance("customer", said[-1].end_ms + 300 if said else 0, FILLER))
    return said


@pytest.mark.parametrize("length", range(1_850, 2_150, 50))
def test_a_number_late_in_a_long_monologue_is_never_shown(length):
    said = monologue(length)
    digits = ["so my card is 4532", "0151", "1283", "0366 and that is it"]
    for text in digits:
        said.append(utterance("customer", said[-1].end_ms + 300, text))
        now = clear(said, language="en", now_ms=said[-1].end_ms + 300)

        assert not re.search(r"\d", " ".join(filter(None, now)))

    assert now[-1] == "[CARD] and that is it"


def test_another_word_costs_the_same_however_long_somebody_has_talked(monkeypatch):
    read: list[int] = []
    find = redact.find_personal_data
    monkeypatch.setattr(
        redact,
        "find_personal_data",
        lambda text, *args, **kwargs: read.append(len(text)) or find(text, *args, **kwargs),
    )

    def characters_read(said):
        read.clear()
        for end in range(len(said) - 40, len(said) + 1):
            clear(said[:end], language="en", now_ms=said[end - 1].end_ms + 300)
        # The first of them may read everything.
        return sum(read[len(read) // 2 :])

    assert characters_read(monologue(20_000)) < 2 * characters_read(monologue(4_000))


@pytest.mark.parametrize(
    ("first", "last", "answer"),
    [
        ("c: The IBAN was on it.", "c: GB82 WEST 1234 5698", ""),
        ("c: My e-mail address, well.", "c: it was maria lopez at gmail com", ""),
        ("c: That is about the sort code.", "c: it said 12-34-56 there", ""),
        ("c: My card, you know.", "c: it expires on the thirtieth of June", ""),
        ("c: My card ends in 366.", "c: and that is all", "a: 366, thank you."),
        ("a: What is your account number?", "a: take your time please", "c: 12 34"),
        ("a: Can I have your e-mail?", "a: take your time please", "c: maria posteo net"),
        ("a: What is your card number?", "a: or the order number?", "c: 5512345"),
    ],
)
def test_a_cue_from_minutes_ago_in_the_same_turn_still_counts(first, last, answer):
    speakers = {"a": "agent", "c": "customer"}
    said = [first, *[f"{first[0]}: {FILLER}"] * 60, last, *([answer] if answer else [])]
    utterances: list[LiveWords] = []
    for each in said:
        begin_ms = utterances[-1].end_ms + 300 if utterances else 0
        utterances.append(utterance(speakers[each[0]], begin_ms, each[3:]))

    assert leaks(utterances) == []
