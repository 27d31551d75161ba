"""Alerts over REST: listed, filtered, acknowledged once, exported, and counted on their calls."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission, User

from calls.alerts.matches import AlertMatch
from calls.alerts.services import acknowledge_alert, raise_alerts
from calls.models import AlertRule, Call, Severity
from calls.services import end_call

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def raise_one(
    call_id="c-1", *, queue="", name="Leaving", severity=2, kind="words", at=NOW, lasts=False
):
    call, _ = Call.objects.get_or_create(call_id=call_id, defaults={"queue": queue})
    fields = {"kind": kind, "severity": severity, "phrases": "cancel", "limit": 30}
    rule, _ = AlertRule.objects.get_or_create(name=name, defaults=fields)
    match = AlertMatch(
        rule, call.pk, "Said “cancel”.", quote="=cancel it", speaker="customer", lasts=lasts
    )
    return raise_alerts([match], now=at)[0]


def listed(api, query=""):
    response = api.get(f"/v1/alerts{query}")
    assert response.status_code == 200, response.content
    return [one["call_id"] for one in response.json()["results"]]


def test_an_alert_has_the_field_names_of_the_event_log(api):
    alert = raise_one(queue="sales")

    (shown,) = api.get("/v1/alerts").json()["results"]

    assert shown == api.get(f"/v1/alerts/{alert.pk}").json()
    assert (shown["alert"], shown["rule"], shown["severity"]) == (alert.pk, "Leaving", "warning")
    assert (shown["call_id"], shown["queue"], shown["acknowledged_at"]) == ("c-1", "sales", None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["c-3", "c-2", "c-1"]),
        ("?open=true", ["c-3", "c-2"]),
        ("?open=false", ["c-1"]),
        ("?state=acknowledged", ["c-1"]),
        ("?state=acknowledged&state=open", ["c-3", "c-2", "c-1"]),
        ("?state=snoozed", []),
        ("?agent=Ana", []),
        ("?assigned_to=ann", []),
        ("?severity=critical", ["c-2"]),
        ("?severity=critical&severity=warning", ["c-2", "c-1"]),
        ("?kind=silence", ["c-3"]),
        ("?rule=Leaving", ["c-1"]),
        ("?queue=sales", ["c-2"]),
        ("?call_id=c-3", ["c-3"]),
        (f"?raised_after={NOW + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}", ["c-3"]),
        (f"?raised_before={NOW + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}", ["c-2", "c-1"]),
    ],
)
def test_the_list_can_be_narrowed(api, query, found):
    acknowledge_alert(alert_id=raise_one().pk, by="ann")
    raise_one("c-2", queue="sales", name="Angry", severity=Severity.CRITICAL)
    later = NOW + timedelta(hours=1)
    raise_one("c-3", name="Quiet", severity=Severity.NOTICE, kind="silence", at=later)

    assert listed(api, query) == found


@pytest.mark.parametrize(
    "query",
    [
        "open=yes",
        "state=bad",
        "severity=bad",
        "kind=x",
        "raised_after=soon",
        "queue=%00",
        "cursor=x",
        "limit=0",
    ],
)
def test_an_invalid_filter_is_refused_by_name(api, query):
    response = api.get(f"/v1/alerts?{query}")

    assert response.status_code == 400
    assert query.partition("=")[0] in response.json()


def test_pages_follow_each_other_without_counting(api):
    for number in range(5):
        raise_one(f"c-{number}")

    first = api.get("/v1/alerts?limit=3").json()
    second = api.get(first["next"]).json()

    shown = [one["call_id"] for one in first["results"] + second["results"]]
    assert shown == ["c-4", "c-3", "c-2", "c-1", "c-0"]
    assert second["next"] is None


def test_a_call_lists_its_own_alerts(api):
    raise_one("c-1")
    raise_one("c-2")

    assert len(api.get("/v1/call/c-1/alerts").json()["results"]) == 1
    assert api.get("/v1/call/nobody/alerts").json() == {"detail": "There is no call nobody."}


def test_a_second_acknowledgement_names_the_first(api_with_key):
    alert = raise_one()
    api = api_with_key("supervise", "read")

    first = api.post(f"/v1/alerts/{alert.pk}/acknowledge", {"note": "called back"}).json()
    again = api.post(f"/v1/alerts/{alert.pk}/acknowledge").json()

    assert first["status"] == "acknowledged"
    assert again == {**first, "status": "already_acknowledged"}
    assert (again["acknowledged_by"], again["note"]) == ("key test", "called back")
    assert again["acknowledged_at"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [({"note": 1}, "Must be a string"), ({"note": "x" * 501}, "500 characters")],
)
def test_a_note_that_cannot_be_stored_is_refused_with_its_limit(api, body, complaint):
    alert = raise_one()

    response = api.post(f"/v1/alerts/{alert.pk}/acknowledge", body)

    assert response.status_code == 400
    assert complaint in response.json()["note"][0]


@pytest.mark.parametrize("number", ["4711", "9" * 40])
def test_an_alert_that_is_not_there_is_not_found(api, number):
    assert api.get(f"/v1/alerts/{number}").status_code == 404
    assert api.post(f"/v1/alerts/{number}/acknowledge").json()["detail"].startswith("There is no")


def test_a_key_with_the_scope_read_cannot_acknowledge(api_with_key):
    alert = raise_one()
    api = api_with_key("read")

    assert api.get("/v1/alerts").status_code == 200
    response = api.post(f"/v1/alerts/{alert.pk}/acknowledge")
    assert (response.status_code, "supervise" in response.json()["detail"]) == (403, True)


def test_alerts_are_exported_as_csv_without_formulas(api):
    raise_one()
    raise_one("c-2", name="Worse", severity=Severity.CRITICAL)

    response = api.get("/v1/alerts.csv?severity=warning")

    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert [(row["call_id"], row["severity"]) for row in rows] == [("c-1", "warning")]
    assert rows[0]["quote"] == "'=cancel it"


def test_calls_show_open_alerts_with_a_constant_number_of_queries(api, django_assert_num_queries):
    raise_one("c-0")
    raise_one("c-0", name="Worse", severity=Severity.CRITICAL)
    for number in range(1, 20):
        raise_one(f"c-{number}")
    Call.objects.create(call_id="calm")

    with django_assert_num_queries(3):  # calls, their tags, and their custom fields
        calls = {one["call_id"]: one for one in api.get("/v1/call").json()["results"]}

    assert (calls["c-0"]["open_alerts"], calls["c-0"]["worst_alert"]) == (2, "critical")
    assert (calls["calm"]["open_alerts"], calls["calm"]["worst_alert"]) == (0, None)
    assert api.get("/v1/call/c-0").json()["worst_alert"] == "critical"


def test_the_list_of_alerts_takes_a_constant_number_of_queries(api, django_assert_num_queries):
    for number in range(20):
        raise_one(f"c-{number}")

    with django_assert_num_queries(1):
        assert len(listed(api)) == 20


@pytest.fixture
def handler(db):
    user = User.objects.create(username="ann")
    user.user_permissions.add(Permission.objects.get(codename="operate_call"))


def act(api, alert, action, body=None):
    return api.post(f"/v1/alerts/{alert.pk}/{action}", body or {}, format="json")


def test_an_alert_is_assigned_snoozed_and_reopened(api_with_key, handler):
    alert, api = raise_one(), api_with_key("supervise", "read")

    assigned = act(api, alert, "assign", {"to": "ann"}).json()
    snoozed = act(api, alert, "snooze", {"minutes": 15}).json()
    reopened = act(api, alert, "reopen").json()

    assert (assigned["state"], assigned["assigned_to"]) == ("open", "ann")
    assert (snoozed["state"], bool(snoozed["snoozed_until"])) == ("snoozed", True)
    assert (reopened["state"], reopened["snoozed_until"]) == ("open", None)


@pytest.mark.parametrize(
    ("action", "body", "field", "complaint"),
    [
        ("assign", {}, "to", "required"),
        ("assign", {"to": "eve"}, "to", "no active user eve"),
        ("assign", {"to": 1}, "to", "Must be a string"),
        ("snooze", {}, "until", "either until or minutes"),
        ("snooze", {"minutes": 5, "until": "2030-01-01T00:00:00Z"}, "until", "either"),
        ("snooze", {"minutes": 0}, "minutes", "greater than or equal to 1"),
        ("snooze", {"minutes": 10_081}, "minutes", "less than or equal to 10080"),
        ("snooze", {"until": "2001-01-01T00:00:00Z"}, "until", "still to come"),
        ("snooze", {"until": "9999-12-31T23:59:59-12:00"}, "until", ""),
        ("snooze", {"until": "soon"}, "until", "wrong format"),
    ],
)
def test_an_invalid_action_on_an_alert_is_refused_by_field(api, action, body, field, complaint):
    response = act(api, raise_one(), action, body)

    assert response.status_code == 400
    assert complaint in response.json()[field][0]


@pytest.mark.parametrize(
    ("action", "body"), [("assign", {"to": ""}), ("snooze", {"minutes": 1}), ("reopen", {})]
)
def test_an_action_on_a_resolved_alert_returns_its_state(api, action, body):
    alert = raise_one(kind="silence", lasts=True)
    end_call(call_id="c-1")

    response = act(api, alert, action, body)

    assert (response.status_code, response.json()["state"]) == (409, "resolved")
    assert api.get(f"/v1/alerts/{alert.pk}").json()["resolved_reason"] == "call_ended"
