"""A provider that is down: calls wait for it at no cost, and go on when it is back."""

import asyncio
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from calls.analysis import breaker
from calls.analysis.attempts import ProviderIsDown
from calls.analysis.providers import ProviderError
from calls.analysis.runner import Runner
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Attempt, Call, ProviderHealth, Stage
from calls.services import end_call
from calls.tests import one_call
from calls.tests.factories import (
    ANALYSIS,
    SILENCE,
    TRANSCRIPT,
    FakeProvider,
    SpokenProvider,
    attempt,
    claim_all,
    ended_call,
    outage,
    packet,
    refusal,
    spoken_call,
)

pytestmark = pytest.mark.django_db
needs_commits = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _three_failures_are_an_outage(settings):
    settings.AI_BREAKER_FAILURES = 3
    settings.AI_BREAKER_SECONDS = 30


def claim(limit=10):
    return claim_all(limit=limit)


def fail(lease, error=None, stage=Stage.TRANSCRIBE):
    return one_call.fail_attempt(lease, attempt(lease, stage), error or outage())


def health(stage=Stage.TRANSCRIBE):
    return ProviderHealth.objects.get(provider="fake", stage=stage)


def bring_down():
    """Fail as many calls as it takes for the provider to count as down."""
    for _ in range(3):
        spoken_call()
    for lease in claim():
        fail(lease)
    assert health().down_since


def let_probe_time_come():
    ProviderHealth.objects.update(probe_at=timezone.now() - timedelta(seconds=1))
    Call.objects.update(next_attempt_at=None)


def run(provider, **options):
    return asyncio.run(Runner(provider, linger_s=0, lifetime_s=20, **options).run())


# When it is down
def test_fewer_failures_than_the_limit_change_nothing():
    spoken_call()
    spoken_call()
    for lease in claim():
        fail(lease)

    assert health().down_since is None
    assert ProviderHealth.objects.get().failures == 2


def test_enough_failures_in_a_row_are_an_outage():
    bring_down()
    spoken_call()

    assert claim() == []


def test_an_answer_in_between_breaks_the_row():
    for _ in range(4):
        spoken_call()
    leases = claim()
    fail(leases[0])
    fail(leases[1])

    one_call.save_transcript(leases[2], attempt(leases[2]), **TRANSCRIPT)
    fail(leases[3])

    assert (health().failures, health().down_since) == (1, None)


@pytest.mark.parametrize(
    "error", [refusal(), ProviderError("No words.", code="empty_transcript", transient=True)]
)
def test_an_error_that_is_an_answer_breaks_the_row(error):
    for _ in range(3):
        spoken_call()
    leases = claim()
    fail(leases[0])
    fail(leases[1])

    fail(leases[2], error)

    assert (health().failures, health().down_since) == (0, None)


def test_failures_far_apart_are_no_outage():
    for _ in range(3):
        spoken_call()
    leases = claim()
    fail(leases[0])
    fail(leases[1])
    ProviderHealth.objects.update(failed_at=timezone.now() - 2 * breaker.WINDOW)

    fail(leases[2])

    assert (health().failures, health().down_since) == (1, None)


def test_a_burst_of_failures_proves_nothing_while_more_attempts_are_running():
    for _ in range(10):
        spoken_call()
    tries = [(lease, attempt(lease)) for lease in claim()]

    for lease, tried in tries[:4]:
        one_call.fail_attempt(lease, tried, outage())
    assert health().down_since is None

    one_call.fail_attempt(*tries[4], outage())
    assert health().down_since


def test_a_quarter_of_failures_is_not_an_outage(settings):
    settings.AI_BREAKER_FAILURES = 10
    rng = random.Random(7)
    spoken_call()
    tried = attempt(claim()[0])

    for _ in range(2000):
        if rng.random() < 0.25:
            breaker.note_failures([(tried, outage())], now=timezone.now())
        else:
            breaker.note_answer(tried, now=timezone.now())
        assert breaker.down(provider="fake") == []


def test_stages_are_down_each_for_itself():
    bring_down()
    spoken_call()
    Attempt.objects.update(outcome=Attempt.Outcome.SUCCEEDED)  # all but the last are transcribed
    Call.objects.update(next_attempt_at=None)

    leases = claim()

    assert len(leases) == 3
    assert all(attempt(lease, Stage.UNDERSTAND).number == 1 for lease in leases)


# Who waits for it
def test_words_are_taken_past_audio_that_waits_to_be_transcribed():
    bring_down()
    spoken_call("heard")
    ended_call("read")

    (lease,) = claim()

    assert lease.call_id == "read"
    assert attempt(lease).number == 1


def test_words_that_pass_by_are_no_probe():
    bring_down()
    let_probe_time_come()
    ended_call()
    leases = claim()
    words = next(place for place, lease in enumerate(leases) if not lease.is_spoken)

    one_call.save_transcript(leases[words], attempt(leases[words]), asked=False, **TRANSCRIPT)

    assert len(leases) == 2
    assert health().probe_at > timezone.now()
    assert claim() == []


def test_audio_that_was_not_declared_asks_once_and_waits_like_all_audio():
    bring_down()
    record_packets([packet("undeclared", 1, SILENCE)])
    end_call(call_id="undeclared")
    (lease,) = claim()

    fail(lease)
    Call.objects.update(next_attempt_at=None)

    assert Attempt.objects.latest("id").outcome == Attempt.Outcome.SNOOZED
    assert health().wait_s == 30
    assert claim() == []


