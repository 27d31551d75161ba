"""The runner with a scripted provider: real threads, real transactions, no sleeping for luck."""

import asyncio

import pytest

from calls.analysis import stages
from calls.analysis.runner import Runner
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Attempt, Call
from calls.services import describe_call, end_call
from calls.tests.factories import (
    FakeProvider,
    SpokenProvider,
    ended_call,
    fetch,
    outage,
    packet,
    refusal,
    spoken_call,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_waits(settings):
    settings.AI_RETRY_BASE = 0


def run(provider, **options):
    return asyncio.run(Runner(provider, linger_s=0, **options).run())


def test_a_text_call_is_archived_with_its_words_by_speaker():
    call = ended_call()

    taken = run(FakeProvider())

    turns = fetch(call).analyses.get().turns
    assert taken == 1
    assert fetch(call).state == CallState.ARCHIVED
    assert [turn["speaker"] for turn in turns] == ["agent", "customer", "agent", "customer"]
    assert turns[3]["text"] == "Thank you, that is wonderful."


def test_a_flaky_provider_is_retried_until_it_succeeds():
    call = ended_call()

    run(FakeProvider([outage(), outage()]))

    assert fetch(call).state == CallState.ARCHIVED
    outcomes = call.attempts.filter(stage="understand").values_list("number", "outcome")
    assert list(outcomes) == [(1, "failed"), (2, "failed"), (3, "succeeded")]


def test_a_failed_understanding_never_transcribes_again():
    call = ended_call()

    run(FakeProvider([outage()]))

    assert call.transcripts.count() == 1
    assert call.attempts.filter(stage="transcribe").count() == 1


def test_a_provider_that_never_answers_ends_in_failed_after_five_attempts():
    call = ended_call()
    provider = FakeProvider([outage()] * 9)

    run(provider)

    assert provider.asked == 5
    assert fetch(call).state == CallState.FAILED


def test_a_permanent_error_fails_at_once_with_its_reason():
    call = ended_call()
    provider = FakeProvider([refusal()])

    run(provider)

    assert provider.asked == 1
    assert "401 Unauthorized" in fetch(call).last_error


def test_a_bug_in_the_analysis_fails_the_call_and_not_the_worker(caplog):
    broken, sound = ended_call(), ended_call()

    run(FakeProvider([RuntimeError("division by zero of the mind")]))

    states = {fetch(broken).state, fetch(sound).state}
    assert states == {CallState.FAILED, CallState.ARCHIVED}
    assert "unexpected error in the analysis" in caplog.text
    errors = [line for line in caplog.records if line.levelname == "ERROR"]
    assert "failed for good" in errors[-1].getMessage()


def test_many_calls_are_processed_at_once():
    class Slow(FakeProvider):
        together = most = 0

        async def understand(self, turns, *, language):
            self.together += 1
            self.most = max(self.most, self.together)
            await asyncio.sleep(0.3)
            self.together -= 1
            return await super().understand(turns, language=language)

    provider = Slow()
    calls = [ended_call() for _ in range(10)]

    run(provider)

    assert provider.most == len(calls)
    assert not Call.objects.exclude(state=CallState.ARCHIVED).exists()


def test_a_stopped_runner_releases_its_calls_and_uses_up_no_attempt():
    class Endless(FakeProvider):
        async def understand(self, turns, *, language):
            stopped.append(True)
            await asyncio.Event().wait()

    stopped = []
    call = ended_call()

    run(Endless(), should_stop=lambda: bool(stopped))

    left = fetch(call)
    assert (left.state, left.lease_owner) == (CallState.PROCESSING_AI, "")
    assert call.attempts.get(stage="understand").outcome == Attempt.Outcome.RELEASED
    run(FakeProvider())
    assert fetch(call).state == CallState.ARCHIVED


def test_a_heartbeat_keeps_a_long_analysis_with_the_same_worker(settings):
    settings.AI_LEASE_SECONDS = 0.3

    class Slow(FakeProvider):
        async def understand(self, turns, *, language):
            await asyncio.sleep(1)
            return await super().understand(turns, language=language)

    call = ended_call()

    run(Slow())

    assert fetch(call).lease_token == 1
    assert fetch(call).state == CallState.ARCHIVED


def test_a_call_without_a_packet_is_archived_with_nothing_said():
    from calls.services import start_call

    call = start_call(call_id="silent")
    end_call(call_id="silent")

    run(FakeProvider())

    assert fetch(call).state == CallState.ARCHIVED
    assert fetch(call).analyses.get().turns == []


def test_an_audio_call_goes_through_the_provider():
    silence = "f39/f3" * 40
    record_packets([packet("spoken", 1, silence[:216], media="audio/x-mulaw;rate=8000")])
    end_call(call_id="spoken")

    run(SpokenProvider())

    call = Call.objects.get(call_id="spoken")
    assert call.state == CallState.ARCHIVED
    assert call.transcripts.get().duration_ms == 20


@pytest.mark.parametrize(("audio_s", "limit_s"), [(1, 120), (48, 120), (60, 150), (3600, 9000)])
def test_the_time_limit_grows_with_the_length_of_the_audio(audio_s, limit_s):
    assert stages.limit_s_of(audio_s * 1000, stages.TIMEOUT_PER_AUDIO) == limit_s


def test_an_attempt_that_takes_longer_fails_as_a_timeout(settings):
    settings.AI_TIMEOUT, settings.AI_MAX_ATTEMPTS = 0.05, 1

    class Endless(FakeProvider):
        async def understand(self, turns, *, language):
            await asyncio.Event().wait()

    call = ended_call()

    run(Endless())

    tried = call.attempts.get(stage="understand")
    assert (tried.outcome, tried.code) == ("failed", "timeout")
    assert fetch(call).state == CallState.FAILED


class Listening(SpokenProvider):
    """Keeps the language that it was told at each stage."""

    def __init__(self):
        super().__init__()
        self.languages = []

    async def transcribe(self, audio, *, language):
        self.languages.append(language)
        return await super().transcribe(audio, language=language)

    async def understand(self, turns, *, language):
        self.languages.append(language)
        return await super().understand(turns, language=language)


@pytest.mark.parametrize(("said", "told"), [("de", "de"), ("", "fr")])
@pytest.mark.parametrize(("make", "stages_asked"), [(spoken_call, 2), (ended_call, 1)])
def test_the_ai_is_told_the_language_of_the_call_or_else_of_the_site(
    settings, said, told, make, stages_asked
):
    settings.AI_LANGUAGE = "fr"
    describe_call(call_id=make().call_id, language=said)
    provider = Listening()

    run(provider)

    assert provider.languages == [told] * stages_asked
