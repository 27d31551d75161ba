"""Whatever a provider returns can be stored, and read everywhere."""

import asyncio
import json
from dataclasses import asdict

import pytest
from django.db import DataError, IntegrityError, connection
from hypothesis import given
from hypothesis import strategies as st

from calls.analysis import batches, cleaning
from calls.analysis.cleaning import clean_transcription, clean_understanding
from calls.analysis.providers import ProviderError
from calls.analysis.runner import Runner
from calls.api.downloads import FORMATS
from calls.conversation import Sentiment, Skipped, Span, Transcription, Turn, Understanding, Word
from calls.lifecycle import CallState
from calls.models import Attempt, Call, Transcript
from calls.tests.factories import FakeProvider, archived_call, ended_call, spoken_call

POISON = [
    "Hi \ud83d",
    "\udc00 low first",
    "Hello \0 there",
    "\x1b[31m\x07\x9f",
    "\ufffe\uffff\u2028\u2029",
    "x" * 1_000_000,
    "\0" * 1000,
]
ANY_TEXT = st.text(st.characters())
TIMES = st.integers(-(10**40), 10**40)


class Poisoned(FakeProvider):
    """Puts a text into everything that it returns, with times that no call has."""

    def __init__(self, text):
        super().__init__()
        self.text = text

    async def transcribe(self, audio, *, language):
        word = Word(-5, 10**30, self.text)
        return Transcription(
            (Turn("customer", -(10**30), 10**30, self.text, (word,)),),
            speech={"customer": (Span(-1, 10**30),)},
            duration_ms=10**30,
            model=self.text,
            skipped=(Skipped("transcribe", self.text),),
            request_ids=(self.text,),
        )

    async def understand(self, turns, *, language):
        return Understanding(
            tuple(Sentiment("NEUTRAL", float("nan")) for _ in turns),
            summary=self.text,
            keywords=(self.text,) * 100,
            model=self.text,
            insights={self.text: self.text},
            skipped=(Skipped("understand", self.text),),
            prompt=self.text,
            request_ids=(self.text,),
        )


class PoisonedError(FakeProvider):
    """Fails with a text as the message, the code and the request id."""

    async def understand(self, turns, *, language):
        text = "\0".join(POISON)
        raise ProviderError(text, code=text, transient=False, request_id=text)


def run(provider):
    asyncio.run(Runner(provider, linger_s=0).run())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", POISON, ids=lambda text: ascii(text[:12]))
