"""Analysing again: from which stage, many at once, and automatically after an outage."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ

from calls import services, tasks
from calls.actions import ACTIONS
from calls.analysis import breaker
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Call, CallEvent, ProviderHealth, Stage
from calls.tests import one_call
from calls.tests.audio import CardProvider, archived_audio, carry, carry_to_end
from calls.tests.factories import (
    FakeProvider,
    archived_call,
    attempt,
    claim,
    ended_call,
    failed_call,
    fetch,
    packet,
    refusal,
)

pytestmark = pytest.mark.django_db


def fail(call, stage):
    """Take a due call to FAILED in this stage."""
    lease = claim()
    if stage == Stage.UNDERSTAND and lease.stage == Stage.TRANSCRIBE:
        carry(lease, Stage.TRANSCRIBE)
    one_call.fail_attempt(lease, attempt(lease, stage), refusal())
    return fetch(call)


def said(command, *arguments):
    out, err = StringIO(), StringIO()
    call_command(command, *arguments, stdout=out, stderr=err)
    return out.getvalue().strip()


# --- One stage ---
def test_a_reanalysis_starts_from_scratch():
    call, provider = archived_audio(), CardProvider()

    services.reanalyse_call(call_id=call.call_id)
    carry_to_end(call, provider)

    assert len(provider.heard) == 1
    assert (call.transcripts.count(), call.analyses.count()) == (2, 2)


def test_a_reanalysis_of_the_understanding_keeps_the_transcript_and_the_recording():
    call, provider = archived_audio(), CardProvider()
    file = str(call.recording.file)

    services.reanalyse_call(call_id=call.call_id, stage=Stage.UNDERSTAND)
    again = carry_to_end(call, provider)

    assert provider.heard == []
    assert (call.transcripts.count(), call.analyses.count()) == (1, 2)
    assert str(again.recording.file) == file
    assert again.recording.redacted_sha256


def test_the_next_reanalysis_is_from_scratch_again():
    call, provider = archived_audio(), CardProvider()
    services.reanalyse_call(call_id=call.call_id, stage=Stage.UNDERSTAND)
    carry_to_end(call)

    services.reanalyse_call(call_id=call.call_id)
    carry_to_end(call, provider)

    assert len(provider.heard) == 1


def test_an_unknown_stage_is_refused():
    call = archived_call()

    with pytest.raises(ValueError, match="guess"):
        services.reanalyse_call(call_id=call.call_id, stage="guess")


@pytest.mark.parametrize(
    ("query", "stage"),
    [("", "transcribe"), ("?stage=transcribe", "transcribe"), ("?stage=understand", "understand")],
)
def test_the_api_takes_the_stage(api, query, stage):
    call = archived_call()

    response = api.post(f"/v1/call/{call.call_id}/reanalyse{query}")

    assert response.status_code == 200
    assert fetch(call).first_stage == stage


def test_the_api_refuses_another_stage_and_leaves_the_call_alone(api):
    call = archived_call()

    response = api.post(f"/v1/call/{call.call_id}/reanalyse?stage=summary")

    assert response.status_code == 400
    assert response.json() == {"stage": ["Must be one of transcribe, understand."]}
    assert fetch(call).state == CallState.ARCHIVED


def test_a_retry_continues_at_the_stage_that_failed():
    call, provider = fail(ended_call(), Stage.UNDERSTAND), FakeProvider()

    services.retry_call(call_id=call.call_id)
    again = carry_to_end(call, provider)

    assert again.state == CallState.ARCHIVED
    assert again.transcripts.count() == 1
    assert provider.asked == 1


def test_a_retry_of_a_transcription_starts_there():
    call = failed_call()

    services.retry_call(call_id=call.call_id)

    assert claim().stage == Stage.TRANSCRIBE


def test_a_retry_reads_packets_that_came_after_the_transcript():
    call = fail(ended_call(), Stage.UNDERSTAND)
    record_packets([packet(call.call_id, 9, "One more thing.")])

    services.retry_call(call_id=call.call_id)
    carry_to_end(call, FakeProvider())

    assert "One more thing." in call.transcripts.latest().turns[-1]["text"]


def test_a_call_that_kept_its_transcript_is_taken_while_only_transcription_is_down():
    call = archived_call()
    services.reanalyse_call(call_id=call.call_id, stage=Stage.UNDERSTAND)
    later = timezone.now() + timedelta(hours=1)
    ProviderHealth.objects.create(
        provider="fake", stage=Stage.TRANSCRIBE, down_since=timezone.now(), probe_at=later
    )
    now = timezone.now()

    picked = breaker.pick(Call.objects.due(now=now), provider="fake", limit=9, now=now)

    assert picked == [call.pk]


# --- Many at once ---
def test_archived_calls_of_a_queue_are_reanalysed_from_a_stage():
    chosen, other = archived_call("chosen"), archived_call("other")
    Call.objects.filter(pk=chosen.pk).update(queue="billing")
    options = ["--state", "ARCHIVED", "--queue", "billing", "--stage", "understand"]

    assert said("reanalyse", *options, "--dry-run") == "1 calls would be changed."
    assert fetch(chosen).state == CallState.ARCHIVED
    assert said("reanalyse", *options) == "1 calls changed, 0 refused."
    assert (fetch(chosen).state, fetch(chosen).first_stage) == (CallState.COMPLETED, "understand")
    assert fetch(other).state == CallState.ARCHIVED


def test_many_calls_wake_the_worker_only_a_few_times(call_in):
    for number in range(150):
        call_in(CallState.FAILED, f"f-{number}")
    OrmQ.objects.all().delete()

    assert said("retry_failed") == "150 calls changed, 0 refused."
    assert Call.objects.filter(state=CallState.COMPLETED).count() == 150
    assert OrmQ.objects.count() <= 3


def test_the_oldest_calls_come_first_up_to_a_limit(call_in):
    for number in range(5):
        call_in(CallState.FAILED, f"f-{number}")

    assert said("retry_failed", "--limit", "2", "--dry-run") == "2 calls would be changed."
    said("retry_failed", "--limit", "2")

    retried = Call.objects.filter(state=CallState.COMPLETED).values_list("call_id", flat=True)
    assert set(retried) == {"f-0", "f-1"}


def test_one_refused_call_does_not_stop_the_others(call_in, monkeypatch):
    for number in range(3):
        call_in(CallState.FAILED, f"f-{number}")
    retry = services.retry_call

    def refuse(*, call_id, **options):
        if call_id == "f-1":
            Call.objects.get(call_id=call_id).delete()
        return retry(call_id=call_id, **options)

    monkeypatch.setitem(ACTIONS, "retry", replace(ACTIONS["retry"], run=refuse))

    assert said("retry_failed") == "2 calls changed, 1 refused."


def test_the_command_is_named_in_the_log():
    failed_call()

    said("retry_failed")

    assert CallEvent.objects.filter(type="state_change").latest("id").data["by"] == "manage.py"


@pytest.mark.parametrize("option", ["--opened-after=yesterday", "--direction=up"])
def test_a_filter_that_makes_no_sense_is_refused(option):
    with pytest.raises(CommandError, match=option.partition("=")[0]):
        said("retry_failed", option)


def test_only_archived_calls_are_reanalysed():
    with pytest.raises(CommandError, match="state"):
        said("reanalyse", "--state", "FAILED")


# --- By itself ---
@pytest.fixture
def _after_an_hour(settings):
    settings.AI_AUTO_RETRY_AFTER = 3600
    settings.AI_AUTO_RETRY_ROUNDS = 2


def wait(call, **time):
    Call.objects.filter(pk=call.pk).update(state_changed_at=timezone.now() - timedelta(**time))


def test_failed_calls_are_not_retried_automatically_by_default():
    call = failed_call()
    wait(call, days=30)

    tasks.sweep()

    assert fetch(call).state == CallState.FAILED


@pytest.mark.usefixtures("_after_an_hour")
def test_a_failed_call_is_retried_by_the_sweep_when_it_is_due():
    early, due = failed_call(), failed_call()
    wait(early, minutes=59)
    wait(due, minutes=61)
    OrmQ.objects.all().delete()

    tasks.sweep()

    assert fetch(early).state == CallState.FAILED
    assert (fetch(due).state, fetch(due).automatic_retries) == (CallState.COMPLETED, 1)
    event = CallEvent.objects.filter(call=due, type="state_change").latest("id")
    assert event.data["by"] == "automatic retry 1 of 2"
    assert OrmQ.objects.exists()


@pytest.mark.usefixtures("_after_an_hour")
def test_a_call_that_keeps_failing_is_left_alone_after_some_rounds():
    call = failed_call()

    retried = []
    for _ in range(4):
        wait(call, hours=2)
        retried.append(services.retry_failed_calls())
        if retried[-1]:
            fail(call, Stage.TRANSCRIBE)

    assert retried == [1, 1, 0, 0]
    assert fetch(call).state == CallState.FAILED


@pytest.mark.usefixtures("_after_an_hour")
def test_a_manual_retry_resets_the_automatic_rounds():
    call = failed_call()
    Call.objects.filter(pk=call.pk).update(automatic_retries=2)

    services.retry_call(call_id=call.call_id, by="eve")

    assert fetch(call).automatic_retries == 0


@pytest.mark.usefixtures("_after_an_hour")
def test_a_call_that_somebody_else_has_retried_meanwhile_is_not_retried_again():
    call = failed_call()
    wait(call, hours=2)
    services.retry_call(call_id=call.call_id)

    before = timezone.now() - timedelta(hours=1)

    assert services._retry_if_due(call.pk, before=before) is False
    assert fetch(call).analysis_round == 1
