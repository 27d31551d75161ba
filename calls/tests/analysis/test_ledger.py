"""Leases, attempts and results: what a worker may write, and what is left if it dies."""

from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone

from calls import services
from calls.analysis import attempts, findings
from calls.analysis import leases as analysis_leases
from calls.analysis.leases import LeaseLost
from calls.analysis.retry import GiveUp, Retry
from calls.lifecycle import CallState
from calls.models import Attempt, Call, CallEvent, Stage
from calls.tests import one_call
from calls.tests.factories import (
    ANALYSIS,
    TRANSCRIPT,
    archived_call,
    attempt,
    claim,
    claim_all,
    ended_call,
    failed_call,
    fetch,
    live_call,
    outage,
    refusal,
)

pytestmark = pytest.mark.django_db


def let_lease_run_out(call):
    Call.objects.filter(pk=call.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def make_due(call):
    Call.objects.filter(pk=call.pk).update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def test_a_claimed_call_is_processing_and_cannot_be_claimed_again():
    call = ended_call()

    lease = claim()

    assert lease.call_id == call.call_id
    assert fetch(call).state == CallState.PROCESSING_AI
    assert claim_all("worker-2") == []


def test_a_live_call_is_not_due():
    live_call()

    assert claim_all() == []


def test_the_call_that_waits_longest_is_taken_first():
    first, second = ended_call(), ended_call()
    Call.objects.filter(pk=first.pk).update(state_changed_at=F("state_changed_at") - timedelta(1))

    taken = claim_all(limit=1)

    assert [lease.call_id for lease in taken] == [first.call_id]
    assert second.call_id not in taken


def test_a_call_whose_worker_died_is_claimed_again_and_the_attempt_counted():
    call = ended_call()
    attempt(claim())
    let_lease_run_out(call)

    again = claim("worker-2")

    assert attempt(again).number == 2
    assert Attempt.objects.filter(outcome=Attempt.Outcome.CRASHED).count() == 1


def test_a_call_whose_worker_died_in_the_last_attempt_fails(settings):
    settings.AI_MAX_ATTEMPTS = 1
    call = ended_call()
    attempt(claim())
    let_lease_run_out(call)

    assert claim_all("worker-2") == []
    assert fetch(call).state == CallState.FAILED


def test_a_late_write_of_a_worker_that_lost_its_lease_is_refused():
    call = ended_call()
    old = claim("worker-1")
    tried = attempt(old)
    let_lease_run_out(call)
    claim("worker-2")

    with pytest.raises(LeaseLost):
        one_call.save_transcript(old, tried, **TRANSCRIPT)
    with pytest.raises(LeaseLost):
        one_call.fail_attempt(old, tried, outage())
    assert call.transcripts.count() == 0


def test_a_heartbeat_prolongs_own_leases_only():
    call = ended_call()
    claim("worker-1")
    let_lease_run_out(call)

    analysis_leases.extend_leases(owner="worker-2", call_pks=[call.pk])

    assert fetch(call).lease_expires_at < timezone.now()
    analysis_leases.extend_leases(owner="worker-1", call_pks=[call.pk])
    assert fetch(call).lease_expires_at > timezone.now()


def test_a_temporary_failure_waits_in_processing_and_shows_the_next_attempt():
    call = ended_call()
    lease = claim()

    decision = one_call.fail_attempt(lease, attempt(lease), outage())

    waiting = fetch(call)
    assert decision == Retry(timedelta(seconds=2))
    assert waiting.state == CallState.PROCESSING_AI
    assert waiting.next_attempt_at > timezone.now()
    assert waiting.last_error == "503 Service Unavailable"
    assert claim_all("worker-2") == []


def test_five_failed_attempts_end_in_failed_with_five_rows():
    call = ended_call()

    for _ in range(5):
        lease = claim()
        decision = one_call.fail_attempt(lease, attempt(lease), outage())
        make_due(call)

    assert isinstance(decision, GiveUp)
    assert fetch(call).state == CallState.FAILED
    numbers = call.attempts.values_list("number", "outcome")
    assert list(numbers) == [(n, Attempt.Outcome.FAILED) for n in range(1, 6)]


def test_a_permanent_failure_fails_at_once():
    call = ended_call()
    lease = claim()

    one_call.fail_attempt(lease, attempt(lease), refusal())

    assert fetch(call).state == CallState.FAILED
    assert "401" in fetch(call).last_error


def test_a_snooze_uses_up_no_attempt():
    call = ended_call()
    lease = claim()

    one_call.fail_attempt(lease, attempt(lease), outage(retry_after_s=1))

    make_due(call)
    assert attempt(claim()).number == 1
    assert call.attempts.filter(outcome=Attempt.Outcome.SNOOZED).count() == 1


def test_a_released_call_is_due_at_once_and_lost_no_attempt():
    call = ended_call()
    lease = claim()
    attempt(lease)

    one_call.release(lease)

    assert attempt(claim("worker-2")).number == 1
    assert call.attempts.filter(outcome=Attempt.Outcome.RELEASED).count() == 1


def test_an_archived_call_has_its_result_and_its_sentiment():
    call = archived_call()

    assert call.state == CallState.ARCHIVED
    assert call.customer_sentiment == "NEUTRAL"
    assert call.analyses.get().summary == "A call."
    assert call.lease_owner == ""


def test_a_second_archive_of_the_same_lease_is_refused():
    ended_call()
    lease = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    tried = attempt(lease, Stage.UNDERSTAND)
    one_call.archive(lease, tried, transcript=transcript, headline={}, **ANALYSIS)

    with pytest.raises(LeaseLost):
        one_call.archive(lease, tried, transcript=transcript, headline={}, **ANALYSIS)


def test_a_retried_call_starts_a_round_with_all_attempts():
    call = failed_call()

    services.retry_call(call_id=call.call_id, by="eve")

    tried = attempt(claim())
    assert (tried.round, tried.number) == (1, 1)


def test_a_reanalysed_call_keeps_its_old_result():
    call = archived_call()

    services.reanalyse_call(call_id=call.call_id)
    lease = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)

    assert transcript.version == 2
    assert call.transcripts.count() == 2


