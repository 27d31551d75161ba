"""Which calls are claimed. Audio has a lane of its own, and the provider has a limit."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from calls.analysis import claims
from calls.analysis.runner import Runner
from calls.lifecycle import CallState
from calls.models import Attempt, Call, Stage
from calls.tests import one_call
from calls.tests.factories import (
    TRANSCRIPT,
    FakeProvider,
    SpokenProvider,
    attempt,
    claim_all,
    ended_call,
    spoken_call,
)

pytestmark = pytest.mark.django_db


def taken(**options):
    owner = claims.owner_of(options.get("provider", ""), "worker-1")
    return [lease.call_id for lease in claim_all(owner, **options)]


# Lanes
def test_a_lease_knows_whether_its_call_is_audio():
    spoken_call("heard")
    ended_call("read")

    leases = claim_all()

    assert {lease.call_id: lease.is_spoken for lease in leases} == {"heard": True, "read": False}


def test_audio_is_claimed_only_up_to_its_limit():
    for number in range(4):
        spoken_call(f"heard-{number}")
    ended_call("read")

    assert taken(spoken_limit=2) == ["heard-0", "heard-1", "read"]
    assert taken(spoken_limit=0) == []


def test_a_new_text_call_passes_any_number_of_recordings():
    for number in range(5):
        spoken_call(f"heard-{number}")
    ended_call("read")

    assert taken(limit=3, spoken_limit=1) == ["heard-0", "read"]


def test_audio_that_has_been_transcribed_needs_no_room():
    spoken_call("heard")
    (lease,) = claim_all(limit=1)
    one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    one_call.release(lease)

    assert taken(spoken_limit=0) == ["heard"]


@pytest.mark.django_db(transaction=True)
def test_an_endless_transcription_does_not_hold_up_others(settings):
    settings.AI_AUDIO_CONCURRENCY = 1

    class Deaf(SpokenProvider):
        async def transcribe(self, audio, *, language):
            await asyncio.Event().wait()

    spoken_call("endless")
    spoken_call("behind")
    words = [ended_call() for _ in range(3)]

    def done():
        over = Call.objects.filter(pk__in=[c.pk for c in words], state=CallState.ARCHIVED)
        return over.count() == 3

    async def run():
        stop = False

        def look():
            nonlocal stop
            while not stop and time.monotonic() < deadline:
                stop = _closed(done)

        deadline = time.monotonic() + 20
        looking = asyncio.create_task(asyncio.to_thread(look))
        await Runner(Deaf(), should_stop=lambda: stop, linger_s=0, lifetime_s=20).run()
        await looking
        return stop

    assert asyncio.run(run())
    assert Call.objects.get(call_id="behind").state == CallState.COMPLETED
    released = Attempt.objects.get(call__call_id="endless")
    assert released.outcome == Attempt.Outcome.RELEASED


def _closed(function):
    try:
        return function()
    finally:
        connection.close()


# How many a provider has at a time
def test_no_more_calls_are_claimed_than_the_limit_of_the_provider(settings):
    settings.AI_PROVIDER_CONCURRENCY = 3
    for _ in range(5):
        ended_call()

    assert len(taken(provider="openai", limit=2)) == 2
    assert len(taken(provider="openai", limit=10)) == 1
    assert taken(provider="openai") == []


def test_another_provider_has_a_limit_of_its_own(settings):
    settings.AI_PROVIDER_CONCURRENCY = 1
    ended_call()
    ended_call()

    assert len(taken(provider="openai")) == 1
    assert len(taken(provider="local")) == 1


def test_a_call_that_is_over_makes_room_and_so_does_a_worker_that_died(settings):
    settings.AI_PROVIDER_CONCURRENCY = 1
    ended_call("first")
    ended_call("second")
    owner = claims.owner_of("openai", "worker-1")
    (lease,) = claim_all(owner, provider="openai")
    assert taken(provider="openai") == []

    one_call.release(lease)
    assert taken(provider="openai") == ["second"]
    Call.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert len(taken(provider="openai")) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer")
def test_workers_that_claim_at_once_stay_below_the_limit_together(settings):
    settings.AI_PROVIDER_CONCURRENCY = 5
    for _ in range(20):
        ended_call()

    def ask(number):
        owner = claims.owner_of("fake", f"worker-{number}")
        return _closed(lambda: len(claim_all(owner, limit=4)))

    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(ask, range(8)))

    # Who came while others held the rows went away empty, and comes again.
    assert 4 <= sum(got) <= 5
    late = claim_all(claims.owner_of("fake", "late"), limit=4)
    assert len(late) == 5 - sum(got)
    held = Call.objects.filter(lease_expires_at__gt=timezone.now())
    assert held.count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_limit_delays_calls_but_fails_none(settings):
    settings.AI_PROVIDER_CONCURRENCY = 2
    calls = [ended_call() for _ in range(6)]

    class Counting(FakeProvider):
        together = most = 0

        async def understand(self, turns, *, language):
            self.together += 1
            self.most = max(self.most, self.together)
            await asyncio.sleep(0.05)
            self.together -= 1
            return await super().understand(turns, language=language)

    provider = Counting()
    asyncio.run(Runner(provider, linger_s=0).run())

    states = Call.objects.filter(pk__in=[c.pk for c in calls]).values_list("state", flat=True)
    assert set(states) == {CallState.ARCHIVED}
    assert provider.most <= 2
    assert not Attempt.objects.exclude(number=1).exists()
    assert set(Attempt.objects.values_list("stage", flat=True)) == set(Stage.values)
