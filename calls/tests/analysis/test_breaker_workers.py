"""A provider that is down, with real runners and many workers at once."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from calls.analysis import breaker
from calls.analysis.runner import Runner
from calls.lifecycle import CallState
from calls.models import Attempt, Call, ProviderHealth, Stage
from calls.tests import one_call
from calls.tests.analysis.down_provider import bring_down, claim, let_probe_time_come, run
from calls.tests.factories import (
    TRANSCRIPT,
    FakeProvider,
    SpokenProvider,
    attempt,
    ended_call,
    outage,
    spoken_call,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("short_breaker")]
needs_commits = pytest.mark.django_db(transaction=True)


class Restarting(FakeProvider):
    """Fails until it was called ``deaf_for`` times."""

    def __init__(self, deaf_for):
        super().__init__([outage() for _ in range(deaf_for)])


@needs_commits
def test_a_provider_that_is_down_for_a_while_fails_no_call(settings, monkeypatch):
    monkeypatch.setattr(breaker, "MAX_WAIT_S", 0.2)
    settings.AI_BREAKER_SECONDS = 0.1
    settings.AI_RETRY_BASE = 0
    settings.AI_MAX_ATTEMPTS = 3
    for _ in range(20):
        ended_call()
    provider = Restarting(deaf_for=23)

    run(provider)

    assert not Call.objects.exclude(state=CallState.ARCHIVED).exists()
    assert provider.asked == 23 + 20
    assert ProviderHealth.objects.get(stage=Stage.UNDERSTAND).down_since is None
    assert Attempt.objects.filter(outcome=Attempt.Outcome.SNOOZED).exists()


class Deaf(SpokenProvider):
    """Transcribes nothing until ``words`` calls are understood. Those wait until it was tried."""

    def __init__(self, words):
        super().__init__()
        self.words, self.tried = words, asyncio.Event()
        self.listening = self.most = 0

    async def transcribe(self, audio, *, language):
        if self.asked >= self.words:
            return await super().transcribe(audio, language=language)
        self.tried.set()
        self.listening += 1
        self.most = max(self.most, self.listening)
        await asyncio.sleep(0.02)
        self.listening -= 1
        raise outage()

    async def understand(self, turns, *, language):
        await self.tried.wait()
        return await super().understand(turns, language=language)


def outcomes(stage):
    return Counter(Attempt.objects.filter(stage=stage).values_list("outcome", flat=True))


@needs_commits
def test_while_nothing_can_be_transcribed_words_are_archived_and_audio_follows(
    settings, monkeypatch
):
    monkeypatch.setattr(breaker, "MAX_WAIT_S", 0.5)
    bring_down()
    for _ in range(7):
        spoken_call()
    for _ in range(10):
        ended_call()
    let_probe_time_come()
    lost_before = outcomes(Stage.TRANSCRIBE)["failed"]
    provider = Deaf(words=10)

    async def work():
        workers = [Runner(provider, linger_s=0, lifetime_s=20) for _ in range(3)]
        await asyncio.gather(*(worker.run() for worker in workers))

    asyncio.run(work())

    assert set(Call.objects.values_list("state", flat=True)) == {CallState.ARCHIVED}
    assert provider.most == 1
    assert outcomes(Stage.TRANSCRIBE)["failed"] == lost_before
    assert outcomes(Stage.TRANSCRIBE)["succeeded"] == 20
    assert outcomes(Stage.UNDERSTAND) == {"succeeded": 20}


@needs_commits
def test_while_nothing_can_be_understood_audio_is_transcribed_and_waits(settings, monkeypatch):
    monkeypatch.setattr(breaker, "MAX_WAIT_S", 0.1)
    settings.AI_BREAKER_SECONDS = 0.05
    settings.AI_RETRY_BASE = 0
    for _ in range(8):
        spoken_call()
    provider = SpokenProvider([outage() for _ in range(12)])

    run(provider, should_stop=lambda: len(provider.errors) < 3)
    heard, states = outcomes(Stage.TRANSCRIBE), set(Call.objects.values_list("state", flat=True))
    run(provider)

    assert (heard, states) == ({"succeeded": 8}, {CallState.PROCESSING_AI})
    assert outcomes(Stage.TRANSCRIBE) == {"succeeded": 8}
    assert set(Call.objects.values_list("state", flat=True)) == {CallState.ARCHIVED}


@needs_commits
def test_a_runner_takes_nothing_while_the_provider_is_down():
    bring_down()
    spoken_call()
    asked = 0

    def enough():
        nonlocal asked
        asked += 1
        return asked > 3

    taken = run(FakeProvider(), should_stop=enough)

    assert taken == 0


@needs_commits
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer")
def test_one_of_many_workers_gets_the_probe():
    bring_down()
    let_probe_time_come()

    def ask(_):
        try:
            return breaker.admits(provider="fake", stage=Stage.TRANSCRIBE, now=timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        admitted = list(threads.map(ask, range(16)))

    assert sum(admitted) == 1


@needs_commits
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer")
def test_failures_and_answers_of_many_workers_at_once_do_not_deadlock():
    for _ in range(24):
        spoken_call()
    tries = [(lease, attempt(lease)) for lease in claim(limit=24)]

    def finish(numbered):
        number, (lease, tried) = numbered
        try:
            if number % 2:
                one_call.fail_attempt(lease, tried, outage())
            else:
                one_call.save_transcript(lease, tried, **TRANSCRIPT)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(finish, enumerate(tries)))

    assert not Attempt.objects.filter(outcome=Attempt.Outcome.RUNNING).exists()
