"""Alerts and webhooks in the admin: rules and endpoints are checked, alerts acknowledged."""

import pytest
from django.utils import timezone

from calls.alerts.services import Finding, raise_alerts
from calls.models import Alert, AlertRule, Call, CallEvent, WebhookDelivery, WebhookEndpoint
from calls.models.webhook import new_secret

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
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_its_limits(boss, fields, complaint):
    form = {"name": "New", "severity": 2, "enabled": "on", "speaker": "", **fields}

    page = boss.post("/admin/calls/alertrule/add/", form).content.decode()

    assert complaint in page
    assert not AlertRule.objects.filter(name="New").exists()


def test_alerts_are_acknowledged_in_bulk_by_name(boss):
    rule = AlertRule.objects.create(name="New", kind="words", phrases="cancel")
    calls = [Call.objects.create(call_id=f"c-{number}") for number in range(3)]
    raise_alerts([Finding(rule, call.pk, found="x") for call in calls], now=timezone.now())
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
        ("url", "ftp://crm.example.com", "must begin with https://"),
        ("url", "https://", "names no host"),
        ("url", "https://user:word@crm.example.com", "must not hold a user"),
        ("secret", "whsec_short", "must be whsec_"),
    ],
)
def test_an_endpoint_that_could_never_be_told_is_refused(boss, field, value, complaint):
    form = {**ENDPOINT, "secret": new_secret(), field: value}

    page = boss.post("/admin/calls/webhookendpoint/add/", form).content.decode()

    assert complaint in page
    assert not WebhookEndpoint.objects.exists()


def test_a_new_endpoint_is_told_nothing_of_the_past_and_can_be_tested(boss):
    call = Call.objects.create(call_id="c-1")
    rule = AlertRule.objects.create(name="New", kind="words", phrases="cancel")
    raise_alerts([Finding(rule, call.pk, found="x")], now=timezone.now())

    boss.post("/admin/calls/webhookendpoint/add/", {**ENDPOINT, "secret": new_secret()})

    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.position == CallEvent.objects.order_by("-id")[0].pk
    boss.post(
        "/admin/calls/webhookendpoint/",
        {"action": "send_test", "_selected_action": [endpoint.pk]},
    )
    assert WebhookDelivery.objects.get().type == "test"
