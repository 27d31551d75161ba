"""Acting on calls from the admin: through the services, call by call."""

from __future__ import annotations

import pytest
from django.test import Client
from django_q.models import OrmQ

from calls.lifecycle import CallState
from calls.models import Call, CallEvent
from calls.tests.admin.test_admin import changelist, text_of

pytestmark = pytest.mark.django_db
POSSIBLE = [
    ("end", CallState.IN_PROGRESS, "ended"),
    ("retry", CallState.FAILED, "retried"),
    ("reanalyse", CallState.ARCHIVED, "reanalysed"),
]


def act(client: Client, action: str) -> str:
    chosen = list(Call.objects.values_list("pk", flat=True))
    data = {"action": action, "_selected_action": chosen}
    return text_of(client.post(changelist("calls_call"), data, follow=True))


@pytest.mark.parametrize(("action", "possible", "done"), POSSIBLE)
@pytest.mark.parametrize("state", CallState.values)
def test_an_action_moves_a_call_or_says_why_not(person, call_in, action, possible, done, state):
    call_in(state)

    page = act(person("view_call", "operate_call"), action)

    call = Call.objects.get()
    if state == possible:
        event = CallEvent.objects.get()
        assert f"1 call {done}." in page
        assert (call.state, event.data["by"]) == ("COMPLETED", "ann")
        assert OrmQ.objects.count() == 1
    else:
        assert f"c-1: A call that is {CallState(state).in_words} cannot be {done}." in page
        assert call.state == state
        assert not CallEvent.objects.exists()
        assert not OrmQ.objects.exists()


def test_failed_calls_are_dismissed_and_stay_failed(person, call_in):
    call_in(CallState.FAILED, "failed")
    call_in(CallState.ARCHIVED, "archived")

    page = act(person("view_call", "operate_call"), "dismiss")

    assert "1 call dismissed." in page
    assert "archived: A call that is archived cannot be dismissed." in page
    assert not Call.objects.dead().exists()
    assert Call.objects.get(call_id="failed").state == CallState.FAILED
    assert CallEvent.objects.get().data["by"] == "ann"


def test_an_action_acts_where_it_can_and_names_the_refused_calls(person, call_in):
    for at in range(15):
        call_in(CallState.ARCHIVED, f"old-{at}")
    call_in(CallState.IN_PROGRESS, "live-1")
    call_in(CallState.IN_PROGRESS, "live-2")

    page = act(person("view_call", "operate_call"), "end")

    assert "2 calls ended." in page
    assert "15 calls could not be ended." in page
    assert "old-14: A call that is archived cannot be ended." in page
    assert page.count("cannot be ended") == 10
    assert not Call.objects.live().exists()
    assert Call.objects.filter(end_reason="operator").count() == 2


def test_without_the_permission_no_action_is_offered(person, call_in):
    call_in()

    page = act(person("view_call", "change_call"), "end")

    assert 'name="action"' not in page
    assert Call.objects.get().is_live


@pytest.mark.parametrize("name", ["schedule", "success", "failure", "ormq"])
def test_the_queue_is_left_to_the_admin_of_django_q(boss, call_in, name):
    call_in()
    act(boss, "end")

    response = boss.get(changelist(f"django_q_{name}"))

    assert response.status_code == 200
