"""The jobs: a wake-up processes due rows, and the sweep finds calls without a wake-up."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError
from django.utils import timezone
from django_q.models import OrmQ
from psycopg.errors import QueryCanceled

from calls import services, tasks, waking
from calls.lifecycle import CallState
from calls.models import Call, CallEvent
from calls.outage import Outage
from calls.tests.factories import FakeProvider, ended_call, live_call
from calls.worker import stopping

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick_runner(monkeypatch):
    monkeypatch.setattr("calls.analysis.runner.LINGER_S", 0)
    monkeypatch.setattr(tasks, "get_provider", FakeProvider)


def queued():
    return [job.func() for job in OrmQ.objects.all()]


def silent_for(call, seconds):
    Call.objects.filter(pk=call.pk).update(
        last_packet_at=timezone.now() - timedelta(seconds=seconds)
    )


def test_the_end_of_a_call_queues_a_job():
    ended_call()

    assert queued() == [waking.RUN_ANALYSES]


def test_a_job_processes_every_call_that_is_due():
    calls = [ended_call() for _ in range(3)]

    assert tasks.run_analyses() == 3

    states = Call.objects.filter(pk__in=[c.pk for c in calls]).values_list("state", flat=True)
    assert set(states) == {CallState.ARCHIVED}


def test_a_job_with_nothing_due_ends_at_once():
    assert tasks.run_analyses() == 0


def test_a_second_job_in_the_same_worker_leaves_the_calls_to_the_first():
    call = ended_call()

    with stopping.runner_slot() as mine:
        assert mine
        assert tasks.run_analyses() == 0

    assert Call.objects.get(pk=call.pk).state == CallState.COMPLETED


def test_the_sweep_ends_calls_that_fell_silent_and_says_so(settings, caplog):
    settings.CALL_IDLE_TIMEOUT = 60
    silent, talking = live_call(), live_call()
    silent_for(silent, 61)
    silent_for(talking, 59)

    assert tasks.sweep() == 1

    ended = Call.objects.get(pk=silent.pk)
    assert (ended.state, ended.end_reason) == (CallState.COMPLETED, Call.EndReason.IDLE)
    assert Call.objects.get(pk=talking.pk).state == CallState.IN_PROGRESS
    event = CallEvent.objects.filter(call=silent, type="state_change").latest("id")
    assert event.data["reason"] == "idle"
    assert f"call {silent.call_id} ended: no packet for 60 s" in caplog.text


def test_the_sweep_wakes_a_runner_for_a_call_whose_job_was_lost():
    ended_call()
    OrmQ.objects.all().delete()

    tasks.sweep()

    assert queued() == [waking.RUN_ANALYSES]


def test_the_sweep_wakes_no_worker_when_nothing_waits():
    live_call()

    tasks.sweep()

    assert queued() == []


def test_the_sweep_ends_a_call_that_never_sent_a_packet(settings):
    settings.CALL_IDLE_TIMEOUT = 60
    call = services.start_call(call_id="mute")
    Call.objects.filter(pk=call.pk).update(opened_at=timezone.now() - timedelta(seconds=61))

    assert tasks.sweep() == 1


@pytest.mark.parametrize("name", tasks.SWEEP_STEPS)
def test_a_failing_step_of_the_sweep_does_not_hold_up_others_and_is_retried(
    name, monkeypatch, caplog
):
    ran = []
    steps = {step: partial(ran.append, step) for step in tasks.SWEEP_STEPS}
    monkeypatch.setattr(tasks, "SWEEP_STEPS", {**steps, name: partial(_break, name)})

    with pytest.raises(ExceptionGroup, match=f"1 of {len(steps)} steps failed"):
        tasks.sweep()
    monkeypatch.setattr(tasks, "SWEEP_STEPS", steps)
    tasks.sweep()

    others = [step for step in steps if step != name]
    assert ran == [*others, *steps]
    assert f"cannot {name}" in caplog.text


def _break(name):
    raise RuntimeError(name)


def gone():
    raise OperationalError("the server has gone")


def cancelled():
    raise OperationalError("canceling statement due to statement timeout") from QueryCanceled()


@pytest.fixture
def _own_outage(monkeypatch):
    monkeypatch.setattr(tasks, "outage", Outage(tasks.log, "jobs wait"))


@pytest.mark.usefixtures("_own_outage")
def test_a_database_that_is_away_is_one_warning_for_all_steps_of_all_sweeps(monkeypatch, caplog):
    monkeypatch.setattr(tasks, "SWEEP_STEPS", dict.fromkeys(tasks.SWEEP_STEPS, gone))
    for _ in range(3):
        assert tasks.sweep() == 0
    monkeypatch.undo()

    tasks.sweep()

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "jobs wait: the server has gone" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.usefixtures("_own_outage")
def test_a_step_that_is_cancelled_as_too_slow_is_named_without_a_traceback(monkeypatch, caplog):
    ran = []
    steps = {"prune": cancelled, tasks.END_IDLE: lambda: ran.append("idle") or 0}
    monkeypatch.setattr(tasks, "SWEEP_STEPS", steps)

    assert tasks.sweep() == 0

    assert ran == ["idle"]
    assert "sweep: cannot prune; the next sweep tries again: canceling statement" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.usefixtures("_own_outage")
@pytest.mark.parametrize(
    ("job", "work"),
    [
        (tasks.run_analyses, "any_due"),
        (partial(tasks.run_bulk, 1), "carry_on"),
        (partial(tasks.run_erasure, "e"), "carry_on_erasing"),
    ],
    ids=["analyses", "bulk", "erasure"],
)
def test_a_job_ends_quietly_while_the_database_is_away(job, work, monkeypatch, caplog):
    monkeypatch.setattr(tasks, work, lambda *_, **__: gone())

    for _ in range(3):
        assert job() is None

    assert [record.levelname for record in caplog.records] == ["WARNING"]
