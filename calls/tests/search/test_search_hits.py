"""Hits: where in a call the words are, and which part of the text is shown."""

from __future__ import annotations

import pytest

from calls.analysis import stages
from calls.analysis.recording.material import load_material
from calls.conversation import Sentiment, Understanding
from calls.ingest.record import record_packets
from calls.models import Analysis, Call, Note, Stage
from calls.redaction.redact import redact
from calls.search.hits import EXCERPT_LENGTH, cut, find_hits
from calls.search.query import parse
from calls.services import end_call
from calls.tests import one_call
from calls.tests.factories import attempt, claim, packet


def analysed_with_card(number: str) -> Call:
    """A call in which a card number is said, after the real analysis."""
    said = [
        ("agent", "What is your card number?"),
        ("customer", f"Sure, it is {number}."),
        ("agent", f"So {number}, thank you."),
    ]
    record_packets(
        [packet("card", at, text, track=track, timestamp=at * 5.0)
         for at, (track, text) in enumerate(said, 1)]
    )  # fmt: skip
    call = end_call(call_id="card")
    lease = claim()
    material = load_material(call)
    heard = stages.Transcription(material.turns, {}, material.duration_ms, "text")
    fields = stages.transcript_fields(heard, material, call=call, provider="fake")
    transcript = one_call.save_transcript(lease, attempt(lease), **fields)
    redacted = redact(stages.turns_from_json(transcript.turns))
    moods = tuple(Sentiment("NEUTRAL", 0.0) for _ in redacted.turns)
    verdict = Understanding(moods, summary="A card.", keywords=(), model="fake-1")
    found = stages.analysis_fields(transcript, redacted, verdict, "fake")
    one_call.archive(lease, attempt(lease, Stage.UNDERSTAND), **found)
    return Call.objects.get(pk=call.pk)


def hits(query: str, *turns: str, summary: str = "", limit: int | None = None):
    said = [
        {"speaker": ("agent", "customer")[at % 2], "begin_ms": at, "end_ms": at + 1, "text": text}
        for at, text in enumerate(turns)
    ]
    return find_hits(Analysis(turns=said, summary=summary), parse(query), limit=limit)


def marked(query: str, *turns: str, **options) -> list[str]:
    return [
        "".join(f"<{text}>" if is_match else text for text, is_match in hit.excerpt.pieces)
        for hit in hits(query, *turns, **options).best
    ]


@pytest.mark.parametrize(
    ("query", "turn", "shown"),
    [
        ("refund", "A Refund, please.", ["A <Refund>, please."]),
        ("e-mail", "by e-mail or mail", ["by <e-mail> or mail"]),
        ("don't", "I don\u2019t know", ["I <don\u2019t> know"]),
        ("canc* i", "I cancelled it", ["<I> <cancelled> it"]),
        ('"thank you" you', "thank you", ["<thank you>"]),
        ("cafe", "Cafe\u0301 au lait", ["<Cafe\u0301> au lait"]),
        ('"is ok"', "it is [CARD] ok", []),
        ("a -b", "b is here, a too", ["b is here, <a> too"]),
        ("customer:a", "a", []),
        ('"x y x"', "x y x y x", ["<x y x y x>"]),
        ("<script>", "a <script>alert(1)</script>", ["a <<script>>alert(1)</<script>>"]),
    ],
)
def test_the_matching_words_are_marked(query, turn, shown):
    assert marked(query, turn) == shown


def test_findings_come_before_turns_and_have_no_time():
    found = hits("refund", "refund", summary="A refund.")

    assert [(hit.where, hit.turn, hit.begin_ms) for hit in found.best] == [
        ("summary", None, None),
        ("agent", 0, 0),
    ]


def test_each_finding_names_its_kind():
    analysis = Analysis(
        turns=[],
        summary="A refund.",
        insights={"next_step": "Send the refunds.", "mood": "Calm."},
        keywords=["calm", "refunding"],
    )

    found = find_hits(analysis, parse("refun*"))

    assert [(hit.where, hit.name, hit.text) for hit in found.best] == [
        ("summary", "", "A refund."),
        ("insight", "next_step", "Send the refunds."),
        ("keyword", "", "refunding"),
    ]


def test_a_note_is_shown_by_its_author_before_what_was_said():
    note = Note(pk=7, text="Promised a refund.", author="ana")
    turns = [{"speaker": "agent", "begin_ms": 0, "end_ms": 1, "text": "A refund?"}]

    found = find_hits(Analysis(turns=turns, summary=""), parse("refund"), notes=[note])
    elsewhere = find_hits(Analysis(turns=turns, summary=""), parse("agent:refund"), notes=[note])

    assert [(hit.where, hit.name, hit.note) for hit in found.best] == [
        ("note", "ana", 7),
        ("agent", "", None),
    ]
    assert [hit.where for hit in elsewhere.best] == ["agent"]


def test_a_finding_that_repeats_the_summary_is_not_another_hit():
    analysis = Analysis(
        turns=[],
        summary="A refund. Paid.",
        insights={"a": "A refund."},
        keywords=["refund", "refunds"],
    )

    found = find_hits(analysis, parse("refun*"))

    assert [hit.text for hit in found.best] == ["A refund. Paid.", "refunds"]


def test_turns_with_more_of_the_words_rank_higher():
    turns = ["refund", "cancel", "refund or cancel", "cancel the refund"]

    found = hits("refund cancel", *turns, limit=2)

    assert [hit.turn for hit in found.best] == [2, 3]
    assert (found.count, found.more) == (4, 2)


@pytest.mark.parametrize("at", [0, 1, 50, 399])
def test_an_excerpt_holds_the_match_and_whole_words(at):
    words = ["word"] * 400
    words[at] = "match"
    text = " ".join(words)
    begin = text.index("match")

    excerpt = cut(text, [(begin, begin + 5)])

    ((first, last),) = excerpt.spans
    assert excerpt.text[first:last] == "match"
    assert set(excerpt.text.strip("…").split()) == {"word", "match"}
    assert len(excerpt.text) <= EXCERPT_LENGTH + 2


def test_a_match_longer_than_an_excerpt_is_cut_with_it():
    text = "x" * 1000

    excerpt = cut(text, [(0, 1000)])

    assert excerpt.spans == ((0, EXCERPT_LENGTH),)
    assert len(excerpt.text) == EXCERPT_LENGTH + 1
