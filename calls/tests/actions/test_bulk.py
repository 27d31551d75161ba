"""Bulk actions: outcomes, limits, jobs that run twice or die, and calls that change meanwhile."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from calls import services, tasks
from calls.actions import ACTIONS, bulk
from calls.actions.bulk import TooMany, carry_on, start_bulk, stop_bulk
from calls.annotations import AnnotationRefused, add_tag
from calls.lifecycle import CallState
from calls.models import Alert, AlertRule, BulkAction, BulkItem, Call, CallEvent, Stage

pytestmark = pytest.mark.django_db

Outcome = BulkItem.Outcome


@pytest.fixture
def calls_in(call_in):
    def make(state, number, prefix="c"):
        return [call_in(state, call_id=f"{prefix}-{at}").call_id for at in range(number)]

    return make


def outcomes(action):
    return {name: n for name, n in bulk.count_outcomes(action).items() if n}


def jobs():
    return [each.task["func"] for each in OrmQ.objects.order_by("id")]


def finished(action):
    action.refresh_from_db()
    return action.finished_at is not None


def test_a_few_calls_are_processed_at_once_with_the_users_name_and_one_wake_up(calls_in):
    failed, live = calls_in(CallState.FAILED, 3), calls_in(CallState.IN_PROGRESS, 2, "live")

    action = start_bulk(kind="retry", call_ids=[*failed, *live, "nowhere"], by="ann")

    assert outcomes(action) == {"done": 3, "refused": 3}
    assert finished(action)
    assert jobs() == ["calls.tasks.run_analyses"]
    assert set(Call.objects.filter(call_id__in=failed).values_list("state", flat=True)) == {
        CallState.COMPLETED
    }
    by = CallEvent.objects.filter(call__call_id__in=failed).values_list("data__by", flat=True)
    assert list(by) == ["ann"] * 3
    reasons = dict(action.items.filter(outcome="refused").values_list("call_id", "reason"))
    assert reasons["live-0"] == "A call that is live cannot be retried."
    assert reasons["nowhere"] == "There is no call nowhere."


def test_each_kind_does_what_it_says(calls_in):
    live = calls_in(CallState.IN_PROGRESS, 1, "live")
    archived = calls_in(CallState.ARCHIVED, 1, "archived")
    failed = calls_in(CallState.FAILED, 1, "failed")
    everything = [*live, *archived]
    rule = AlertRule.objects.create(name="x", kind="silence")
    for call in Call.objects.filter(call_id__in=everything):
        for number in (1, 2):
            Alert.objects.create(call=call, rule=rule, severity=2, name="x", number=number)

    start_bulk(kind="acknowledge", call_ids=everything, by="ann")
    start_bulk(kind="tag", call_ids=everything, by="ann", tag="VIP ")
    start_bulk(kind="untag", call_ids=live, by="ann", tag="vip")
    start_bulk(kind="end", call_ids=live, by="ann")
    start_bulk(kind="reanalyse", call_ids=archived, by="ann", stage="understand")
    start_bulk(kind="dismiss", call_ids=failed, by="ann")

    ended, again = Call.objects.get(call_id=live[0]), Call.objects.get(call_id=archived[0])
    assert (ended.state, ended.end_reason) == (CallState.COMPLETED, "operator")
    assert (again.state, again.first_stage) == (CallState.COMPLETED, Stage.UNDERSTAND)
    assert list(again.tags.values_list("name", "added_by")) == [("vip", "ann")]
    assert not ended.tags.exists()
    assert not Call.objects.dead().exists()
    assert CallEvent.objects.get(type="call_dismissed").data["by"] == "ann"
    assert set(Alert.objects.values_list("acknowledged_by", flat=True)) == {"ann"}
    assert CallEvent.objects.filter(type="alert_acknowledged", data__by="ann").count() == 4


def test_calls_without_the_tag_or_without_alerts_refuse(calls_in):
    (call_id,) = calls_in(CallState.IN_PROGRESS, 1)

    untag = start_bulk(kind="untag", call_ids=[call_id], by="ann", tag="vip")
    quiet = start_bulk(kind="acknowledge", call_ids=[call_id], by="ann")

    assert untag.items.get().reason == "This call has no tag 'vip'."
    assert quiet.items.get().reason == "This call has no open alert."


def test_a_call_with_too_many_tags_refuses_and_the_others_are_tagged(calls_in):
    full, other = calls_in(CallState.IN_PROGRESS, 2)
    for number in range(20):
        add_tag(call_id=full, name=f"tag {number}")

    action = start_bulk(kind="tag", call_ids=[full, other], by="ann", tag="vip")

    assert outcomes(action) == {"done": 1, "refused": 1}


@pytest.mark.parametrize("call_ids", [[], [f"c-{n}" for n in range(bulk.LIMIT + 1)]])
def test_none_and_too_many_are_refused_with_the_limit(call_ids):
    with pytest.raises(TooMany, match="1 to 5,000 calls"):
        start_bulk(kind="end", call_ids=call_ids, by="ann")

    assert not BulkAction.objects.exists()


def test_an_invalid_kind_stage_or_tag_is_refused():
    with pytest.raises(ValueError, match="explode"):
        start_bulk(kind="explode", call_ids=["c"], by="ann")
    with pytest.raises(ValueError, match="think"):
        start_bulk(kind="reanalyse", call_ids=["c"], by="ann", stage="think")
    with pytest.raises(AnnotationRefused):
        start_bulk(kind="tag", call_ids=["c"], by="ann", tag="a,b")


def test_a_form_that_is_sent_twice_is_one_action(calls_in):
    failed, token = calls_in(CallState.FAILED, 2), uuid.uuid4()

    first = start_bulk(kind="retry", call_ids=failed, by="ann", token=token)
    again = start_bulk(kind="retry", call_ids=failed, by="ann", token=token)

    assert (first.pk, BulkAction.objects.count()) == (again.pk, 1)
    assert outcomes(first) == {"done": 2}


def test_many_calls_are_left_to_a_job(calls_in):
    action = start_bulk(kind="retry", call_ids=calls_in(CallState.FAILED, 30), by="ann")

    assert outcomes(action) == {"waiting": 30}
    assert jobs() == ["calls.tasks.run_bulk"]
    assert tasks.run_bulk(action.pk) is True
    assert outcomes(action) == {"done": 30}
    assert jobs() == ["calls.tasks.run_bulk", "calls.tasks.run_analyses"]
    assert finished(action)


def test_a_job_that_runs_again_acts_on_nothing(calls_in):
    action = start_bulk(kind="retry", call_ids=calls_in(CallState.FAILED, 30), by="ann")
    tasks.run_bulk(action.pk)
    known = CallEvent.objects.count()

    assert tasks.run_bulk(action.pk) is True
    assert tasks.run_bulk(10**6) is True

    assert CallEvent.objects.count() == known


def test_a_job_whose_time_is_up_queues_the_rest(calls_in):
    action = start_bulk(kind="retry", call_ids=calls_in(CallState.FAILED, 30), by="ann")
    OrmQ.objects.all().delete()

    assert carry_on(action.pk, seconds=0) is False

    assert jobs() == ["calls.tasks.run_bulk"]
    assert not finished(action)


def test_a_worker_that_has_to_stop_queues_the_rest(calls_in):
    action = start_bulk(kind="retry", call_ids=calls_in(CallState.FAILED, 30), by="ann")
    OrmQ.objects.all().delete()
    asked = iter([False, False, True])

    assert carry_on(action.pk, should_stop=lambda: next(asked)) is False

    assert outcomes(action) == {"done": 2, "waiting": 28}
    assert jobs() == ["calls.tasks.run_analyses", "calls.tasks.run_bulk"]


def test_work_interrupted_by_a_kill_is_rolled_back_and_found_by_the_sweep(calls_in, monkeypatch):
    action = start_bulk(kind="retry", call_ids=calls_in(CallState.FAILED, 30), by="ann")
    real, seen = services.retry_call, []

    def die_after_acting(**fields):
        real(**fields)
        seen.append(fields["call_id"])
        if len(seen) == 3:
            raise SystemExit

    monkeypatch.setitem(ACTIONS, "retry", replace(ACTIONS["retry"], run=die_after_acting))
    with pytest.raises(SystemExit):
        carry_on(action.pk)
    monkeypatch.undo()
    assert outcomes(action) == {"done": 2, "waiting": 28}
    assert Call.objects.get(call_id=seen[-1]).state == CallState.FAILED
    assert bulk.resume_bulk_actions() == 0  # it may be at work
    BulkAction.objects.update(seen_at=timezone.now() - timedelta(minutes=1))
    OrmQ.objects.all().delete()

    tasks.sweep()

    assert jobs() == ["calls.tasks.run_bulk"] or "calls.tasks.run_bulk" in jobs()
    carry_on(action.pk)
    assert outcomes(action) == {"done": 30}
    retried = CallEvent.objects.filter(data__reason="retried")
    assert retried.count() == retried.values("call").distinct().count() == 30


def test_a_bug_with_one_call_does_not_hold_up_the_others(calls_in, monkeypatch):
    failed, real = calls_in(CallState.FAILED, 3), services.retry_call

    def stumble(**fields):
        if fields["call_id"] == failed[1]:
            raise KeyError("oops")
        return real(**fields)

    monkeypatch.setitem(ACTIONS, "retry", replace(ACTIONS["retry"], run=stumble))
    action = start_bulk(kind="retry", call_ids=failed, by="ann")

    assert outcomes(action) == {"done": 2, "refused": 1}
    assert action.items.get(outcome="refused").reason == "KeyError: 'oops'"


def test_a_stopped_action_leaves_the_rest_undone(calls_in):
    action = start_bulk(kind="retry", call_ids=calls_in(CallState.FAILED, 30), by="ann")

    stop_bulk(action_pk=action.pk, by="bob")
    stop_bulk(action_pk=action.pk, by="eve")

    assert tasks.run_bulk(action.pk) is True
    action.refresh_from_db()
    assert (action.stopped_by, outcomes(action)) == ("bob", {"waiting": 30})
    assert stop_bulk(action_pk=10**6, by="bob") is None


def test_old_actions_are_removed_and_unfinished_ones_stay(calls_in):
    old = start_bulk(kind="retry", call_ids=calls_in(CallState.FAILED, 2), by="ann")
    BulkAction.objects.update(finished_at=timezone.now() - timedelta(days=31))
    start_bulk(kind="retry", call_ids=calls_in(CallState.FAILED, 30, "more"), by="ann")

    bulk.prune_bulk_actions()

    assert not BulkAction.objects.filter(pk=old.pk).exists()
    assert BulkAction.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_jobs_and_people_who_move_the_same_calls_act_on_each_once(calls_in):
    failed = calls_in(CallState.FAILED, 60)
    action = start_bulk(kind="retry", call_ids=failed, by="ann")
    start, errors, by_hand = threading.Barrier(4), [], []

    def run(work):
        try:
            start.wait(10)
            work()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    def retry_some():
        for call_id in failed[::3]:
            try:
                services.retry_call(call_id=call_id, by="bob")
                by_hand.append(call_id)
            except services.NotPossible:
                pass

    work = [lambda: carry_on(action.pk, seconds=60) for _ in range(3)]
    threads = [threading.Thread(target=run, args=[each]) for each in [*work, retry_some]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert errors == []
    assert outcomes(action).get("waiting") is None
    assert finished(action)
    assert bulk.count_outcomes(action)["refused"] == len(by_hand)
    retried = CallEvent.objects.filter(data__reason="retried")
    assert retried.count() == retried.values("call").distinct().count() == 60
    by_ann = retried.filter(data__by="ann").count()
    assert by_ann == bulk.count_outcomes(action)["done"] == 60 - len(by_hand)
