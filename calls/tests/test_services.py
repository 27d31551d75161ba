"""Services on calls: state, event and job change together or not at all."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import OrmQ

from calls import events, services, waking
from calls.ingest.record import record_packets
from calls.lifecycle import CallState
from calls.models import Call, CallEvent
from calls.tests.factories import packet

pytestmark = pytest.mark.django_db

DESCRIBED = {"agent": "Ann", "caller": "+44", "queue": "sales", "media": "text/plain"}
ACTIONS = [
    (services.end_call, CallState.IN_PROGRESS, "ended"),
    (services.retry_call, CallState.FAILED, "retried"),
    (services.reanalyse_call, CallState.ARCHIVED, "reanalysed"),
]


def logged() -> list[tuple[str, str]]:
    return list(CallEvent.objects.values_list("type", "state"))


def test_a_start_opens_the_call_and_says_who_calls_whom():
    call = services.start_call(call_id="c-1", **DESCRIBED)

    stored = Call.objects.get()
    assert stored == call
    assert (stored.state, stored.agent, stored.media) == ("IN_PROGRESS", "Ann", "text/plain")
    assert logged() == [("state_change", "IN_PROGRESS"), ("call_described", "IN_PROGRESS")]
    described = {**DESCRIBED, "callee": "", "direction": "", "language": "", "external_id": ""}
    assert CallEvent.objects.last().data == described


def test_a_repeated_start_changes_and_logs_nothing():
    services.start_call(call_id="c-1", **DESCRIBED)

    services.start_call(call_id="c-1", **DESCRIBED)
    services.start_call(call_id="c-1")

    assert len(logged()) == 2


def test_a_later_start_adds_new_details_and_clears_none():
    services.start_call(call_id="c-1", agent="Ann", queue="sales")

    services.start_call(call_id="c-1", agent="", queue="billing", callee="+49")

    call = Call.objects.get()
    assert (call.agent, call.queue, call.callee) == ("Ann", "billing", "+49")


@pytest.mark.parametrize("state", CallState)
def test_a_start_is_accepted_at_any_time_and_changes_no_state(call_in, state):
    call_in(state)

    services.start_call(call_id="c-1", agent="Ann")

    call = Call.objects.get()
    assert (call.state, call.agent, call.version) == (state, "Ann", 1)


def test_a_start_does_not_undo_what_packets_counted(call_in):
    record_packets([packet("c-1", 1), packet("c-1", 2)])

    services.start_call(call_id="c-1", agent="Ann")

    assert Call.objects.get().packet_count == 2


def test_a_correction_may_clear_a_field_and_is_logged():
    services.start_call(call_id="c-1", agent="Ann", queue="sales")

    services.describe_call(call_id="c-1", agent="", queue="sales")
    services.describe_call(call_id="c-1", agent="", queue="sales")

    call = Call.objects.get()
    assert (call.agent, call.queue) == ("", "sales")
    assert [kind for kind, _ in logged()].count("call_described") == 2


def test_ending_a_call_moves_it_logs_it_and_queues_its_analysis(call_in):
    call_in(CallState.IN_PROGRESS)
    before = timezone.now()

    call = services.end_call(call_id="c-1", reason=Call.EndReason.OPERATOR, by="ann")

    event = CallEvent.objects.get()
    assert (call.state, call.version, call.end_reason) == ("COMPLETED", 2, "operator")
    assert before <= call.ended_at == call.state_changed_at == event.at
    assert (event.type, event.state, event.call) == ("state_change", "COMPLETED", call)
    assert event.data == {
        "previous": "IN_PROGRESS", "version": 2, "reason": "operator", "by": "ann"
    }  # fmt: skip
    assert OrmQ.objects.get().func() == waking.RUN_ANALYSES


@pytest.mark.parametrize(
    ("service", "state"), [(services.retry_call, "FAILED"), (services.reanalyse_call, "ARCHIVED")]
)
def test_another_round_begins_now_and_with_no_error(call_in, service, state):
    call_in(state, last_error="503", next_attempt_at=timezone.now(), analysis_round=1)

    call = service(call_id="c-1", by="ann")

    event = CallEvent.objects.get()
    assert (call.state, call.analysis_round) == ("COMPLETED", 2)
    assert (call.last_error, call.next_attempt_at) == ("", None)
    assert (event.data["previous"], event.data["by"]) == (state, "ann")
    assert OrmQ.objects.count() == 1


@pytest.mark.parametrize(("service", "possible", "done"), ACTIONS)
@pytest.mark.parametrize("state", CallState)
def test_an_action_that_the_state_forbids_changes_nothing(call_in, service, possible, done, state):
    call_in(state)
    if state == possible:
        return

    with pytest.raises(services.NotPossible) as refused:
        service(call_id="c-1")

    assert str(refused.value) == f"A call that is {CallState(state).in_words} cannot be {done}."
    assert refused.value.state == state
    assert (Call.objects.get().state, Call.objects.get().analysis_round) == (state, 0)
    assert not logged()
    assert not OrmQ.objects.exists()


@pytest.mark.parametrize("service", [service for service, _, _ in ACTIONS])
def test_an_unknown_call_is_named_in_the_error(service):
    with pytest.raises(services.CallNotFound, match=r"There is no call c-9\."):
        service(call_id="c-9")


@pytest.mark.parametrize(("service", "state", "done"), ACTIONS)
def test_if_the_event_cannot_be_written_nothing_is_changed(
    call_in, monkeypatch, service, state, done
):
    call_in(state)

    def fail(*args, **kwargs):
        raise RuntimeError("disk full")

    monkeypatch.setattr(events, "append", fail)
    with pytest.raises(RuntimeError, match="disk full"), transaction.atomic():
        service(call_id="c-1")

    assert Call.objects.get().state == state
    assert not OrmQ.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_simultaneous_ends_succeeds(call_in):
    call_in(CallState.IN_PROGRESS)
    start, outcomes = threading.Barrier(8), []

    def end():
        try:
            start.wait(10)
            services.end_call(call_id="c-1")
            outcomes.append("ended")
        except services.NotPossible as error:
            outcomes.append(error.state)
        finally:
            connection.close()

    threads = [threading.Thread(target=end) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(outcomes) == ["COMPLETED"] * 7 + ["ended"]
    assert Call.objects.get().version == 2
    assert len(logged()) == 1
    assert OrmQ.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_packets_that_come_while_a_call_ends_are_counted_and_flagged():
    record_packets([packet("c-1", 1)])
    start = threading.Barrier(2)

    def send():
        try:
            start.wait(10)
            for sequence in range(2, 40):
                record_packets([packet("c-1", sequence)])
        finally:
            connection.close()

    thread = threading.Thread(target=send)
    thread.start()
    start.wait(10)
    services.end_call(call_id="c-1")
    thread.join(30)

    call = Call.objects.get()
    stream = call.streams.get()
    assert (call.state, call.packet_count) == ("COMPLETED", 39)
    assert stream.packets.filter(late=True).count() == call.late_count == stream.late_count
