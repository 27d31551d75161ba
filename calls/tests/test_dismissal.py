"""Failed calls are listed, retried or dismissed, and the log says which."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from calls import services
from calls.lifecycle import CallState
from calls.models import Call, CallEvent
from calls.tests.factories import archived_call, failed_call, fetch

pytestmark = pytest.mark.django_db


def test_a_dismissed_call_stays_failed_and_no_longer_counts():
    call = failed_call()

    services.dismiss_call(call_id=call.call_id, by="ann", note="A wrong number.")

    assert fetch(call).state == CallState.FAILED
    assert not Call.objects.dead().exists()
    event = CallEvent.objects.latest("id")
    assert (event.type, event.state) == ("call_dismissed", "FAILED")
    assert event.data == {"by": "ann", "note": "A wrong number."}


def test_a_repeated_dismissal_is_logged_once():
    call = failed_call()

    for _ in range(2):
        services.dismiss_call(call_id=call.call_id)

    assert CallEvent.objects.filter(type="call_dismissed").count() == 1


def test_only_a_failed_call_can_be_dismissed():
    call = archived_call()

    with pytest.raises(services.NotPossible, match="archived cannot be dismissed"):
        services.dismiss_call(call_id=call.call_id)


def test_a_dismissed_call_is_not_retried_automatically(settings):
    settings.AI_AUTO_RETRY_AFTER = 60
    call = failed_call()
    services.dismiss_call(call_id=call.call_id)
    Call.objects.update(state_changed_at=timezone.now() - timedelta(hours=1))

    assert services.retry_failed_calls() == 0
    assert fetch(call).state == CallState.FAILED


def test_a_manual_retry_undoes_the_dismissal():
    call = failed_call()
    services.dismiss_call(call_id=call.call_id)

    services.retry_call(call_id=call.call_id, by="bob")

    assert (fetch(call).state, fetch(call).dismissed_at) == (CallState.COMPLETED, None)


def test_the_api_dismisses_and_lists_what_is_left(api):
    left, gone = failed_call("left"), failed_call("gone")

    answer = api.post(f"/v1/call/{gone.call_id}/dismiss")

    assert answer.json() == {"status": "dismissed", "call_id": "gone", "state": "FAILED"}
    assert api.get("/v1/call/gone").json()["dismissed_at"]
    for dismissed, expected in (("false", left), ("true", gone)):
        found = api.get(f"/v1/call?state=FAILED&dismissed={dismissed}").json()["results"]
        assert [each["call_id"] for each in found] == [expected.call_id]


@pytest.mark.parametrize(("call_id", "status"), [("done", 409), ("nobody", 404)])
def test_the_api_says_why_a_call_cannot_be_dismissed(api, call_id, status):
    archived_call("done")

    assert api.post(f"/v1/call/{call_id}/dismiss").status_code == status


def test_a_key_needs_the_scope_to_operate(api_with_key):
    failed_call("c-1")

    reader, operator = api_with_key("read"), api_with_key("supervise")

    assert reader.post("/v1/call/c-1/dismiss").status_code == 403
    assert operator.post("/v1/call/c-1/dismiss").status_code == 200


def test_the_command_dismisses_all_that_match():
    wrong, other = failed_call("wrong-1"), failed_call("right-1")
    out = StringIO()

    call_command("dismiss_failed", "--call-id-prefix", "wrong", "--note", "Test calls.", stdout=out)

    assert "1 calls changed, 0 refused." in out.getvalue()
    assert fetch(wrong).dismissed_at
    assert fetch(other).dismissed_at is None


def test_monitoring_counts_failed_calls_that_are_not_dismissed(client):
    failed_call()
    services.dismiss_call(call_id=failed_call().call_id)

    metrics = client.get("/metrics").content.decode()

    assert 'callcenter_calls{state="FAILED"} 2.0' in metrics
    assert "callcenter_dead_letters 1.0" in metrics