def test_every_attempt_and_every_change_is_in_the_log():
    call = archived_call()

    logged = CallEvent.objects.filter(call=call).values_list("type", "state")

    assert list(logged) == [
        ("state_change", "IN_PROGRESS"),
        ("state_change", "COMPLETED"),
        ("state_change", "PROCESSING_AI"),
        ("analysis_attempt", "PROCESSING_AI"),
        ("analysis_attempt", "PROCESSING_AI"),
        ("state_change", "ARCHIVED"),
    ]


def test_a_call_gets_no_attempt_after_its_deadline(settings):
    settings.AI_DEADLINE = 3600
    call = ended_call()
    lease = claim()
    Call.objects.update(state_changed_at=timezone.now() - timedelta(hours=2))

    one_call.fail_attempt(lease, attempt(lease), outage())

    assert fetch(call).state == CallState.FAILED
    assert "No result within 3600 s" in fetch(call).last_error


def test_the_request_ids_of_the_provider_are_kept_with_the_attempt():
    ended_call()
    lease = claim()
    findings.save_transcripts(
        [findings.StageResult(lease, attempt(lease), TRANSCRIPT, request_id="req-1, req-2")]
    )
    tried = attempt(lease, Stage.UNDERSTAND)
    one_call.fail_attempt(lease, tried, outage(request_id="req-3"))

    assert list(Attempt.objects.values_list("request_id", flat=True)) == ["req-1, req-2", "req-3"]


def test_failures_with_different_messages_are_all_recorded():
    for _ in range(3):
        ended_call()
    leases = claim_all(limit=3)
    failures = [
        attempts.Failure(lease, attempt(lease), outage(request_id=f"req-{number}"))
        for number, lease in enumerate(leases)
    ]

    attempts.fail_attempts(failures)

    calls = list(Call.objects.order_by("pk"))
    assert {call.last_error for call in calls} == {"503 Service Unavailable"}
    assert all(call.next_attempt_at and not call.lease_owner for call in calls)
    ids = Attempt.objects.order_by("pk").values_list("request_id", flat=True)
    assert list(ids) == ["req-0", "req-1", "req-2"]


def test_the_database_refuses_a_second_attempt_at_a_time():
    ended_call()
    lease = claim()

    with pytest.raises(IntegrityError):
        Attempt.objects.create(
            call_id=lease.call_pk, number=2, stage=Stage.TRANSCRIBE, provider="fake"
        )


def test_the_database_refuses_a_second_success_of_a_stage_in_one_round():
    call = archived_call()
    first = call.attempts.filter(stage=Stage.TRANSCRIBE).get()

    first.pk = None
    with pytest.raises(IntegrityError):
        first.save(force_insert=True)