def test_hostile_text_of_a_provider_is_stored_and_read_on_the_page_and_in_every_format(
    api, boss, text
):
    calls = [spoken_call(), ended_call()]

    run(Poisoned(text))

    for call in calls:
        assert Call.objects.get(pk=call.pk).state == CallState.ARCHIVED
        for wanted in FORMATS:
            answer = api.get(f"/v1/call/{call.call_id}/transcript", {"as": wanted})
            assert answer.status_code == 200, wanted
        assert boss.get(f"/supervisor/calls/{call.call_id}/").status_code == 200
        assert api.get(f"/v1/call/{call.call_id}/events").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_hostile_text_of_an_error_is_stored():
    call = ended_call()

    run(PoisonedError())

    failed = Call.objects.get(pk=call.pk)
    assert failed.state == CallState.FAILED
    assert "Hi \ufffd" in failed.last_error
    assert call.attempts.get(stage="understand").outcome == Attempt.Outcome.FAILED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "error",
    [
        DataError("unsupported Unicode escape sequence\nDETAIL:  secret words"),
        IntegrityError("a constraint"),
        UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed"),
        OverflowError("Python int too large to convert to SQLite INTEGER"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_data_that_the_database_refuses_fails_only_the_attempt_of_its_call(
    settings, monkeypatch, error
):
    settings.AI_RETRY_BASE, settings.AI_MAX_ATTEMPTS = 0, 2
    broken, sound = ended_call(), ended_call()
    archive = batches.archive_understood

    def refuse_one(understood):
        if any(each.lease.call_pk == broken.pk for each in understood):
            raise error
        return archive(understood)

    monkeypatch.setattr(batches, "archive_understood", refuse_one)

    run(FakeProvider())

    failed = Call.objects.get(pk=broken.pk)
    assert Call.objects.get(pk=sound.pk).state == CallState.ARCHIVED
    assert failed.state == CallState.FAILED
    assert str(error).splitlines()[0] in failed.last_error
    assert "secret" not in failed.last_error
    codes = broken.attempts.filter(stage="understand").values_list("outcome", "code")
    assert list(codes) == [("failed", "not_stored")] * 2


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL refuses such JSON")
def test_rows_that_an_older_version_stored_with_half_a_character_can_be_read(api, boss):
    call = archived_call()
    with connection.cursor() as cursor:
        for table in ("calls_transcript", "calls_analysis"):
            turns = f"UPDATE {table} SET turns = replace(turns, 'Hello.', %s)"
            cursor.execute(turns, ["Hi \\ud83d \\u0000"])

    answers = [api.get(f"/v1/call/{call.call_id}/transcript", {"as": wanted}) for wanted in FORMATS]

    assert {answer.status_code for answer in answers} == {200}
    assert boss.get(f"/supervisor/calls/{call.call_id}/").status_code == 200
    assert Transcript.objects.get().turns[0]["text"] == "Hi \ufffd "


@given(
    st.lists(
        st.builds(
            Turn,
            st.sampled_from(["agent", "customer"]),
            TIMES,
            TIMES,
            ANY_TEXT,
            st.lists(st.builds(Word, TIMES, TIMES, ANY_TEXT), max_size=3).map(tuple),
        ),
        max_size=3,
    ),
    st.lists(st.builds(Span, TIMES, TIMES), max_size=3),
    ANY_TEXT,
)
def test_any_transcription_fits_its_call(turns, spans, text):
    heard = Transcription(
        tuple(turns), {"agent": tuple(spans)}, 0, text, (Skipped(text, text),), (text,)
    )

    clean = clean_transcription(heard, duration_ms=5000)

    json.dumps(asdict(clean), ensure_ascii=False).encode()
    spoken = [
        *clean.turns,
        *clean.speech["agent"],
        *(w for turn in clean.turns for w in turn.words),
    ]
    assert all(0 <= each.begin_ms <= each.end_ms <= 5000 for each in spoken)
    assert len(clean.turns) == len(turns)


@given(st.floats(), st.text(), ANY_TEXT, st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=3))
def test_any_understanding_can_be_stored(score, label, text, insights):
    said = Understanding((Sentiment(label, score),), text, (text,), text, insights, prompt=text)

    clean = clean_understanding(said, turns=1)

    json.dumps(asdict(clean), ensure_ascii=False, allow_nan=False).encode()
    assert -5 <= clean.sentiments[0].score <= 5
    assert clean.sentiments[0].label in {"POSITIVE", "NEUTRAL", "NEGATIVE"}


def test_overlong_results_are_cut_and_the_result_says_so():
    said = Understanding((), "x" * 1_000_000, ("y" * 1000,) * 500, "m", {"reason": "z" * 9999})

    clean = clean_understanding(said, turns=0)

    assert len(clean.summary) == cleaning.MAX_SUMMARY_LENGTH
    assert [len(word) for word in clean.keywords] == [100] * 20
    assert len(clean.insights["reason"]) == cleaning.MAX_INSIGHT_LENGTH
    assert [each.reason for each in clean.skipped] == [
        "Too long: the summary had 1,000,000 characters; 4,000 are kept.",
        "Too long: the answer had 500 keywords; 20 are kept.",
        "Too long: the insight reason had 9,999 characters; 2,000 are kept.",
    ]


def test_a_transcript_of_too_many_turns_is_cut_and_says_so():
    turns = (Turn("agent", 0, 1, "a" * 200_000), *[Turn("agent", 0, 1, "b")] * cleaning.MAX_TURNS)

    clean = clean_transcription(Transcription(turns, {}, 1, "m"), duration_ms=1)

    assert len(clean.turns) == cleaning.MAX_TURNS
    assert len(clean.turns[0].text) == cleaning.MAX_TURN_LENGTH
    assert [each.reason for each in clean.skipped] == [
        "Too long: the transcript had 20,001 turns; 20,000 are kept.",
        "Too long: a turn had 200,000 characters; 100,000 are kept.",
    ]


def test_sentiments_that_do_not_match_the_turns_fail_the_attempt():
    with pytest.raises(ProviderError, match="0 sentiments came back for 2 turns"):
        clean_understanding(Understanding((), "", (), "m"), turns=2)
