"""The local models know only English. Other languages get no sentiment."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from calls.analysis.metrics import measure
from calls.analysis.providers.local.understanding import understand_locally
from calls.conversation import Speaker, Turn, Understanding

ARABIC = "\u0623\u0646\u0627 \u063a\u0627\u0636\u0628 \u062c\u062f\u0627 \u0644\u0642\u062f"
GERMAN = "Ich bin sehr ver\u00e4rgert, ich m\u00f6chte k\u00fcndigen und mein Geld zur\u00fcck."
ENGLISH = "I am very angry, you took the money twice."


def understood(*texts: str, language: str = "en") -> Understanding:
    return understand_locally(conversation(texts), language=language)


def conversation(texts: Sequence[str]) -> list[Turn]:
    speakers: tuple[Speaker, Speaker] = ("customer", "agent")
    return [Turn(speakers[n % 2], 1_000 * n, 1_000 * n + 900, text) for n, text in enumerate(texts)]


@pytest.mark.parametrize("text", [ARABIC, GERMAN])
def test_another_language_gets_no_sentiment_even_on_an_english_site(text: str) -> None:
    said = understood(text, "[PHONE]")

    assert said.sentiments == (None, None)
    assert "this site judges English only" in said.skipped[-1].reason


@pytest.mark.parametrize("text", ["Hallo?", ENGLISH])
def test_a_declared_language_overrides_the_detected_one(text: str) -> None:
    said = understood(text, language="de-AT")

    assert said.sentiments == (None,)
    assert said.unjudged_language == "de"


def test_a_few_words_count_as_english_by_default() -> None:
    assert understood("Hello?", language="en-GB").sentiments != (None,)
    assert understood("Hello?", language="").sentiments != (None,)


@pytest.mark.parametrize(("text", "language"), [(ARABIC, "ar"), (GERMAN, "de")])
def test_a_call_in_another_language_is_quoted_and_gets_no_outcome(text: str, language: str) -> None:
    said = understood(text, text + " Danke.", "Auf Wiederh\u00f6ren, ich sage es den Kollegen.")

    assert (said.summary_kind, said.unjudged_language) == ("quotes", language)
    assert said.summary.startswith(f"Customer: \u201c{text}")
    assert (said.insights, said.keywords) == ({}, ())


def test_one_side_may_speak_english_and_the_other_not() -> None:
    texts = [GERMAN, "How can I help you with that?", "Nein.", "Please hold the line."]
    said = understood(*texts)

    figures = measure(conversation(texts), said.sentiments, {}, 4_000).sentiment

    assert [sentiment is None for sentiment in said.sentiments] == [True, False, True, False]
    assert list(figures.overall) == list(figures.trend) == list(figures.by_quarter) == ["agent"]
    assert said.unjudged_language == "de"
    assert said.skipped[-1].reason.startswith("Sentiment not known in 2 of 4 turns (German)")


def test_a_call_without_turns_skips_nothing_for_its_language() -> None:
    assert "sentiment" not in [skipped.stage for skipped in understood(language="fr").skipped]
