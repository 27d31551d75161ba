"""While the analysis is paused, calls are received and wait, and nothing is lost."""

from __future__ import annotations

import asyncio
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django_q.models import OrmQ

from calls import tasks, waking
from calls.analysis import claims
from calls.analysis.attempts import Paused
from calls.analysis.pausing import AlreadySo, find_pause, pause_analysis, resume_analysis
from calls.analysis.runner import Runner
from calls.lifecycle import CallState
from calls.models import Attempt, Call, CallEvent, Stage
from calls.tests import one_call
from calls.tests.factories import FakeProvider, attempt, claim, claim_all, ended_call

pytestmark = pytest.mark.django_db


def queued():
    return [job.func() for job in OrmQ.objects.all()]


def test_nothing_is_claimed_while_the_analysis_is_paused():
    pause_analysis(by="ann", reason="The bill is too high.")
    ended_call()

    assert claim_all() == []
    assert not claims.any_due(within_s=3600)


def test_calls_end_during_a_pause_and_are_claimed_when_it_is_resumed():
    pause_analysis()
    call = ended_call()
    assert Call.objects.get(pk=call.pk).state == CallState.COMPLETED
    OrmQ.objects.all().delete()

    resume_analysis(by="ann")

    assert queued() == [waking.RUN_ANALYSES]
    assert claim().call_id == call.call_id


def test_a_claimed_call_finishes_its_attempt_and_stops():
    ended_call()
    lease = claim()
    attempt(lease)
    pause_analysis()

    with pytest.raises(Paused):
        one_call.start_attempt(lease, stage=Stage.UNDERSTAND, provider="fake")


@pytest.mark.django_db(transaction=True)
def test_running_attempts_finish_and_other_calls_are_released_at_no_cost():
    class PausedMeanwhile(FakeProvider):
        async def understand(self, turns, *, language):
            await asyncio.to_thread(pause_analysis)
            return await super().understand(turns, language=language)

    first = ended_call()

    asyncio.run(Runner(PausedMeanwhile(), linger_s=0).run())
    second = ended_call()
    asyncio.run(Runner(FakeProvider(), linger_s=0, lifetime_s=1).run())

    assert Call.objects.get(pk=first.pk).state == CallState.ARCHIVED
    assert Call.objects.get(pk=second.pk).state == CallState.COMPLETED
    assert not second.attempts.exists()
    assert set(first.attempts.values_list("outcome", flat=True)) == {Attempt.Outcome.SUCCEEDED}


def test_the_sweep_wakes_nobody_and_ends_idle_calls_all_the_same(settings):
    ended_call()
    OrmQ.objects.all().delete()
    pause_analysis()

    tasks.sweep()

    assert queued() == []


def test_the_log_says_who_paused_the_analysis_and_for_how_long():
    pause_analysis(by="ann", reason="The bill is too high.")
    resume_analysis(by="bob")

    paused, resumed = CallEvent.objects.order_by("id")
    assert (paused.type, paused.data) == (
        "analysis_paused",
        {"by": "ann", "reason": "The bill is too high."},
    )
    assert (resumed.type, resumed.data["by"]) == ("analysis_resumed", "bob")
    assert resumed.data["seconds"] >= 0


def test_a_second_pause_is_refused_and_changes_nothing():
    pause_analysis(by="ann")

    with pytest.raises(AlreadySo, match="already paused"):
        pause_analysis(by="bob")

    pause = find_pause()
    assert pause is not None
    assert pause.by == "ann"
    assert CallEvent.objects.count() == 1


def test_resuming_without_a_pause_is_refused():
    with pytest.raises(AlreadySo, match="not paused"):
        resume_analysis()


# From outside
def said(*arguments):
    out = StringIO()
    call_command("analysis", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_pauses_shows_the_status_and_resumes():
    ended_call()

    assert "is paused" in said("pause", "--reason", "Maintenance.")
    assert "Maintenance." in said("status")
    assert "transcribe  1 ready, 0 waiting for a retry, 0 running" in said("status")
    assert "is resumed" in said("resume")
    assert "paused" not in said("status")
    with pytest.raises(CommandError, match="not paused"):
        call_command("analysis", "resume")


def test_monitoring_shows_a_pause_and_the_service_stays_ready(client, heartbeat):
    pause_analysis()

    ready = client.get("/readyz")

    assert ready.status_code == 200
    assert "The analysis has been paused since" in ready.json()["notes"][0]
    assert "callcenter_analysis_paused 1.0" in client.get("/metrics").content.decode()
