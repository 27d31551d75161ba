"""Steps for many calls at once: each gets its own result, at the cost of one."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calls.analysis import attempts, batches, breaker, claims
from calls.analysis.attempts import Paused
from calls.analysis.batches import Prepared
from calls.analysis.leases import LeaseLost
from calls.analysis.pausing import pause_analysis
from calls.analysis.retry import Retry
from calls.ingest.record import record_packets
from calls.models import Attempt, Call, CallEvent, ProviderHealth, Stage
from calls.models.fields import JSONField
from calls.services import end_call
from calls.tests.factories import SILENCE, ended_call, outage, packet, spoken_call

pytestmark = pytest.mark.django_db


def take(limit=20, **options):
    return claims.claim_due(owner="worker-1", limit=limit, provider="fake", **options)


def prepare(taken):
    return batches.prepare_words(taken, provider="fake")


def undeclared_audio(call_id):
    record_packets([packet(call_id, at, SILENCE) for at in (1, 2)])
    return end_call(call_id=call_id)


def outcomes(call):
    return [(tried.stage, tried.outcome) for tried in call.attempts.all()]


def test_a_call_is_taken_with_its_next_attempt_begun():
    call = ended_call()

    ((lease, attempt),) = take()

    assert (lease.stage, attempt.number, attempt.lease_token) == (Stage.TRANSCRIBE, 1, lease.token)
    assert outcomes(call) == [("transcribe", "running")]


def test_a_call_whose_attempt_is_held_back_is_not_kept(monkeypatch):
    call = ended_call()
    pick = breaker.pick

    def pick_and_pause(*args, **kwargs):
        found = pick(*args, **kwargs)
        pause_analysis()
        return found

    monkeypatch.setattr(breaker, "pick", pick_and_pause)

    assert take() == []
    left = Call.objects.get(pk=call.pk)
    assert (left.lease_owner, left.lease_expires_at) == ("", None)
    assert outcomes(call) == []


def test_words_are_stored_and_ready_for_the_ai_without_personal_data():
    record_packets([packet("c", 1, "My card is 4532 0151 1283 0366.")])
    call = end_call(call_id="c")

    (ready,) = prepare(take())

    assert isinstance(ready, Prepared)
    assert call.transcripts.get().turns[0]["text"] == "My card is 4532 0151 1283 0366."
    assert ready.heard.redacted.turns[0].text == "My card is [CARD]."
    assert outcomes(call) == [("transcribe", "succeeded"), ("understand", "running")]
    assert ready.attempt == call.attempts.get(stage=Stage.UNDERSTAND)


def test_undeclared_audio_among_words_is_left_unchanged():
    ended_call("words")
    call = undeclared_audio("sound")

    words, sound = prepare(take())

    assert isinstance(words, Prepared)
    assert sound is None
    assert outcomes(call) == [("transcribe", "running")]


def test_words_of_a_call_that_another_worker_holds_are_not_stored():
    mine, lost = ended_call(), ended_call()
    taken = take()
    Call.objects.filter(pk=lost.pk).update(lease_token=9)

    ready, refused = prepare(taken)

    assert isinstance(ready, Prepared)
    assert isinstance(refused, LeaseLost)
    assert (mine.transcripts.count(), lost.transcripts.count()) == (1, 0)


def test_words_are_kept_when_the_next_stage_is_held_back():
    call = ended_call()
    taken = take()
    pause_analysis()

    (held_back,) = prepare(taken)

    assert isinstance(held_back, Paused)
    assert outcomes(call) == [("transcribe", "succeeded")]


def test_many_calls_take_as_many_queries_as_one():
    def queries_for(count):
        for _ in range(count):
            ended_call()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            results = prepare(take())
        assert len(results) == count
        return len(captured)

    assert queries_for(12) == queries_for(1)


def test_calls_are_released_together_without_using_up_attempts():
    calls = [ended_call() for _ in range(3)]
    taken = take()
    Call.objects.filter(pk=calls[2].pk).update(lease_token=9)

    results = attempts.release_calls([lease for lease, _ in taken])

    assert results[:2] == [None, None]
    assert isinstance(results[2], LeaseLost)
    assert [outcomes(call) for call in calls[:2]] == [[("transcribe", "released")]] * 2
    assert set(Call.objects.values_list("lease_owner", flat=True)) == {"", "worker-1"}


def test_simultaneous_failures_count_one_by_one(settings):
    settings.AI_BREAKER_FAILURES = 4
    for _ in range(3):
        ended_call()
    spoken_call()
    failures = [attempts.Failure(lease, attempt, outage()) for lease, attempt in take()]

    decisions = attempts.fail_attempts(failures)

    assert all(isinstance(decision, Retry) for decision in decisions)
    health = ProviderHealth.objects.get(provider="fake", stage=Stage.TRANSCRIBE)
    assert health.failures == 4
    assert health.down_since is not None
    assert CallEvent.objects.filter(type="provider_down").count() == 1
    assert set(Attempt.objects.values_list("outcome", flat=True)) <= {"failed", "snoozed"}


def test_migrations_know_json_as_djangos_own():
    assert JSONField(default=dict).deconstruct()[1:] == (
        "django.db.models.JSONField", [], {"default": dict},
    )  # fmt: skip
