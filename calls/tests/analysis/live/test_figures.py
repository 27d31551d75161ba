"""Sentiment and metrics of a call so far."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from calls.analysis.live.figures import live_figures, score_turns
from calls.analysis.metrics import measure
from calls.conversation import Label, Sentiment, Span, Speaker, Turn


@dataclass(frozen=True)
class Said:
    speaker: Speaker
    begin_ms: int
    end_ms: int
    text: str
    sentiment: Label | str = ""
    score: float | None = None


CALL = [
    Said("agent", 0, 2_000, "Good morning, how can I help?", "POSITIVE", 2.0),
    Said("customer", 2_500, 6_000, "I am furious about this bill", "NEGATIVE", -4.0),
    Said("agent", 5_000, 7_000, "I am sorry to hear that", "NEUTRAL", 0.0),
    Said("customer", 12_000, 15_000, "Thank you, that is wonderful", "POSITIVE", 4.0),
]


def test_the_figures_are_those_of_a_finished_call_that_ends_now():
    turns = [Turn(each.speaker, each.begin_ms, each.end_ms, each.text) for each in CALL]
    scores = [Sentiment(each.sentiment, each.score) for each in CALL]

    figures = live_figures(CALL, duration_ms=16_000, speech={})

    final = measure(turns, scores, {}, 16_000).as_json()
    assert figures["sentiment"]["overall"] == final["sentiment"]["overall"]
    assert figures["sentiment"]["trend"] == {"agent": "steady", "customer": "improving"}
    assert figures["talk"] == final["talk"]
    assert figures["interruptions"] == {"count": 1, "total_ms": 1_000}
    assert figures["non_talk"] == {"total_ms": 5_000, "longest_ms": 5_000}


@pytest.mark.parametrize(
    ("duration_ms", "since"), [(15_000, None), (17_000, None), (18_000, 15_000), (60_000, 15_000)]
)
def test_silence_counts_from_three_seconds(duration_ms, since):
    figures = live_figures(CALL, duration_ms=duration_ms, speech={})

    assert figures["silence_since_ms"] == since


def test_the_detected_speech_decides_about_talk_and_silence():
    speech = {"agent": [Span(0, 2_000)], "customer": [Span(2_500, 4_500)]}

    figures = live_figures(CALL[:2], duration_ms=10_000, speech=speech)

    assert figures["talk"]["customer"]["total_ms"] == 2_000
    assert figures["silence_since_ms"] == 4_500


def test_a_call_without_words_has_figures_too():
    assert live_figures([], duration_ms=0, speech={}) == {
        "sentiment": {"overall": {}, "trend": {}},
        "talk": {},
        "interruptions": {"count": 0, "total_ms": 0},
        "non_talk": {"total_ms": 0, "longest_ms": 0},
        "silence_since_ms": None,
        "unjudged_language": "",
    }


def test_utterances_without_a_score_have_no_sentiment():
    said = [Said("customer", 0, 1_000, "Guten Tag")]

    assert live_figures(said, duration_ms=1_000, speech={})["sentiment"]["overall"] == {}


def score(texts, *, language, heard=()):
    turns = [Turn("customer", 0, 0, text) for text in texts]
    return score_turns(turns, language=language, heard=[*heard, *turns])


def test_only_english_gets_a_sentiment():
    texts = ["I am so angry about this", "Ich bin sehr zufrieden mit dem Service und danke Ihnen"]

    scores = score(texts, language="en")

    assert scores[0] is not None
    assert scores[0].score < 0
    assert scores[1] is None


def test_a_text_of_a_few_words_is_in_the_language_of_the_call():
    assert score(["Okay"], language="de") == [None]
    assert score(["Okay"], language="en") != [None]
    assert score([], language="en") == []


def test_a_text_of_a_few_words_is_in_the_language_of_its_side_so_far():
    before = [Turn("customer", 0, 0, "Ich bin sehr zufrieden mit dem Service und danke Ihnen")]

    assert score(["Okay"], language="en", heard=before) == [None]


@pytest.mark.parametrize(
    ("text", "score", "language"),
    [
        ("Ich bin nicht zufrieden mit dem Service", None, "de"),
        ("I am not happy with the service", None, ""),  # nobody has judged it yet
        ("I am not happy with the service", -2.0, ""),
    ],
)
def test_the_language_of_a_side_without_sentiment_is_named(text, score, language):
    said = [Said("customer", 0, 1_000, text, "" if score is None else "NEGATIVE", score)]

    figures = live_figures(said, duration_ms=1_000, speech={}, language="en")

    assert figures["unjudged_language"] == language
