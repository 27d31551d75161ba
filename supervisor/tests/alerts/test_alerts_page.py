"""The alerts page, the badge on the wallboard, and acknowledging."""

import re

import pytest
from django.utils import timezone

from calls.alerts.matches import AlertMatch
from calls.alerts.services import acknowledge_alert, raise_alerts
from calls.models import Alert, AlertRule, Call, CallEvent, WebhookEndpoint
from supervisor.figures import read_figures


@pytest.fixture
def alert(db):
    call = Call.objects.create(call_id="c-1")
    rule = AlertRule.objects.create(
        name="Leaving <soon>", kind="words", severity=3, phrases="cancel"
    )
    match = AlertMatch(rule, call.pk, found="“cancel”", quote="I want to <b>cancel</b>.")
    return raise_alerts([match], now=timezone.now())[0]


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
    with django_assert_max_num_queries(14):
        supervisor.get("/supervisor/alerts/")
    for number in range(20):
        call = Call.objects.create(call_id=f"more-{number}")
        raise_alerts([AlertMatch(alert.rule, call.pk, found="x")], now=timezone.now())

    with django_assert_max_num_queries(14):
        supervisor.get("/supervisor/alerts/")


@pytest.mark.parametrize("query", ["before=x", "before=99999999999999999999", "show=%00"])
def test_an_invalid_address_shows_the_first_page(supervisor, alert, query):
    assert "Leaving" in supervisor.get(f"/supervisor/alerts/?{query}").content.decode()


def more(call_id, *, name="Silence", severity=2, queue=""):
    call, _ = Call.objects.get_or_create(call_id=call_id, defaults={"queue": queue})
    fields = {"kind": "silence", "severity": severity, "limit": 30}
    rule, _ = AlertRule.objects.get_or_create(name=name, defaults=fields)
    AlertRule.objects.filter(pk=rule.pk).update(severity=severity)
    rule.refresh_from_db()
    return raise_alerts([AlertMatch(rule, call.pk, found="x")], now=timezone.now())[0]


def listed(client, query=""):
    page = client.get(f"/supervisor/alerts/{query}").content.decode()
    return re.findall(r'<li class="alert [^"]*" id="alert-(\d+)"', page)


def test_the_list_is_narrowed_by_its_address(supervisor, alert):
    sales = more("c-2", queue="sales")
    mild = more("c-3", name="Mild", severity=1)

    assert listed(supervisor, "?severity=critical") == [str(alert.pk)]
    assert listed(supervisor, "?rule=Mild") == [str(mild.pk)]
    assert listed(supervisor, "?queue=sales") == [str(sales.pk)]
    assert listed(supervisor, "?call=c-2") == [str(sales.pk)]
    assert listed(supervisor, "?severity=sideways") == listed(supervisor)
    nothing = supervisor.get("/supervisor/alerts/?queue=none").content.decode()
    assert "No matching alerts" in nothing


def test_some_or_all_that_match_are_acknowledged_with_one_note(operator, alert):
    others = [more(f"c-{number}", queue="sales") for number in range(2, 5)]
    url = "/supervisor/alerts/acknowledge/"

    operator.post(url, {"alert": [alert.pk, "x", "9" * 40], "note": "seen"})
    late = more("late", queue="sales")
    form = {"every": "1", "filter": "queue=sales", "up_to": others[-1].pk, "note": "outage"}
    operator.post(url, form)

    assert list(Alert.objects.open()) == [late]  # nobody had seen it when the page was read
    assert Alert.objects.filter(note="outage", acknowledged_by="ana").count() == 3
    assert CallEvent.objects.filter(type="alert_acknowledged").count() == 4


def test_many_are_acknowledged_only_with_the_permission(supervisor, alert):
    response = supervisor.post("/supervisor/alerts/acknowledge/", {"alert": [alert.pk]})

    assert response.status_code == 403
    assert Alert.objects.open().exists()


def test_a_second_acknowledgement_names_the_first_user(operator, alert):
    acknowledge_alert(alert_id=alert.pk, by="bob")

    page = operator.post(f"/supervisor/alerts/{alert.pk}/acknowledge/", follow=True)

    assert "bob already acknowledged" in page.content.decode()


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
