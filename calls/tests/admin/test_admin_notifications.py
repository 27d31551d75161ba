"""Notification targets in the admin: checked and tested. Only editors see their addresses."""

from __future__ import annotations

import pytest
from django.core import mail

from calls.models import NotificationTarget

SECRET = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
FORM = {
    "name": "Team",
    "kind": "email",
    "address": "ana@example.com",
    "enabled": "on",
    "min_severity": 2,
    "per_minute": 10,
}


@pytest.fixture
def boss(client, admin_user):
    client.force_login(admin_user)
    return client


def post(boss, **fields):
    page = boss.post("/admin/calls/notificationtarget/add/", {**FORM, **fields}, follow=True)
    return page.content.decode()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"address": "ana"}, "ana is not an e-mail address"),
        ({"kind": "webhook", "address": "https://10.0.0.1/x"}, "not a public address"),
        ({"kind": "webhook", "address": "ftp://example.com"}, "must start with https://"),
        ({"kind": "slack", "address": "https://93.184.216.34/x"}, "https://hooks.slack.com"),
        ({"per_minute": 61}, "less than or equal to 60"),
    ],
)
def test_a_target_that_could_not_receive_messages_is_refused(boss, settings, fields, complaint):
    assert complaint in post(boss, **fields)
    assert not NotificationTarget.objects.exists()


def test_a_stored_address_is_masked_and_kept_unless_another_is_entered(boss, person):
    made = NotificationTarget.objects.create(name="Chat", kind="slack", address=SECRET)
    page = f"/admin/calls/notificationtarget/{made.pk}/change/"
    shown = boss.get(page).content.decode()
    listed = boss.get("/admin/calls/notificationtarget/").content.decode()

    boss.post(page, {**FORM, "kind": "slack", "address": "", "name": "Renamed"})

    made.refresh_from_db()
    looker = person("view_notificationtarget").get(page).content.decode()
    assert (made.name, made.address) == ("Renamed", SECRET)
    assert SECRET not in shown + listed + looker
    assert "hooks.slack.com/…i7FQ" in shown
    assert "hooks.slack.com/…i7FQ" in listed


def test_a_test_message_is_sent_at_once_and_its_response_shown(boss):
    answer = boss.post(
        "/admin/calls/notificationtarget/test/", FORM, headers={"X-Panel": "1"}
    ).content.decode()

    assert "Delivered" in answer
    assert [message.to for message in mail.outbox] == [["ana@example.com"]]
    assert not NotificationTarget.objects.exists()


def test_a_test_that_fails_says_why(boss, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    answer = boss.post("/admin/calls/notificationtarget/test/", FORM).content.decode()

    assert "Not delivered." in answer
    assert "The mail server could not be used" in answer


def test_a_test_needs_the_permission_to_change_targets(person):
    looker = person("view_notificationtarget")

    assert looker.post("/admin/calls/notificationtarget/test/", FORM).status_code == 403


@pytest.mark.parametrize("page", ["notificationtarget", "notificationdelivery"])
def test_every_list_opens(boss, page):
    assert boss.get(f"/admin/calls/{page}/").status_code == 200
