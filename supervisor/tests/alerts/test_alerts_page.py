"""The alerts page, the badge on the wallboard, and acknowledging."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from calls.alerts.matches import AlertMatch
from calls.alerts.services import acknowledge_alert, raise_alerts
from calls.models import Alert, Call, CallEvent, WebhookEndpoint
from supervisor.figures import read_figures
from supervisor.tests.alerts.listing import listed, more, page_of


def test_an_open_alert_is_listed_with_its_quote_and_its_call(supervisor, alert):
    page = supervisor.get("/supervisor/alerts/").content.decode()

    assert "Leaving &lt;soon&gt;" in page
    assert "I want to &lt;b&gt;cancel&lt;/b&gt;." in page
    assert "/supervisor/calls/c-1/" in page
    assert "Acknowledge<" not in page  # may look, may not act


def test_acknowledging_needs_the_permission(supervisor, alert):
    response = supervisor.post(f"/supervisor/alerts/{alert.pk}/acknowledge/")

    alert.refresh_from_db()
    assert response.status_code == 403
    assert alert.is_open


def test_an_acknowledged_alert_names_the_user_and_leaves_the_open_list(visitor, alert):
    client = visitor("view_call", "operate_call")

    response = client.post(
        f"/supervisor/alerts/{alert.pk}/acknowledge/",
        {"note": "called back", "next": "/supervisor/alerts/?show=all"},
    )

    alert.refresh_from_db()
    assert response["Location"] == "/supervisor/alerts/?show=all"
    assert (alert.acknowledged_by, alert.note) == ("ana", "called back")
    assert "No open alerts" in client.get("/supervisor/alerts/").content.decode()
    assert "called back" in client.get("/supervisor/alerts/?show=all").content.decode()
    assert CallEvent.objects.filter(type="alert_acknowledged", data__by="ana").count() == 1


@pytest.mark.parametrize("target", ["https://evil.example.com/", "//evil.example.com", "%00"])
def test_a_redirect_never_leads_to_another_site(visitor, alert, target):
    client = visitor("view_call", "operate_call")

    response = client.post(f"/supervisor/alerts/{alert.pk}/acknowledge/", {"next": target})

    assert "evil" not in response["Location"]


def test_an_unknown_alert_is_not_found(visitor, db):
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


def test_many_alerts_need_no_more_queries_than_one(
    supervisor, alert, django_assert_max_num_queries
):
    with django_assert_max_num_queries(15):
        supervisor.get("/supervisor/alerts/")
    for number in range(20):
        call = Call.objects.create(call_id=f"more-{number}")
        raise_alerts([AlertMatch(alert.rule, call.pk, found="x")], now=timezone.now())

    with django_assert_max_num_queries(15):
        supervisor.get("/supervisor/alerts/")


@pytest.mark.parametrize("query", ["before=x", "before=99999999999999999999", "show=%00"])
def test_an_invalid_address_shows_the_first_page(supervisor, alert, query):
    assert "Leaving" in supervisor.get(f"/supervisor/alerts/?{query}").content.decode()


def test_the_address_filters_the_list(supervisor, alert):
    sales = more("c-2", queue="sales")
    mild = more("c-3", name="Mild", severity=1)

    assert listed(supervisor, "?severity=critical") == [str(alert.pk)]
    assert listed(supervisor, "?rule=Mild") == [str(mild.pk)]
    assert listed(supervisor, "?queue=sales") == [str(sales.pk)]
    assert listed(supervisor, "?call=c-2") == [str(sales.pk)]
    assert listed(supervisor, "?severity=sideways") == listed(supervisor)
    nothing = supervisor.get("/supervisor/alerts/?queue=none").content.decode()
    assert "No matching alerts" in nothing


def test_the_alerts_of_a_call_are_grouped_under_its_parties(supervisor, alert):
    Call.objects.update(agent="Priya <Shah>", caller="+44 20 7946 0112", queue="billing")
    more("c-2")
    second = more("c-1", name="Second")

    page = page_of(supervisor)

    assert re.findall(r'class="case" id="case-', page) == ['class="case" id="case-'] * 2
    assert listed(supervisor)[:2] == [str(second.pk), str(alert.pk)]
    assert "Priya &lt;Shah&gt;" in page
    assert ("+44 20 7946 0112" in page, "billing" in page) == (True, True)
    assert "Live" in page


def test_names_are_found_by_a_part_of_them_and_days_narrow_the_list(supervisor, alert):
    Call.objects.update(agent="Priya Shah")
    today = timezone.localdate()

    assert listed(supervisor, "?agent=priya") == [str(alert.pk)]
    assert listed(supervisor, "?rule=LEAVING") == [str(alert.pk)]
    assert listed(supervisor, "?agent=daniel") == []
    assert listed(supervisor, f"?from={today}&to={today}") == [str(alert.pk)]
    assert listed(supervisor, f"?from={today + timedelta(days=1)}") == []
    assert listed(supervisor, f"?to={today - timedelta(days=1)}") == []
    assert listed(supervisor, "?from=9999-99-99&to=tomorrow") == [str(alert.pk)]


def test_trends_count_by_rule_and_day(supervisor, alert):
    old = more("c-2")
    Alert.objects.filter(pk=old.pk).update(raised_at=timezone.now() - timedelta(days=20))
    acknowledge_alert(alert_id=alert.pk, by="bob")

    page = supervisor.get("/supervisor/alerts/trends/").content.decode()

    assert "Leaving &lt;soon&gt;" in page
    assert "Silence" not in page


@pytest.mark.parametrize("path", ["/supervisor/", "/supervisor/alerts/", "/supervisor/calls/c-1/"])
def test_every_page_says_in_its_navigation_how_many_are_open(supervisor, alert, path):
    page = supervisor.get(path).content.decode()

    assert re.search(r'mast__count--critical"[^>]*><span data-open>1</span>', page)


def test_a_user_without_permission_sees_no_alert_count(visitor, alert):
    page = visitor().get("/supervisor/")

    assert page.status_code == 403
    assert "open-alerts" not in page.content.decode()


def test_the_feed_carries_how_many_are_open_and_the_worst(alert):
    more("c-2")

    figures = read_figures().as_json()

    assert (figures["open_alerts"], figures["worst_alert"]) == (2, "critical")


def test_staff_see_that_a_webhook_was_disabled(client, admin_user, supervisor):
    WebhookEndpoint.objects.create(
        name="crm", url="https://x.example.com", enabled=False, disabled_reason="It is gone."
    )
    assert "crm" not in supervisor.get("/supervisor/alerts/").content.decode()

    client.force_login(admin_user)

    assert "It is gone." in client.get("/supervisor/alerts/").content.decode()


def shown_calls(client, query=""):
    page = client.get(f"/supervisor/{query}").content.decode()
    return re.findall(r'<tr role="row" id="call-([^"]+)"', page)


def test_the_wallboard_is_filtered_and_sorted_by_alert_severity(supervisor, alert):
    more("mild", name="Mild", severity=1)
    more("middling")
    Call.objects.create(call_id="calm")

    assert shown_calls(supervisor, "?alert=critical") == ["c-1"]
    assert shown_calls(supervisor, "?alert=1") == ["middling", "mild", "c-1"]
    assert shown_calls(supervisor, "?sort=-alert") == ["c-1", "middling", "mild", "calm"]
    assert len(shown_calls(supervisor, "?alert=sideways")) == 4


def test_a_badge_links_to_the_alerts_of_its_call_and_shows_severity_by_shape_and_word(
    supervisor, alert
):
    board = supervisor.get("/supervisor/").content.decode()

    assert 'href="/supervisor/alerts/?call=c-1"' in board
    assert re.search(r'href="#i-critical"/></svg><span class="sr">Critical alert: </span>', board)
