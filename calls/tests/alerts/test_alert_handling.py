"""What people do with alerts: take, assign, snooze, reopen and undo, whatever happens meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from calls import services
from calls.alerts.handling import (
    AlertClosed,
    AssignedMeanwhile,
    BadSnooze,
    CannotHandle,
    assign_alert,
    handlers,
    reopen_alert,
    snooze_alert,
    undo_acknowledgement,
    wake_snoozed,
)
from calls.alerts.matches import AlertMatch
from calls.alerts.services import acknowledge_alert, acknowledge_alerts, raise_alerts
from calls.models import Alert, AlertRule, Call, CallEvent
from calls.monitoring.alerts import by_severity

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def alert(call_in):
    return raised(call_in())


@pytest.fixture
def ann(db):
    return handler("ann")


def raised(call, *, lasts=True, name="Quiet"):
    rule = AlertRule.objects.create(name=name, kind="silence", limit=30, severity=3)
    match = AlertMatch(rule, call.pk, "No packet for 30 s.", lasts=lasts)
    return raise_alerts([match], now=timezone.now())[0]


def handler(name, **fields):
    user = User.objects.create(username=name, **fields)
    user.user_permissions.add(Permission.objects.get(codename="operate_call"))
    return user


def state(alert):
    alert.refresh_from_db()
    return alert.state


def logged(kind):
    return [event.data for event in CallEvent.objects.filter(type=kind).order_by("pk")]


def test_an_alert_is_taken_given_to_a_colleague_and_given_up(alert, ann):
    handler("bob")

    for to in ("ann", "ann", "bob", ""):
        assign_alert(alert_id=alert.pk, to=to, by="ann")

    alert.refresh_from_db()
    assert alert.assigned_to == ""
    assert [event["to"] for event in logged("alert_assigned")] == ["ann", "bob", ""]


def test_only_active_users_with_the_permission_can_have_an_alert(alert):
    User.objects.create(username="guest")
    handler("gone", is_active=False)
    grouped = User.objects.create(username="grouped")
    group = Group.objects.create(name="Handlers")
    group.permissions.add(Permission.objects.get(codename="operate_call"))
    grouped.groups.add(group)

    for name in ("guest", "gone", "nobody", "x" * 200):
        with pytest.raises(CannotHandle, match=name):
            assign_alert(alert_id=alert.pk, to=name, by="ann")

    assert [user.get_username() for user in handlers()] == ["grouped"]


def test_taking_an_alert_that_somebody_else_has_taken_is_refused(alert, ann):
    handler("bob")
    assign_alert(alert_id=alert.pk, to="bob", by="bob", instead_of="")

    with pytest.raises(AssignedMeanwhile, match="bob"):
        assign_alert(alert_id=alert.pk, to="ann", by="ann", instead_of="")
    assign_alert(alert_id=alert.pk, to="ann", by="ann", instead_of="bob")

    alert.refresh_from_db()
    assert alert.assigned_to == "ann"


def test_a_snoozed_alert_is_not_open_and_comes_back_with_an_event(alert):
    now = timezone.now()
    snooze_alert(alert_id=alert.pk, until=now + HOUR, by="ann")
    snoozed = state(alert)
    counted = Call.objects.with_open_alerts().get().open_alerts
    early = wake_snoozed(now=now + HOUR - timedelta(seconds=1))

    woken = wake_snoozed(now=now + HOUR), wake_snoozed(now=now + HOUR)

    assert (snoozed, counted, early) == ("snoozed", 0, 0)
    assert (woken, state(alert)) == ((1, 0), "open")
    assert logged("alert_reopened") == [
        {"alert": alert.pk, "rule": "Quiet", "severity": "critical", "by": ""}
    ]


@pytest.mark.parametrize(
    ("after", "text"), [(-HOUR, "still to come"), (timedelta(days=8), "at most 7 days")]
)
def test_an_invalid_snooze_time_is_refused(alert, after, text):
    with pytest.raises(BadSnooze, match=text):
        snooze_alert(alert_id=alert.pk, until=timezone.now() + after, by="ann")

    assert state(alert) == "open"


def test_a_snoozed_alert_is_resolved_with_its_condition_and_does_not_come_back(alert):
    now = timezone.now()
    snooze_alert(alert_id=alert.pk, until=now + HOUR, by="ann")

    services.end_call(call_id="c-1")

    assert wake_snoozed(now=now + 2 * HOUR) == 0
    assert state(alert) == "resolved"


def test_an_acknowledged_alert_is_reopened_without_the_note(alert):
    acknowledge_alert(alert_id=alert.pk, by="ann", note="Called back.")

    results = [reopen_alert(alert_id=alert.pk, by="bob")[1] for _ in range(2)]

    assert results == [True, False]
    assert (state(alert), alert.acknowledged_by, alert.note) == ("open", "", "")
    assert [event["by"] for event in logged("alert_reopened")] == ["bob"]


def test_a_resolved_alert_is_not_reopened_nor_snoozed_nor_assigned_but_can_be_acknowledged(
    alert, ann
):
    services.end_call(call_id="c-1")

    for act in (
        lambda: reopen_alert(alert_id=alert.pk, by="ann"),
        lambda: snooze_alert(alert_id=alert.pk, until=timezone.now() + HOUR, by="ann"),
        lambda: assign_alert(alert_id=alert.pk, to="ann", by="ann"),
    ):
        with pytest.raises(AlertClosed, match="An alert that is resolved cannot be"):
            act()
    acknowledge_alert(alert_id=alert.pk, by="ann", note="I saw it.")

    assert (state(alert), alert.note) == ("acknowledged", "I saw it.")


def test_undo_opens_what_the_user_acknowledged_at_once_and_nothing_else(call_in):
    mine, theirs, over = (
        raised(call_in(call_id=f"c-{number}"), name=str(number)) for number in range(3)
    )
    at = timezone.now()
    acknowledge_alert(alert_id=theirs.pk, by="bob", at=at)
    done = acknowledge_alerts(alert_ids=[mine.pk, theirs.pk, over.pk, 999], by="ann", at=at)
    services.end_call(call_id="c-2")

    count = undo_acknowledgement(alert_ids=[*done, theirs.pk, 999], by="ann", at=at)
    later = undo_acknowledgement(alert_ids=done, by="ann", at=at)

    assert (done, count, later) == ([mine.pk, over.pk], 2, 0)
    assert [state(each) for each in (mine, theirs, over)] == ["open", "acknowledged", "resolved"]


def test_counts_hold_only_what_is_open_now(call_in):
    alerts = [raised(call_in(call_id=f"c-{number}"), name=str(number)) for number in range(4)]
    acknowledge_alert(alert_id=alerts[0].pk, by="ann")
    snooze_alert(alert_id=alerts[1].pk, until=timezone.now() + HOUR, by="ann")
    services.end_call(call_id="c-2")

    assert list(Call.objects.alerting()) == [alerts[3].call]
    assert by_severity("open") == {"notice": 0, "warning": 0, "critical": 1}
    assert by_severity("snoozed") == {"notice": 0, "warning": 0, "critical": 1}
    for name in Alert.State.values:
        assert Alert.objects.in_state(name).count() == 1, name
