"""The alerts page, the badge on the wallboard, and acknowledging."""

import pytest
from django.utils import timezone

from calls.alerts.services import Finding, raise_alerts
from calls.models import AlertRule, Call, CallEvent


@pytest.fixture
def alert(db):
    call = Call.objects.create(call_id="c-1")
    rule = AlertRule.objects.create(
        name="Leaving <soon>", kind="words", severity=3, phrases="cancel"
    )
    finding = Finding(rule, call.pk, found="“cancel”", quote="I want to <b>cancel</b>.")
    return raise_alerts([finding], now=timezone.now())[0]


def test_an_open_alert_is_listed_with_its_quote_and_its_call(supervisor, alert):
    page = supervisor.get("/supervisor/alerts/").content.decode()

    assert "Leaving &lt;soon&gt;" in page
    assert "I want to &lt;b&gt;cancel&lt;/b&gt;." in page
    assert "/supervisor/calls/c-1/" in page
    assert "Acknowledge" not in page  # may look, may not act


def test_acknowledging_needs_the_permission(supervisor, alert):
    response = supervisor.post(f"/supervisor/alerts/{alert.pk}/acknowledge/")

    alert.refresh_from_db()
    assert response.status_code == 403
    assert alert.is_open


def test_an_acknowledged_alert_says_by_whom_and_leaves_the_open_ones(visitor, alert):
    client = visitor("view_call", "operate_call")

    response = client.post(
        f"/supervisor/alerts/{alert.pk}/acknowledge/",
        {"note": "called back", "next": "/supervisor/alerts/?show=all"},
    )

    alert.refresh_from_db()
    assert response["Location"] == "/supervisor/alerts/?show=all"
    assert (alert.acknowledged_by, alert.note) == ("ana", "called back")
    assert "Nothing is open" in client.get("/supervisor/alerts/").content.decode()
    assert "called back" in client.get("/supervisor/alerts/?show=all").content.decode()
    assert CallEvent.objects.filter(type="alert_acknowledged", data__by="ana").count() == 1


@pytest.mark.parametrize("target", ["https://evil.example.com/", "//evil.example.com", "%00"])
def test_nobody_is_sent_to_another_site(visitor, alert, target):
    client = visitor("view_call", "operate_call")

    response = client.post(f"/supervisor/alerts/{alert.pk}/acknowledge/", {"next": target})

    assert "evil" not in response["Location"]


def test_an_alert_that_is_not_there_is_not_found(visitor, db):
    client = visitor("view_call", "operate_call")

    assert client.post("/supervisor/alerts/4711/acknowledge/").status_code == 404


def test_the_wallboard_shows_and_filters_calls_with_open_alerts(supervisor, alert):
    Call.objects.create(call_id="quiet")

    board = supervisor.get("/supervisor/").content.decode()
    filtered = supervisor.get("/supervisor/?alert=1").content.decode()

    assert "row--alert-critical" in board
    assert "quiet" in board
    assert 'data-call="c-1"' in filtered
    assert 'data-call="quiet"' not in filtered


def test_the_page_of_the_call_shows_its_alerts(supervisor, alert):
    page = supervisor.get("/supervisor/calls/c-1/").content.decode()

    assert page.count("Leaving &lt;soon&gt;") >= 2  # the alert, and its line in the timeline


def test_the_alerts_page_asks_the_database_as_often_for_many_as_for_one(
    supervisor, alert, django_assert_max_num_queries
):
    for number in range(20):
        call = Call.objects.create(call_id=f"more-{number}")
        raise_alerts([Finding(alert.rule, call.pk, found="x")], now=timezone.now())

    with django_assert_max_num_queries(8):
        supervisor.get("/supervisor/alerts/")


@pytest.mark.parametrize("query", ["before=x", "before=99999999999999999999", "show=%00"])
def test_an_address_that_makes_no_sense_shows_the_first_page(supervisor, alert, query):
    assert "Leaving" in supervisor.get(f"/supervisor/alerts/?{query}").content.decode()
