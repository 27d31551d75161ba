"""Live utterances as JSON: redacted for everybody, and with swapped speakers if need be."""

import pytest

from calls.analysis.live.documents import (
    live_transcript_document,
    progress_document,
    utterance_document,
)
from calls.models import LiveTranscription
from calls.tests.analysis.live.utterances import next_revision, utter
from calls.tests.factories import live_call

pytestmark = pytest.mark.django_db


@pytest.fixture
def call():
    return live_call()


def test_an_utterance_shows_its_redacted_text(call):
    said = utter(call, "I am Ann Smith.", shown="I am [NAME].", sentiment="NEUTRAL", score=0.5)

    assert utterance_document(said, swapped=False) == {
        "id": said.pk,
        "revision": 1,
        "speaker": "agent",
        "begin_ms": 0,
        "end_ms": 800,
        "text": "I am [NAME].",
        "held_back": False,
        "sentiment": "NEUTRAL",
        "score": 0.5,
    }


def test_an_utterance_that_is_held_back_has_no_text(call):
    document = utterance_document(utter(call, "4 1 1 1", shown=None), swapped=False)

    assert (document["text"], document["held_back"]) == (None, True)
    assert (document["sentiment"], document["score"]) == (None, None)


def test_swapped_speakers_are_exchanged_everywhere(call):
    said = utter(call)
    next_revision(
        call,
        partial={"customer": "and"},
        figures={"talk": {"agent": {"total_ms": 1}, "customer": {"total_ms": 2}}},
    )
    live = LiveTranscription.objects.get(call=call)

    progress = progress_document(live, swapped=True)

    assert utterance_document(said, swapped=True)["speaker"] == "customer"
    assert progress["partial"] == {"agent": "and"}
    assert progress["figures"]["talk"]["customer"] == {"total_ms": 1}
    assert progress_document(live, swapped=False)["partial"] == {"customer": "and"}


def test_a_live_transcript_has_the_turns_so_far_in_order(call):
    utter(call, "Second.", begin_ms=5000, end_ms=6000)
    utter(call, "First.", speaker="customer", begin_ms=100, end_ms=900)
    utter(call, "")
    next_revision(call, heard_until_ms=7000, skipped=[[2000, 4000]])

    document = live_transcript_document(call)

    assert [turn["text"] for turn in document["turns"]] == ["First.", "Second."]
    assert document["turns"][0] == {
        "speaker": "customer",
        "begin_ms": 100,
        "end_ms": 900,
        "text": "First.",
        "words": [],
        "sentiment": None,
        "score": None,
    }
    assert (document["live"], document["redacted"], document["revision"]) == (True, True, 4)
    assert (document["heard_until_ms"], document["skipped"]) == (7000, [[2000, 4000]])


def test_only_an_unredacted_live_transcript_has_what_is_held_back(call):
    utter(call, "I am Ann.", shown="I am [NAME].")
    utter(call, "4 1 1 1", shown=None)

    redacted = live_transcript_document(call)
    raw = live_transcript_document(call, redacted=False)

    assert [turn["text"] for turn in redacted["turns"]] == ["I am [NAME]."]
    assert [turn["text"] for turn in raw["turns"]] == ["I am Ann.", "4 1 1 1"]
    assert raw["redacted"] is False


def test_a_call_without_live_words_has_no_live_transcript(call):
    assert live_transcript_document(call) is None

    utter(call, "")

    assert live_transcript_document(call) is None
