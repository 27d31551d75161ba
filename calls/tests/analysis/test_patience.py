"""A worker outlasts an absence of the database, and calls that others have locked."""

import asyncio
import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from calls import services
from calls.analysis import attempts, batches, claims, findings, leases, retry, runner, stages
from calls.analysis.runner import Runner
from calls.lifecycle import CallState
from calls.models import Attempt, Call
from calls.tests.factories import (
    FakeProvider,
    SpokenProvider,
    archived_call,
    claim_all,
    ended_call,
    failed_call,
    live_call,
    outage,
    spoken_call,
)
from calls.tests.ingest.test_locks import elsewhere

pytestmark = pytest.mark.django_db(transaction=True)
LOCK = "SELECT 1 FROM calls_call WHERE call_id = %s FOR UPDATE"


@pytest.fixture(autouse=True)
def _quick(settings, monkeypatch):
    settings.AI_RETRY_BASE = 0
    monkeypatch.setattr(retry, "DATABASE_RETRY_S", 0.01)
    monkeypatch.setattr(leases, "LOCK_MS", 50)
    monkeypatch.setattr(runner, "OUTAGE_PAUSE_S", 0.01)


@pytest.fixture
def _rows_have_locks():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no locks on rows")


def run(provider, **options):
    return asyncio.run(Runner(provider, linger_s=0, lifetime_s=20, **options).run())


def outcomes():
    return [*Attempt.objects.order_by("id").values_list("stage", "outcome", "number")]


def away(monkeypatch, module, name, *, times=3):
    """Let a function fail, as while the database is away, before it works."""
    real, errors = getattr(module, name), [OperationalError("gone")] * times

    def flaky(*args, **kwargs):
        if errors:
            raise errors.pop()
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, flaky)
    return errors


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (claims, "claim_due"),
        (claims, "any_due"),
        (batches, "prepare_words"),
        (batches, "archive_understood"),
    ],
)
def test_an_absence_of_the_database_costs_a_text_call_no_attempt(monkeypatch, module, name):
    errors = away(monkeypatch, module, name)
    call = ended_call()
    provider = FakeProvider()

    run(provider)

    assert errors == []
    assert Call.objects.get(pk=call.pk).state == CallState.ARCHIVED
    assert outcomes() == [("transcribe", "succeeded", 1), ("understand", "succeeded", 1)]
    assert provider.asked == 1


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (stages, "_load"),
        (findings, "save_transcripts"),
        (attempts, "start_attempts"),
        (stages, "_newest"),
    ],
)
def test_an_absence_of_the_database_costs_an_audio_call_no_attempt(monkeypatch, module, name):
    errors = away(monkeypatch, module, name)
    call = spoken_call()

    run(SpokenProvider())

    assert errors == []
    assert Call.objects.get(pk=call.pk).state == CallState.ARCHIVED
    assert outcomes() == [("transcribe", "succeeded", 1), ("understand", "succeeded", 1)]


def test_a_failure_of_the_ai_is_on_record_though_the_database_was_away(monkeypatch):
    errors = away(monkeypatch, attempts, "fail_attempts")
    ended_call()

    run(FakeProvider([outage()]))

    assert errors == []
    assert outcomes()[1:] == [("understand", "failed", 1), ("understand", "succeeded", 2)]


def test_a_worker_that_is_told_to_stop_does_not_wait_for_the_database(monkeypatch):
    told = threading.Event()

    def gone(*_):
        told.set()
        raise OperationalError("gone")

    monkeypatch.setattr(batches, "archive_understood", gone)
    ended_call()

    run(FakeProvider(), should_stop=told.is_set)

    assert told.is_set()


def test_after_an_outage_a_worker_extends_its_leases_before_anybody_claims(monkeypatch):
    call, order = ended_call(), []
    away(monkeypatch, claims, "claim_due", times=1)
    claim_due, extend = claims.claim_due, leases.extend_leases
    monkeypatch.setattr(
        claims, "claim_due", lambda **kwargs: order.append("claim") or claim_due(**kwargs)
    )
    monkeypatch.setattr(
        leases, "extend_leases", lambda **kwargs: order.append("extend") or extend(**kwargs)
    )

    run(FakeProvider())

    assert order[:3] == ["claim", "extend", "claim"]
    assert Call.objects.get(pk=call.pk).state == CallState.ARCHIVED


@pytest.mark.usefixtures("_rows_have_locks")
def test_a_call_that_somebody_has_locked_does_not_hold_up_the_analysis_of_others(monkeypatch):
    held, free = ended_call(), [ended_call() for _ in range(5)]
    asked, may_answer = threading.Event(), asyncio.Event()

    class Slow(FakeProvider):
        async def understand(self, turns, *, language):
            asked.set()
            await may_answer.wait()
            return await super().understand(turns, language=language)

    def states():
        others = Call.objects.filter(pk__in=[each.pk for each in free])
        return set(others.values_list("state", flat=True))

    async def carry():
        work = asyncio.create_task(Runner(Slow(), linger_s=0, lifetime_s=30).run())
        await asyncio.to_thread(asked.wait, 10)
        begun = Attempt.objects.filter(stage="understand")
        while await asyncio.to_thread(begun.count) < 6:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        lock = elsewhere(LOCK, held.call_id)
        await asyncio.to_thread(lock.__enter__)
        may_answer.set()
        async with asyncio.timeout(20):
            while await asyncio.to_thread(states) != {CallState.ARCHIVED}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        state = (await Call.objects.aget(pk=held.pk)).state
        await asyncio.to_thread(lock.__exit__, None, None, None)
        await work
        return state

    during = asyncio.run(carry())

    assert during == CallState.PROCESSING_AI
    assert Call.objects.get(pk=held.pk).state == CallState.ARCHIVED
    assert set(held.attempts.values_list("outcome", flat=True)) == {"succeeded"}