def test_audio_that_was_transcribed_before_the_outage_goes_on():
    spoken_call("heard")
    (lease,) = claim()
    one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    bring_down()

    one_call.release(lease)

    assert [(each.call_id, each.stage) for each in claim()] == [("heard", Stage.UNDERSTAND)]


def test_what_a_worker_asks_does_not_grow_with_the_calls_that_wait(django_assert_num_queries):
    bring_down()
    for _ in range(5):
        spoken_call()

    # The pause, what is down, the calls that are free.
    with django_assert_num_queries(3 if connection.vendor == "sqlite" else 4):
        assert claim() == []


# What it costs
def test_the_failure_that_shows_the_outage_and_all_later_ones_cost_nothing():
    for _ in range(5):
        spoken_call()
    tries = [(lease, attempt(lease)) for lease in claim()]
    for lease, tried in tries:
        one_call.fail_attempt(lease, tried, outage())

    outcomes = Attempt.objects.order_by("id").values_list("outcome", flat=True)
    assert list(outcomes) == ["failed", "failed", "snoozed", "snoozed", "snoozed"]


def test_a_call_in_hand_is_put_back_without_an_attempt():
    ended_call()
    (lease,) = claim()
    one_call.save_transcript(lease, attempt(lease), asked=False, **TRANSCRIPT)
    now = timezone.now()
    ProviderHealth.objects.create(
        provider="fake", stage=Stage.UNDERSTAND, down_since=now, probe_at=now + timedelta(minutes=1)
    )

    with pytest.raises(ProviderIsDown):
        attempt(lease, Stage.UNDERSTAND)

    assert not Attempt.objects.filter(stage=Stage.UNDERSTAND).exists()


def test_a_call_that_waits_shows_when_the_provider_is_asked_again():
    bring_down()

    last = Attempt.objects.latest("id")
    assert last.retry_at == health().probe_at


# The probe
def test_one_call_is_taken_as_a_probe():
    bring_down()
    let_probe_time_come()

    leases = claim()

    assert len(leases) == 1
    assert attempt(leases[0])
    assert claim() == []


def test_there_is_one_probe_at_a_time():
    bring_down()
    let_probe_time_come()

    assert len(claim()) == 1
    assert claim() == []


def test_a_failed_probe_doubles_the_wait_up_to_five_minutes():
    bring_down()
    waits = []
    for _ in range(5):
        let_probe_time_come()
        (lease,) = claim()
        fail(lease)
        waits.append(health().wait_s)

    assert waits == [60, 120, 240, 300, 300]
    assert Attempt.objects.filter(outcome=Attempt.Outcome.FAILED).count() == 2


def test_a_late_failure_from_before_the_outage_does_not_double_the_wait():
    for _ in range(4):
        spoken_call()
    *others, late = [(lease, attempt(lease)) for lease in claim()]
    for lease, tried in others:
        one_call.fail_attempt(lease, tried, outage())

    one_call.fail_attempt(*late, outage())

    assert health().wait_s == 30


def test_every_probe_is_another_call():
    bring_down()
    probed = set()
    for _ in range(3):
        ProviderHealth.objects.update(probe_at=timezone.now() - timedelta(seconds=1))
        Call.objects.filter(next_attempt_at__isnull=False).update(
            next_attempt_at=timezone.now() - timedelta(seconds=1)
        )
        Call.objects.filter(pk__in=probed).update(next_attempt_at=timezone.now())
        (lease,) = claim()
        fail(lease)
        probed.add(lease.call_pk)

    assert len(probed) == 3


def test_an_answered_probe_brings_all_calls_back():
    bring_down()
    let_probe_time_come()
    (lease,) = claim()

    one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)

    assert health().down_since is None
    assert len(claim()) == 2


def test_a_probe_that_did_not_need_the_provider_gives_its_turn_to_another():
    bring_down()
    let_probe_time_come()
    (lease,) = claim()

    one_call.save_transcript(lease, attempt(lease), asked=False, **TRANSCRIPT)

    assert health().down_since
    assert len(claim()) == 1


def test_an_answer_about_meaning_says_nothing_about_transcription():
    bring_down()
    ended_call()
    (lease,) = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), asked=False, **TRANSCRIPT)
    tried = attempt(lease, Stage.UNDERSTAND)

    one_call.archive(lease, tried, transcript=transcript, headline={}, **ANALYSIS)

    assert health().down_since


# With a runner
class Restarting(FakeProvider):
    """Answers nothing until it was asked ``deaf_for`` times."""

    def __init__(self, deaf_for):
        super().__init__([outage() for _ in range(deaf_for)])


@needs_commits
def test_a_provider_that_is_down_for_a_while_costs_no_call_its_life(settings, monkeypatch):
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
    """Hears nothing until ``words`` calls have been understood. Those wait until it was tried."""

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
def test_of_many_workers_one_is_let_in():
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


# What monitoring hears
def test_monitoring_hears_of_it_and_the_service_stays_ready(client, heartbeat):
    bring_down()

    ready = client.get("/readyz")
    metrics = client.get("/metrics").content.decode()

    assert ready.status_code == 200
    assert "Provider fake (transcribe) has been down since" in ready.json()["notes"][0]
    assert 'callcenter_provider_down{provider="fake",stage="transcribe"} 1.0' in metrics


def test_a_provider_that_nobody_has_asked_for_an_hour_is_not_reported(client, heartbeat):
    bring_down()
    ProviderHealth.objects.update(failed_at=timezone.now() - 2 * breaker.STALE)

    assert client.get("/readyz").json() == {"status": "ready"}
