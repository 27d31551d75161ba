"""Alerts and webhooks in the admin: rules and endpoints are checked, alerts acknowledged."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.alerts.matches import AlertMatch
from calls.alerts.services import raise_alerts
from calls.models import (
    Alert,
    AlertRule,
    Analysis,
    Call,
    CallEvent,
    WebhookDelivery,
    WebhookEndpoint,
)
from calls.models.webhook import new_secret
from calls.tests.factories import archived_call, failed_call, live_call
from calls.webhooks import services

RULE = {"name": "New", "kind": "words", "severity": 2, "quiet_mode": "send"}
ENDPOINT = {"name": "crm", "url": "https://crm.example.com/hook", "enabled": "on", "alerts": "on"}


@pytest.fixture
def boss(client, admin_user):
    client.force_login(admin_user)
    return client


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"kind": "words"}, "1 to 200 words or phrases"),
        ({"kind": "loss", "limit": "101"}, "from 0.1 to 100 percent"),
        ({"kind": "silence"}, "from 1 to 86400 seconds"),
        (
            {"kind": "words", "phrases": "x", "conditions-1-kind": "loss"},
            "Condition 1: This kind needs a limit from 0.1 to 100 percent",
        ),
        ({"kind": "words", "phrases": "x", "quiet_hours": "Mon 18-8"}, "is not a period such as"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_its_limits(boss, fields, complaint):
    form = {
        "name": "New",
        "severity": 2,
        "enabled": "on",
        "speaker": "",
        "quiet_mode": "send",
        **fields,
    }

    page = boss.post("/admin/calls/alertrule/add/", form).content.decode()

    assert complaint in page
    assert not AlertRule.objects.filter(name="New").exists()


def test_alerts_are_acknowledged_in_bulk_by_name(boss):
    rule = AlertRule.objects.create(name="New", kind="words", phrases="cancel")
    calls = [Call.objects.create(call_id=f"c-{number}") for number in range(3)]
    raise_alerts([AlertMatch(rule, call.pk, found="x") for call in calls], now=timezone.now())
    chosen = list(Alert.objects.values_list("pk", flat=True))

    boss.post(
        "/admin/calls/alert/", {"action": "acknowledge", "_selected_action": chosen}, follow=True
    )

    assert not Alert.objects.open().exists()
    assert CallEvent.objects.filter(type="alert_acknowledged", data__by="admin").count() == 3


@pytest.mark.parametrize("page", ["alertrule", "alert", "webhookendpoint", "webhookdelivery"])
def test_every_list_opens(boss, page):
    assert boss.get(f"/admin/calls/{page}/").status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("url", "ftp://crm.example.com", "must start with https://"),
        ("url", "https://", "has no host"),
        ("url", "https://user:word@crm.example.com", "must not contain a user"),
        ("secret", "whsec_short", "must be whsec_"),
    ],
)
def test_an_endpoint_that_could_never_receive_messages_is_refused(boss, field, value, complaint):
    form = {**ENDPOINT, "secret": new_secret(), field: value}

    page = boss.post("/admin/calls/webhookendpoint/add/", form).content.decode()

    assert complaint in page
    assert not WebhookEndpoint.objects.exists()


def test_a_new_endpoint_gets_no_past_events_and_can_be_tested(boss):
    call = Call.objects.create(call_id="c-1")
    rule = AlertRule.objects.create(name="New", kind="words", phrases="cancel")
    raise_alerts([AlertMatch(rule, call.pk, found="x")], now=timezone.now())

    boss.post("/admin/calls/webhookendpoint/add/", {**ENDPOINT, "secret": new_secret()})

    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.position == CallEvent.objects.order_by("-id")[0].pk
    boss.post(
        "/admin/calls/webhookendpoint/",
        {"action": "send_test", "_selected_action": [endpoint.pk]},
    )
    assert WebhookDelivery.objects.get().type == "test"


TURNS = [
    {"speaker": "customer", "begin_ms": 5000, "text": "My line has been dead.", "score": -4.0},
    {"speaker": "agent", "begin_ms": 60_000, "text": "A technician comes.", "score": 0.0},
]


def analysed_call(call_id):
    call = archived_call(call_id)
    silence = {"instances": [{"begin_ms": 10_000, "end_ms": 60_000}]}
    Analysis.objects.filter(call=call).update(turns=TURNS, metrics={"non_talk": silence})
    return call


def trial(boss, **fields):
    form = {**RULE, "phrases": "line has been dead"}
    return boss.post("/admin/calls/alertrule/try/", {**form, **fields}).content.decode()


def test_a_trial_of_a_rule_on_past_calls_stores_nothing(boss):
    analysed_call("c-1")
    analysed_call("c-2")
    live_call("live")
    failed_call("failed")
    before = (AlertRule.objects.count(), CallEvent.objects.count())

    found = trial(boss)

    assert "on <strong>2</strong> of the last 3 finished calls" in found
    assert "/supervisor/calls/c-1/" in found
    assert "My line has been dead." in found
    assert 'data-as="day_and_time"' in found
    assert (AlertRule.objects.count(), CallEvent.objects.count()) == before
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"speaker": "agent"}, 0),
        ({"phrases": "technician", "speaker": "agent"}, 1),
        ({"queues_0": ["sales"]}, 0),
        ({"queues_1": "sales, billing"}, 1),
        ({"agents_0": ["Ana"]}, 1),
        ({"agents_0": ["Ben"]}, 0),
        ({"conditions-0-kind": "words", "conditions-0-phrases": "technician"}, 1),
        ({"conditions-0-kind": "words", "conditions-0-phrases": "refund"}, 0),
        ({"conditions-3-kind": "long_call", "conditions-3-limit": "60"}, 1),
        ({"kind": "not_said", "speaker": "agent", "phrases": "may be recorded"}, 1),
        ({"kind": "sentiment", "limit": "-3", "per_turn": "on", "speaker": "customer"}, 1),
        ({"kind": "silence", "limit": "45"}, 1),
        ({"kind": "silence", "limit": "3000"}, 0),
        ({"kind": "loss", "limit": "10"}, 1),
        ({"kind": "long_call", "limit": "60"}, 1),
        ({"kind": "long_call", "limit": "6000"}, 0),
        ({"kind": "analysis_failed"}, 0),
    ],
)
def test_every_kind_of_rule_can_be_tried(boss, fields, count):
    call = analysed_call("c-1")
    begun = call.ended_at - timedelta(minutes=10)
    Call.objects.filter(pk=call.pk).update(
        packet_count=80, missing_count=20, opened_at=begun, queue="billing", agent="Ana"
    )

    assert f"on <strong>{count}</strong> of the last" in trial(boss, **fields)


def test_an_incomplete_rule_is_not_tried_and_says_what_it_lacks(boss):
    assert "This kind needs a limit" in trial(boss, kind="loss", limit="")
    assert boss.get("/admin/calls/alertrule/try/").status_code == 405


def test_a_rule_that_is_being_changed_is_tried_under_its_own_name(boss):
    rule = AlertRule.objects.get(name="Wants to cancel")
    form = {**RULE, "name": rule.name, "phrases": "dead"}

    page = boss.post(f"/admin/calls/alertrule/try/?rule={rule.pk}", form).content.decode()

    assert "There are no such calls yet" in page
    assert AlertRule.objects.get(pk=rule.pk).phrases == rule.phrases
    assert (
        "Try on past calls"
        in boss.get(f"/admin/calls/alertrule/{rule.pk}/change/").content.decode()
    )


def test_a_rule_with_conditions_is_stored_and_shown_again(boss):
    form = {
        **RULE,
        "phrases": "cancel",
        "queues_0": ["billing"],
        "queues_1": "sales, ",
        "conditions-0-kind": "sentiment",
        "conditions-0-speaker": "customer",
        "conditions-0-limit": "-2",
        "conditions-2-kind": "words",
        "conditions-2-phrases": "refund",
        "conditions-2-limit": "7",
        "quiet_hours": "Sat-Sun",
    }

    boss.post("/admin/calls/alertrule/add/", form)

    rule = AlertRule.objects.get(name="New")
    assert rule.queues == ["billing", "sales"]
    assert rule.conditions == [
        {"kind": "sentiment", "speaker": "customer", "limit": -2.0},
        {"kind": "words", "phrases": "refund"},
    ]
    page = boss.get(f"/admin/calls/alertrule/{rule.pk}/change/").content.decode()
    assert '<option value="sales" selected>' in page
    assert ">refund</textarea>" in page
    assert "For: Sentiment under a limit" in page
    assert "billing, sales" in boss.get("/admin/calls/alertrule/").content.decode()


def test_the_form_offers_the_queues_and_agents_of_recent_calls(boss):
    Call.objects.create(call_id="c-1", queue="billing", agent="Ana")

    page = boss.get("/admin/calls/alertrule/add/").content.decode()

    assert '<option value="billing">' in page
    assert '<option value="Ana">' in page


def test_a_script_gets_the_trial_without_a_page_around_it(boss):
    form = {**RULE, "phrases": "dead"}

    part = boss.post("/admin/calls/alertrule/try/", form, headers={"X-Panel": "1"})

    assert part.content.decode().strip().startswith("<p>")


def test_a_trial_needs_the_permissions_to_edit_rules_and_to_see_calls(person):
    client = person("view_alertrule", "view_call")

    assert client.post("/admin/calls/alertrule/try/", {}).status_code == 403


def test_after_a_changed_secret_the_old_one_stays_valid_and_the_position_unchanged(boss):
    boss.post("/admin/calls/webhookendpoint/add/", {**ENDPOINT, "secret": new_secret()})
    endpoint = WebhookEndpoint.objects.get()
    fresh = new_secret()
    page = f"/admin/calls/webhookendpoint/{endpoint.pk}/change/"
    WebhookEndpoint.objects.update(position=4711)

    boss.post(page, {**ENDPOINT, "secret": fresh})

    changed = WebhookEndpoint.objects.get()
    assert changed.secrets_at(timezone.now()) == (fresh, endpoint.secret)
    assert changed.position == 4711
    assert "Valid until" in boss.get(page).content.decode()


def test_a_secret_is_rotated_by_an_action_and_shown_to_editors_only(boss, person):
    endpoint = WebhookEndpoint.objects.create(name="crm", url="https://crm.example.com")
    form = {"action": "rotate", "_selected_action": [endpoint.pk]}

    boss.post("/admin/calls/webhookendpoint/", form)

    page = f"/admin/calls/webhookendpoint/{endpoint.pk}/change/"
    rotated = WebhookEndpoint.objects.get()
    assert rotated.previous_secret == endpoint.secret
    assert rotated.secret in boss.get(page).content.decode()
    looker = person("view_webhookendpoint")
    assert "whsec_" not in looker.get(page).content.decode()


def test_the_log_shows_messages_and_responses(boss):
    endpoint = WebhookEndpoint.objects.create(name="crm", url="https://crm.example.com")
    delivery = services.queue_test(endpoint)
    WebhookDelivery.objects.update(response="no such tenant", status_code=500)

    page = boss.get(f"/admin/calls/webhookdelivery/{delivery.pk}/change/").content.decode()

    assert "no such tenant" in page
    assert "&quot;endpoint&quot;: &quot;crm&quot;" in page
    boss.post(
        "/admin/calls/webhookdelivery/",
        {"action": "send_again", "_selected_action": [delivery.pk]},
    )
    assert WebhookDelivery.objects.get().next_attempt_at <= timezone.now()


def test_an_endpoint_that_is_enabled_again_has_no_failures(boss):
    endpoint = WebhookEndpoint.objects.create(
        name="crm", url="https://crm.example.com", enabled=False, disabled_reason="It is gone.",
        failing_since=timezone.now(),
    )  # fmt: skip
    page = f"/admin/calls/webhookendpoint/{endpoint.pk}/change/"
    assert "It is gone." in boss.get(page).content.decode()

    boss.post(page, {**ENDPOINT, "secret": endpoint.secret})

    endpoint.refresh_from_db()
    assert (endpoint.enabled, endpoint.disabled_reason, endpoint.failing_since) == (True, "", None)


def test_alerts_are_listed_by_their_state(boss):
    now = timezone.now()
    changes = {
        "open": {},
        "snoozed": {"snoozed_until": now + timedelta(hours=1)},
        "acknowledged": {"acknowledged_at": now, "acknowledged_by": "ana"},
        "resolved": {"resolved_at": now},
    }
    rule = AlertRule.objects.create(name="Long", kind="long", limit=60)
    for state, fields in changes.items():
        [alert] = raise_alerts([AlertMatch(rule, live_call().pk, found="x")], now=now)
        Alert.objects.filter(pk=alert.pk).update(name=f"is {state}", **fields)

    for state in changes:
        page = boss.get("/admin/calls/alert/", {"state": state}).content.decode()
        assert [each for each in changes if f"is {each}" in page] == [state]
        assert f">{state.capitalize()}</span>" in page
