"""The recorded calls, from packets to results, compared with what was said in them."""

import json

import pytest

from benchmarks.speech.accuracy import compare, judge_call
from benchmarks.speech.spoken_calls import rates_for, record, result_of
from calls.analysis.providers.local.provider import LocalProvider
from calls.simulation.scripts import DEMO_CALLS, recording_slugs
from calls.tests.audio import carry_to_end

pytest.importorskip("jiwer", reason="needs requirements-dev.txt")
TRUTH = {
    "id": "short",
    "sentiment": "NEUTRAL",
    "trend": "steady",
    "personal": [{"turn": 1, "kind": "ACCOUNT", "text": "four four one nine"}],
    "turns": [
        {"speaker": "agent", "begin_ms": 0, "end_ms": 1000, "text": "Your number, please?"},
        {"speaker": "customer", "begin_ms": 2000, "end_ms": 4000, "text": "Four four one nine."},
    ],
}


def document(*, customer_text="[ACCOUNT].", begin_ms=2000, redactions=((2000, 4000),)):
    agent, customer = TRUTH["turns"]
    return {
        "turns": [agent, {**customer, "begin_ms": begin_ms, "text": customer_text}],
        "sentiment": {"overall": {"customer": {"label": "NEUTRAL"}}, "trend": {}},
        "talk": {"agent": {"total_ms": 1100}, "customer": {"total_ms": 1500}},
        "redactions": [{"begin_ms": begin, "end_ms": end} for begin, end in redactions],
    }


def test_edges_and_talk_time_are_measured_from_the_truth():
    score = judge_call(TRUTH, document(begin_ms=2600))

    assert (score.begin_ms, score.end_ms) == ((0, 600), (0, 0))
    assert score.in_time == 1
    assert score.talk_off == pytest.approx({"agent": 0.1, "customer": -0.25})


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("[ACCOUNT].", 1),
        ("It is [ACCOUNT] 19.", 1),
        ("It is [ACCOUNT] 4 1 9.", 0),
        ("It is four, four, one [ACCOUNT].", 0),
        ("Nothing was found.", 0),
    ],
)
def test_an_item_is_gone_if_no_three_digits_of_it_are_left(text, redacted):
    assert judge_call(TRUTH, document(customer_text=text)).redacted == redacted


def test_a_redaction_where_nothing_was_planted_is_needless():
    score = judge_call(TRUTH, document(redactions=((2100, 3000), (0, 900))))

    assert score.false_positives == 1


def test_a_missing_turn_does_not_count_as_in_time():
    found = document()
    found["turns"] = found["turns"][:1]

    score = judge_call(TRUTH, found)

    assert (score.in_time, score.turns, score.redacted) == (1, 2, 0)
    assert [bar.passed for bar in compare([score])][-2:] == [False, True]


@pytest.mark.speech
@pytest.mark.django_db
@pytest.mark.parametrize("loss", [0.0, 0.02], ids=["a perfect line", "a bad line"])
@pytest.mark.slow
def test_recorded_calls_are_analysed_as_well_as_promised(loss, settings, tmp_path):
    pytest.importorskip("faster_whisper", reason="needs requirements-speech.txt")
    settings.MEDIA_ROOT = tmp_path
    scores = []
    for slug in recording_slugs():
        call = record(slug, rates_for(loss))
        found = result_of(carry_to_end(call, LocalProvider()))
        scores.append(judge_call(json.loads((DEMO_CALLS / f"{slug}.json").read_text()), found))

    assert [str(bar) for bar in compare(scores) if not bar.passed] == []
    assert all(score.turns_found == score.turns for score in scores)
