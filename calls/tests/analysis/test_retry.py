"""The retry decision, as a table."""

from datetime import timedelta

import pytest

from calls.analysis.providers import ProviderError
from calls.analysis.retry import MAX_SNOOZES, GiveUp, Retry, RetryPolicy

POLICY = RetryPolicy(max_attempts=5, base_s=2, max_wait_s=60)


def passing(**kwargs):
    return ProviderError("503 Service Unavailable", code="503", transient=True, **kwargs)


@pytest.mark.parametrize(("attempt", "wait_s"), [(1, 2), (2, 4), (3, 8), (4, 16)])
def test_waits_double_after_each_failed_attempt(attempt, wait_s):
    assert POLICY.decide(passing(), attempt=attempt) == Retry(timedelta(seconds=wait_s))


def test_the_fifth_failure_is_the_last():
    decision = POLICY.decide(passing(), attempt=5)

    assert isinstance(decision, GiveUp)
    assert "All 5 attempts failed" in decision.reason


def test_waits_are_capped():
    patient = RetryPolicy(max_attempts=20, base_s=2, max_wait_s=60)

    assert patient.decide(passing(), attempt=10) == Retry(timedelta(seconds=60))


def test_a_permanent_error_is_not_tried_again():
    refused = ProviderError("401 Unauthorized", code="401", transient=False)

    decision = POLICY.decide(refused, attempt=1)

    assert isinstance(decision, GiveUp)
    assert "401 Unauthorized" in decision.reason


def test_a_provider_that_sends_retry_after_is_retried_then_at_no_cost():
    busy = passing(retry_after_s=30)

    assert POLICY.decide(busy, attempt=5) == Retry(timedelta(seconds=30), counts=False)


def test_an_absurd_retry_after_is_cut_to_an_hour():
    assert POLICY.decide(passing(retry_after_s=1e9), attempt=1) == Retry(
        timedelta(hours=1), counts=False
    )


def test_a_provider_cannot_delay_forever():
    decision = POLICY.decide(passing(retry_after_s=30), attempt=5, snoozes=MAX_SNOOZES)

    assert isinstance(decision, GiveUp)


def test_a_provider_that_is_down_is_retried_at_the_next_probe_at_no_cost():
    assert POLICY.decide(passing(), attempt=5, down_s=20) == Retry(
        timedelta(seconds=20), counts=False
    )


def test_the_longer_of_two_waits_counts():
    assert POLICY.decide(passing(retry_after_s=30), attempt=1, down_s=20) == Retry(
        timedelta(seconds=30), counts=False
    )


def test_a_permanent_error_stays_permanent_while_a_provider_is_down():
    refused = ProviderError("401 Unauthorized", code="401", transient=False)

    assert isinstance(POLICY.decide(refused, attempt=1, down_s=20), GiveUp)


DAY = RetryPolicy(max_attempts=50, base_s=2, max_wait_s=60, deadline_s=86_400)


def test_no_attempt_starts_after_the_deadline():
    in_time = DAY.decide(passing(), attempt=1, spent_s=86_398)
    too_late = DAY.decide(passing(), attempt=1, spent_s=86_399)

    assert in_time == Retry(timedelta(seconds=2))
    assert isinstance(too_late, GiveUp)
    assert "No result within 86400 s; the last error was: 503" in too_late.reason


def test_retry_after_cannot_move_the_deadline():
    assert isinstance(DAY.decide(passing(retry_after_s=60), attempt=1, spent_s=86_399), GiveUp)


def test_the_deadline_does_not_count_while_a_provider_is_down():
    decision = DAY.decide(passing(), attempt=1, spent_s=1e6, down_s=30)

    assert decision == Retry(timedelta(seconds=30), counts=False)


def test_a_decision_is_written_into_the_log_as_a_sentence():
    wait = Retry(timedelta(seconds=29, microseconds=417_912))

    assert f"{wait}" == "tried again in 29 s"
    assert f"{GiveUp('401 Unauthorized')}" == "failed for good: 401 Unauthorized"
