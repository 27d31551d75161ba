"""The local models judge English. What is said in another language gets no sentiment."""

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
def test_another_language_is_not_judged_though_the_site_is_english(text: str) -> None:
    said = understood(text, "[PHONE]")

    assert said.sentiments == (None, None)
    assert "this site judges English only" in said.skipped[-1].reason


def test_english_is_judged_though_the_site_is_german() -> None:
    said = understood(ENGLISH, "No.", language="de-AT")

    assert [sentiment.label for sentiment in said.sentiments if sentiment] == [
        "NEGATIVE",
        "NEUTRAL",
    ]
    assert "sentiment" not in [skipped.stage for skipped in said.skipped]


def test_a_declared_language_counts_if_the_words_do_not_tell() -> None:
    assert understood("Hallo?", language="de").sentiments == (None,)
    assert understood("Hello?", language="en-GB").sentiments != (None,)
    assert understood("Hello?", language="").sentiments != (None,)


def test_one_side_may_speak_english_and_the_other_not() -> None:
    texts = [GERMAN, "How can I help you with that?", "Nein.", "Please hold the line."]
    said = understood(*texts)

    figures = measure(conversation(texts), said.sentiments, {}, 4_000).sentiment

    assert [sentiment is None for sentiment in said.sentiments] == [True, False, True, False]
    assert list(figures.overall) == list(figures.trend) == list(figures.by_quarter) == ["agent"]
    assert said.skipped[-1].reason.startswith("Sentiment not known in 2 of 4 turns (German)")


def test_a_call_without_turns_skips_nothing_for_its_language() -> None:
    assert "sentiment" not in [skipped.stage for skipped in understood(language="fr").skipped]
