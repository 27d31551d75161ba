"""The probe: one call at a time finds out whether a provider is back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.models import Attempt, Call, ProviderHealth, Stage
from calls.tests import one_call
from calls.tests.analysis.down_provider import bring_down, claim, fail, health, let_probe_time_come
from calls.tests.factories import (
    ANALYSIS,
    TRANSCRIPT,
    attempt,
    ended_call,
    outage,
    spoken_call,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("short_breaker")]


def test_one_call_is_claimed_as_a_probe():
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


def test_every_probe_uses_another_call():
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


def test_a_successful_probe_releases_all_calls():
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


def test_a_success_in_one_stage_does_not_end_an_outage_in_the_other():
    bring_down()
    ended_call()
    (lease,) = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), asked=False, **TRANSCRIPT)
    tried = attempt(lease, Stage.UNDERSTAND)

    one_call.archive(lease, tried, transcript=transcript, headline={}, **ANALYSIS)

    assert health().down_since
