"""When a provider counts as down, which calls wait for it, and what that costs them."""

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from calls.analysis import breaker
from calls.analysis.attempts import ProviderIsDown
from calls.analysis.providers import ProviderError
from calls.ingest.record import record_packets
from calls.models import Attempt, Call, ProviderHealth, Stage
from calls.services import end_call
from calls.tests import one_call
from calls.tests.analysis.down_provider import bring_down, claim, fail, health, let_probe_time_come
from calls.tests.factories import (
    SILENCE,
    TRANSCRIPT,
    attempt,
    ended_call,
    outage,
    packet,
    refusal,
    spoken_call,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("short_breaker")]


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


def test_a_success_in_between_resets_the_failures():
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
def test_an_error_that_is_a_response_resets_the_failures(error):
    for _ in range(3):
        spoken_call()
    leases = claim()
    fail(leases[0])
    fail(leases[1])

    fail(leases[2], error)

    assert (health().failures, health().down_since) == (0, None)


def test_failures_far_apart_are_not_an_outage():
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


def test_each_stage_is_down_separately():
    bring_down()
    spoken_call()
    Attempt.objects.update(outcome=Attempt.Outcome.SUCCEEDED)  # all but the last are transcribed
    Call.objects.update(next_attempt_at=None)

    leases = claim()

    assert len(leases) == 3
    assert all(attempt(lease, Stage.UNDERSTAND).number == 1 for lease in leases)


# Who waits for it
def test_text_calls_pass_audio_that_waits_for_transcription():
    bring_down()
    spoken_call("heard")
    ended_call("read")

    (lease,) = claim()

    assert lease.call_id == "read"
    assert attempt(lease).number == 1


def test_text_calls_that_pass_are_not_probes():
    bring_down()
    let_probe_time_come()
    ended_call()
    leases = claim()
    words = next(place for place, lease in enumerate(leases) if not lease.is_spoken)

    one_call.save_transcript(leases[words], attempt(leases[words]), asked=False, **TRANSCRIPT)

    assert len(leases) == 2
    assert health().probe_at > timezone.now()
    assert claim() == []


def test_undeclared_audio_makes_one_attempt_and_waits_like_all_audio():
    bring_down()
    record_packets([packet("undeclared", 1, SILENCE)])
    end_call(call_id="undeclared")
    (lease,) = claim()

    fail(lease)
    Call.objects.update(next_attempt_at=None)

    assert Attempt.objects.latest("id").outcome == Attempt.Outcome.SNOOZED
    assert health().wait_s == 30
    assert claim() == []


def test_audio_that_was_transcribed_before_the_outage_continues():
    spoken_call("heard")
    (lease,) = claim()
    one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    bring_down()

    one_call.release(lease)

    assert [(each.call_id, each.stage) for each in claim()] == [("heard", Stage.UNDERSTAND)]


def test_the_queries_of_a_worker_do_not_grow_with_the_waiting_calls(django_assert_num_queries):
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


def test_a_claimed_call_is_released_without_using_up_an_attempt():
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


# What monitoring hears
def test_monitoring_shows_the_outage_and_the_service_stays_ready(client, heartbeat):
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
