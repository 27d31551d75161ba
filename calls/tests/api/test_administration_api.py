"""Rules, webhooks, notification targets and keys over REST: what the admin does, for programs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User

from calls import events
from calls.models import (
    AlertRule,
    ApiKey,
    AuditEntry,
    NotificationTarget,
    Team,
    WebhookDelivery,
    WebhookEndpoint,
)
from calls.tests.factories import archived_call

pytestmark = pytest.mark.django_db
RULE = {"name": "Angry", "kind": "words", "phrases": "angry", "severity": "critical"}
WEBHOOK = {"name": "CRM", "url": "https://8.8.8.8/hook"}
TARGET = {"name": "Chat", "kind": "webhook", "address": "https://8.8.8.8/room/secret"}
KEY = {"name": "PBX", "scopes": ["ingest"]}
RESOURCES = {
    "rules": (RULE, "rule", {"enabled": False}),
    "webhooks": (WEBHOOK, "webhook", {"enabled": False}),
    "notification-targets": (TARGET, "target", {"per_minute": 5}),
    "keys": (KEY, "number", {"name": "PBX 2"}),
}
MODELS = {
    "rules": AlertRule,
    "webhooks": WebhookEndpoint,
    "notification-targets": NotificationTarget,
    "keys": ApiKey,
}


@pytest.fixture(autouse=True)
def _no_rules_of_the_site(db):
    AlertRule.objects.all().delete()


@pytest.fixture
def admin(api_with_key):
    return api_with_key("admin")


def create(api, resource):
    body, number, _ = RESOURCES[resource]
    answer = api.post(f"/v1/{resource}", body)
    assert answer.status_code == 201, answer.content
    return answer.json()[number]


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_row_is_created_read_listed_and_changed(admin, resource):
    number = create(admin, resource)
    body, name, change = RESOURCES[resource]
    address = f"/v1/{resource}/{number}"

    changed = admin.patch(address, change)
    read, listed = admin.get(address).json(), admin.get(f"/v1/{resource}").json()

    assert changed.status_code == 200, changed.content
    assert changed.json() == read
    assert read.items() >= change.items()
    assert read["name"] == change.get("name", body["name"])
    assert number in [row[name] for row in listed["results"]]


def test_a_target_can_be_limited_to_teams_and_the_limit_removed(admin):
    team, address = Team.objects.create(name="Sales"), "/v1/notification-targets"
    made = admin.post(address, {**TARGET, "teams": ["sales"]}).json()
    assert (made["teams"], NotificationTarget.objects.get().teams) == (["Sales"], [team.pk])

    team.delete()
    assert admin.get(address).json()["results"][0]["teams"] == []  # not null: no call, not all
    freed = admin.patch(f"{address}/{made['target']}", {"teams": None}).json()

    assert freed["teams"] is None


@pytest.mark.parametrize("resource", ["rules", "webhooks", "notification-targets"])
def test_a_deleted_row_cannot_be_deleted_again(admin, resource):
    address = f"/v1/{resource}/{create(admin, resource)}"

    answers = [admin.delete(address).status_code for _ in range(2)]

    assert answers == [204, 404]
    assert not MODELS[resource].objects.exists()


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_audit_log_says_who_created_and_changed_a_row(admin, resource):
    number = create(admin, resource)

    admin.patch(f"/v1/{resource}/{number}", RESOURCES[resource][2])

    entries = AuditEntry.objects.filter(object_id=str(number)).order_by("pk")
    assert [entry.action for entry in entries] == ["add", "change"]
    assert {entry.actor for entry in entries} == {"test"} or {e.actor for e in entries} == {
        "key test"
    }
    assert "secret" not in str([entry.details for entry in entries])


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("scope", ["ingest", "read", "supervise"])
def test_only_keys_with_the_scope_admin_can_administer(api_with_key, resource, scope):
    api, body = api_with_key(scope), RESOURCES[resource][0]

    answers = [
        api.get(f"/v1/{resource}"),
        api.post(f"/v1/{resource}", body),
        api.get(f"/v1/{resource}/1"),
        api.patch(f"/v1/{resource}/1", {}),
    ]

    assert {answer.status_code for answer in answers} == {403}


def test_a_person_needs_the_permission_of_the_model(client, settings):
    settings.API_AUTH = "key"
    user = User.objects.create(username="ann")
    user.user_permissions.set(Permission.objects.filter(codename="view_alertrule"))
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")

    assert client.get("/v1/rules").status_code == 200
    refused = client.post("/v1/rules", RULE, content_type="application/json")
    assert refused.json() == {"detail": "Your account lacks the permission calls.add_alertrule."}
    assert client.get("/v1/keys").status_code == 403


@pytest.mark.parametrize(
    ("resource", "change", "field"),
    [
        ("rules", {"kind": "mood"}, "kind"),
        ("rules", {"phrases": ""}, "phrases"),
        ("rules", {"phrases": 5}, "phrases"),
        ("rules", {"phrases": "a\0b"}, "phrases"),
        ("rules", {"quiet_hours": "sometimes"}, "quiet_hours"),
        ("rules", {"conditions": [{"kind": "loss"}]}, "conditions"),
        ("rules", {"within_s": -1}, "within_s"),
        ("rules", {"nmae": "Angry"}, "nmae"),
        ("webhooks", {"url": "ftp://8.8.8.8/"}, "url"),
        ("webhooks", {"url": "http://127.0.0.1/hook"}, "url"),
        ("webhooks", {"secret": "whsec_short"}, "secret"),
        ("notification-targets", {"kind": "slack"}, "address"),
        ("notification-targets", {"rules": [99]}, "rules"),
        ("notification-targets", {"teams": ["Nobody"]}, "teams"),
        ("notification-targets", {"teams": []}, "teams"),
        ("notification-targets", {"per_minute": 0}, "per_minute"),
        ("keys", {"scopes": []}, "scopes"),
        ("keys", {"scopes": ["root"]}, "scopes"),
        ("keys", {"name": ""}, "name"),
        ("keys", {"networks": ["10.0.0.1/8"]}, "networks"),
        ("keys", {"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
    ],
)
def test_a_mistake_is_named_with_its_field(admin, settings, resource, change, field):
    settings.WEBHOOK_ALLOW_PRIVATE = "none"

    answer = admin.post(f"/v1/{resource}", {**RESOURCES[resource][0], **change})

    assert answer.status_code == 400, answer.content
    assert list(answer.json()) == [field]
    assert not MODELS[resource].objects.exclude(name="test").exists()


@pytest.mark.parametrize("resource", ["rules", "webhooks", "notification-targets"])
def test_two_rows_cannot_have_one_name(admin, resource):
    create(admin, resource)

    answer = admin.post(f"/v1/{resource}", RESOURCES[resource][0])

    assert (answer.status_code, list(answer.json())) == (400, ["name"])


@pytest.mark.parametrize("resource", RESOURCES)
def test_an_unknown_number_is_404(admin, resource):
    for number in ("99", "9" * 5000, "-1", "x"):
        answer = admin.get(f"/v1/{resource}/{number}")
        assert answer.status_code == 404
        assert answer.json()["detail"]


# --- Rules ---
def test_a_rule_is_tried_on_past_calls_before_and_after_it_is_stored(admin):
    archived_call("c-1")
    body = {**RULE, "phrases": "hello"}
    before = admin.post("/v1/rules/try", body)
    assert not AlertRule.objects.exists()
    number = admin.post("/v1/rules", body).json()["rule"]

    after = admin.post(f"/v1/rules/{number}/try")

    assert before.json() == after.json()
    assert before.json()["looked"] == 1
    assert [hit["call_id"] for hit in before.json()["results"]] == ["c-1"]


def test_a_change_of_a_rule_keeps_its_other_fields(admin):
    number = create(admin, "rules")

    answer = admin.patch(f"/v1/rules/{number}", {"severity": "notice"}).json()

    assert (answer["phrases"], answer["severity"]) == ("angry", "notice")


# --- Webhooks ---
def test_the_secret_of_a_webhook_is_shown_once(admin):
    created = admin.post("/v1/webhooks", WEBHOOK).json()

    read = admin.get(f"/v1/webhooks/{created['webhook']}").json()

    assert created["secret"].startswith("whsec_")
    assert created["secret"] not in str(read)


def test_a_new_webhook_gets_no_past_events(admin):
    archived_call("c-1")

    create(admin, "webhooks")

    assert WebhookEndpoint.objects.get().position == events.head()


def test_after_a_new_secret_the_old_one_is_valid_for_a_day(admin):
    number = create(admin, "webhooks")
    old = WebhookEndpoint.objects.get().secret
    new = "whsec_" + "A" * 44

    admin.patch(f"/v1/webhooks/{number}", {"secret": new})

    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.secret, endpoint.previous_secret) == (new, old)


def test_a_test_message_returns_its_outcome_and_is_among_the_deliveries(admin, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = "loopback"
    url = {"url": "http://127.0.0.1:9/hook"}  # nothing listens there
    number = admin.post("/v1/webhooks", {**WEBHOOK, **url}).json()["webhook"]

    outcome = admin.post(f"/v1/webhooks/{number}/test")
    (delivery,) = admin.get(f"/v1/webhooks/{number}/deliveries").json()["results"]

    assert outcome.status_code == 200
    assert (outcome.json()["is_success"], bool(outcome.json()["error"])) == (False, True)
    assert (delivery["type"], delivery["state"]) == ("test", "given_up")
    assert WebhookDelivery.objects.count() == 1


# --- Notification targets ---
def test_the_address_of_a_chat_is_never_shown(admin):
    number = create(admin, "notification-targets")

    answers = [
        admin.get("/v1/notification-targets"),
        admin.get(f"/v1/notification-targets/{number}"),
    ]

    assert all("room/secret" not in answer.content.decode() for answer in answers)


def test_a_target_gets_only_alerts_of_the_named_rules(admin):
    rule = create(admin, "rules")

    target = admin.post("/v1/notification-targets", {**TARGET, "rules": [rule]}).json()
    changed = admin.patch(f"/v1/notification-targets/{target['target']}", {"rules": []}).json()

    assert (target["rules"], changed["rules"]) == ([rule], [])


# --- Keys ---
def test_a_new_key_works_until_it_is_revoked(admin, api_with_key):
    created = admin.post("/v1/keys", {"name": "reader", "scopes": ["read", "read"]}).json()
    reader = {"HTTP_AUTHORIZATION": f"Bearer {created['key']}"}
    fresh = type(admin)()
    assert fresh.get("/v1/call", **reader).status_code == 200

    revoked = admin.post(f"/v1/keys/{created['number']}/revoke").json()

    assert created["scopes"] == ["read"]
    assert revoked["revoked_at"]
    assert fresh.get("/v1/call", **reader).status_code == 401
    assert created["key"] not in admin.get("/v1/keys").content.decode()


def test_a_key_is_rotated_and_its_old_secret_ends_with_the_overlap(admin):
    created = admin.post("/v1/keys", {"name": "reader", "scopes": ["read"]}).json()
    address = f"/v1/keys/{created['number']}/rotate"

    rotated = admin.post(address, {"overlap_s": 0})

    assert rotated.status_code == 200
    answers = [
        type(admin)().get("/v1/call", HTTP_AUTHORIZATION=f"Bearer {each['key']}").status_code
        for each in (created, rotated.json())
    ]
    assert answers == [401, 200]


def test_the_secret_of_a_lost_response_is_replaced(admin):
    created = admin.post("/v1/keys", {"name": "reader", "scopes": ["read"]}).json()
    address = f"/v1/keys/{created['number']}/rotate"
    lost = admin.post(address, {}).json()

    again = admin.post(address, {"keep_previous": True}).json()

    answers = [
        type(admin)().get("/v1/call", HTTP_AUTHORIZATION=f"Bearer {each['key']}").status_code
        for each in (created, lost, again)
    ]
    assert answers == [200, 401, 200]
    assert again["previous_until"] == lost["previous_until"]


def test_a_revoked_key_is_not_rotated(admin):
    number = create(admin, "keys")
    admin.post(f"/v1/keys/{number}/revoke")

    answer = admin.post(f"/v1/keys/{number}/rotate", {})

    assert (answer.status_code, list(answer.json())) == (409, ["detail"])