@pytest.mark.usefixtures("_rows_have_locks")
def test_a_locked_call_does_not_hold_up_the_leases_of_others():
    held, free = ended_call(), ended_call()
    claim_all("worker-1")
    past = timezone.now() - timedelta(seconds=1)
    Call.objects.update(lease_expires_at=past)

    with elsewhere(LOCK, held.call_id):
        extended = leases.extend_leases(owner="worker-1", call_pks=[held.pk, free.pk])

    assert extended == 1
    assert Call.objects.get(pk=free.pk).lease_expires_at > timezone.now()
    assert Call.objects.get(pk=held.pk).lease_expires_at == past


@pytest.mark.usefixtures("_rows_have_locks")
@pytest.mark.parametrize("step", ["idle", "failed", "late"])
def test_a_locked_call_does_not_hold_up_what_is_due_for_others(settings, step):
    settings.CALL_IDLE_TIMEOUT, settings.AI_AUTO_RETRY_AFTER = 60, 1
    settings.AI_AUTO_RETRY_ROUNDS = 1
    make, work = {
        "idle": (live_call, services.end_idle_calls),
        "failed": (failed_call, services.retry_failed_calls),
        "late": (archived_call, services.reanalyse_late_calls),
    }[step]
    held, free = make(), make()
    past = timezone.now() - timedelta(seconds=90)
    Call.objects.update(last_packet_at=past, opened_at=past, state_changed_at=past)
    if step == "late":
        Call.objects.update(late_since=past)

    with elsewhere(LOCK, held.call_id):
        assert work() == 1

    assert Call.objects.get(pk=free.pk).state != free.state
    assert work() == 1
    assert Call.objects.get(pk=held.pk).state != held.state


def unheard(monkeypatch, module, name):
    """Let a function lose the database after its commit, before the commit is acknowledged."""
    real, lost = getattr(module, name), []

    def cut(*args, **kwargs):
        result = real(*args, **kwargs)
        if result and not lost:
            lost.append(name)
            raise OperationalError("server closed the connection unexpectedly")
        return result

    monkeypatch.setattr(module, name, cut)
    return lost


@pytest.mark.parametrize(
    ("make", "provider", "module", "name"),
    [
        (ended_call, FakeProvider, claims, "claim_due"),
        (ended_call, FakeProvider, batches, "prepare_words"),
        (ended_call, FakeProvider, batches, "archive_understood"),
        (spoken_call, SpokenProvider, findings, "save_transcripts"),
        (spoken_call, SpokenProvider, attempts, "start_attempts"),
        (spoken_call, SpokenProvider, batches, "archive_understood"),
    ],
)
def test_a_commit_that_was_not_acknowledged_is_not_repeated(
    monkeypatch, make, provider, module, name
):
    lost = unheard(monkeypatch, module, name)
    call = make()

    run(provider())

    assert lost == [name]
    assert Call.objects.get(pk=call.pk).state == CallState.ARCHIVED
    counted = [row for row in outcomes() if row[1] != "released"]
    assert counted == [("transcribe", "succeeded", 1), ("understand", "succeeded", 1)]
    assert (call.transcripts.count(), call.analyses.count()) == (1, 1)
    finished = call.events.filter(type="analysis_attempt").values_list("data__outcome", flat=True)
    assert [each for each in finished if each != "released"] == ["succeeded", "succeeded"]


def test_a_failure_that_was_not_acknowledged_counts_once(monkeypatch):
    lost = unheard(monkeypatch, attempts, "fail_attempts")
    ended_call()

    run(FakeProvider([outage()]))

    assert lost == ["fail_attempts"]
    assert outcomes()[1:] == [("understand", "failed", 1), ("understand", "succeeded", 2)]


def test_a_busy_worker_extends_its_leases_as_soon_as_the_database_is_back(monkeypatch, settings):
    settings.AI_CONCURRENCY, settings.AI_LEASE_SECONDS = 1, 2
    ended_call()
    real, extended, gone = leases.extend_leases, threading.Event(), [OperationalError("gone")]

    def extend(**kwargs):
        if gone:
            raise gone.pop()
        extended.set()
        return real(**kwargs)

    class Slow(FakeProvider):
        async def understand(self, turns, *, language):
            settings.AI_LEASE_SECONDS = 30  # the next regular extension is in ten seconds
            await asyncio.to_thread(extended.wait, 5)
            return await super().understand(turns, language=language)

    monkeypatch.setattr(leases, "extend_leases", extend)
    monkeypatch.setattr(runner, "_reserve", lambda: 0)  # it is full, so it claims nothing
    run(Slow())

    assert extended.is_set()
