"""What people do on the alerts page: acknowledge some or many, undo, take, snooze and reopen."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from calls.alerts.services import acknowledge_alert
from calls.models import Alert, CallEvent
from calls.services import end_call
from supervisor.alerts.snoozing import read_until
from supervisor.tests.alerts.listing import listed, more, page_of

MANY = "/supervisor/alerts/acknowledge/"


def confirm(client, question, **fields):
    """Answer the question of a page with yes."""
    alerts = re.findall(r'name="alert" value="(\d+)"', question.content.decode())
    return client.post(MANY, {"confirmed": "1", "alert": alerts, **fields}, follow=True)


def test_the_page_asks_before_it_acknowledges_some_or_all_that_match(operator, alert):
    others = [more(f"c-{number}", queue="sales") for number in range(2, 5)]

    some = operator.post(MANY, {"alert": [alert.pk, "x", "²", "9" * 40]})
    late = more("late", queue="sales")
    every = {"every": "1", "filter": "queue=sales&severity=warning", "up_to": others[-1].pk}
    question = operator.post(MANY, every)
    nothing_done = Alert.objects.open().count()
    confirm(operator, some, note="seen")
    confirm(operator, question, note="outage")

    text = " ".join(question.content.decode().split())
    assert "Acknowledge 3 alerts?" in text
    assert "All that match: state is open, severity is warning, queue is sales." in text
    assert ("Silence" in text, "/supervisor/calls/c-3/" in text) == (True, True)
    assert nothing_done == 5
    assert list(Alert.objects.open()) == [late]  # nobody had seen it when the page was read
    assert Alert.objects.filter(note="outage", acknowledged_by="ana").count() == 3
    assert CallEvent.objects.filter(type="alert_acknowledged").count() == 4


def test_no_question_is_asked_about_an_empty_selection(operator, alert):
    page = operator.post(MANY, {"every": "1", "filter": "queue=none", "up_to": "9"}, follow=True)

    assert "Select at least one alert." in page.content.decode()


def test_an_acknowledgement_can_be_undone_for_a_short_time(operator, alert):
    other = more("c-2")
    question = operator.post(MANY, {"alert": [alert.pk, other.pk]})
    done = confirm(operator, question).content.decode()

    page = operator.post("/supervisor/alerts/undo/", follow=True).content.decode()
    again = operator.post("/supervisor/alerts/undo/", follow=True).content.decode()

    assert "2 alerts acknowledged." in done
    assert "Undo</button>" in done
    assert Alert.objects.open().count() == 2
    assert "Undo</button>" not in page
    assert "Too late to undo" in again


def test_undo_is_no_longer_possible_after_its_time(operator, alert):
    operator.post(f"/supervisor/alerts/{alert.pk}/acknowledge/")
    session = operator.session
    session["acknowledged"]["at"] = (timezone.now() - timedelta(seconds=61)).isoformat()
    session.save()

    page = page_of(operator)
    operator.post("/supervisor/alerts/undo/")

    assert "Undo</button>" not in page
    assert not Alert.objects.open().exists()


def test_an_alert_is_taken_and_is_then_mine(operator, alert):
    act(operator, alert, "assign", to="ana", instead_of="")

    page = page_of(operator, "?show=mine")

    assert "Mine (1)" in " ".join(page.split())
    assert listed(operator, "?show=mine") == [str(alert.pk)]
    assert "Take it" not in page


def act(client, alert, action, **fields):
    response = client.post(f"/supervisor/alerts/{alert.pk}/{action}/", fields, follow=True)
    alert.refresh_from_db()
    return response.content.decode()


def test_taking_an_alert_too_late_names_who_has_it(operator, alert):
    bob = User.objects.create(username="bob")
    bob.user_permissions.add(Permission.objects.get(codename="operate_call"))
    act(operator, alert, "assign", to="bob")

    page = act(operator, alert, "assign", to="ana", instead_of="")
    unknown = act(operator, alert, "assign", to="eve")

    assert "bob took it in the meantime." in page
    assert "There is no active user eve who may handle alerts." in unknown
    assert alert.assigned_to == "bob"


def test_an_alert_is_snoozed_for_a_while_and_woken(operator, alert):
    act(operator, alert, "snooze", minutes="15")
    snoozed, left = alert.state, alert.snoozed_until - timezone.now()
    shown = listed(operator), listed(operator, "?show=snoozed")
    act(operator, alert, "reopen")

    assert (snoozed, alert.state) == ("snoozed", "open")
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert shown == ([], [str(alert.pk)])


NOW = datetime(2026, 6, 30, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "until"),
    [
        ({"minutes": "60"}, NOW + timedelta(hours=1)),
        ({"until": "23:00", "zone": "UTC"}, NOW + timedelta(minutes=50)),
        ({"until": "22:00", "zone": "UTC"}, NOW + timedelta(hours=23, minutes=50)),
        ({"until": "00:30", "zone": "Europe/Berlin"}, NOW + timedelta(minutes=20)),
        ({"until": "22:30", "zone": "../etc/passwd"}, NOW + timedelta(minutes=20)),
    ],
)
def test_a_time_of_day_is_the_next_one_where_the_reader_is(form, until, settings):
    settings.TIME_ZONE = "UTC"
    assert read_until(form, now=NOW) == until


@pytest.mark.parametrize("form", [{}, {"until": "soon"}, {"minutes": "999"}])
def test_a_time_that_cannot_be_read_is_refused(operator, alert, form):
    page = act(operator, alert, "snooze", **form)

    assert "Choose a time, such as 17:30." in page
    assert alert.state == "open"


@pytest.mark.parametrize("action", ["assign", "snooze", "reopen"])
def test_handling_needs_the_permission(supervisor, alert, action):
    assert supervisor.post(f"/supervisor/alerts/{alert.pk}/{action}/").status_code == 403
    assert supervisor.post("/supervisor/alerts/undo/").status_code == 403


@pytest.mark.parametrize("action", ["assign", "snooze", "reopen"])
def test_handling_an_alert_that_is_gone_is_not_found(operator, action):
    fields = {"minutes": "15", "to": ""}

    assert operator.post(f"/supervisor/alerts/4711/{action}/", fields).status_code == 404


def test_a_resolved_alert_says_why_and_offers_nothing_to_do(operator, alert):
    Alert.objects.update(kind="long_call", lasts=True)
    end_call(call_id="c-1")

    page = " ".join(page_of(operator, "?show=resolved").split())

    assert "the call ended" in page
    assert "Acknowledge<" not in page
    assert "An alert that is resolved cannot be snoozed." in act(
        operator, alert, "snooze", minutes="15"
    )


def test_acknowledging_many_alerts_needs_the_permission(supervisor, alert):
    response = supervisor.post("/supervisor/alerts/acknowledge/", {"alert": [alert.pk]})

    assert response.status_code == 403
    assert Alert.objects.open().exists()


def test_a_second_acknowledgement_names_the_first_user(operator, alert):
    acknowledge_alert(alert_id=alert.pk, by="bob")

    page = operator.post(f"/supervisor/alerts/{alert.pk}/acknowledge/", follow=True)

    assert "bob already acknowledged" in page.content.decode()
