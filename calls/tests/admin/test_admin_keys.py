"""API keys in the admin: created, shown once, revoked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from calls.keys import create_key, digest, ring, rotate_key
from calls.models import ApiKey
from calls.tests.admin.test_admin import change, changelist, text_of

pytestmark = pytest.mark.django_db


def test_a_new_key_is_shown_once_and_works(boss):
    sent = {"name": "PBX", "scopes": ["ingest", "read"]}

    page = text_of(boss.post(reverse("admin:calls_apikey_add"), sent, follow=True))
    again = text_of(boss.get(changelist("calls_apikey")))

    plain = re.search(r"cc_[0-9a-f]{8}_[\w-]{43}", page).group()
    key = ApiKey.objects.get()
    assert (key.name, key.scopes, key.digest) == ("PBX", ["ingest", "read"], digest(plain))
    assert ring.find(plain).scopes == {"ingest", "read"}
    assert plain not in again


@pytest.mark.parametrize(
    "sent", [{"name": "", "scopes": ["read"]}, {"name": "x"}, {"name": "x", "scopes": ["root"]}]
)
def test_a_key_needs_a_name_and_a_scope_that_exists(boss, sent):
    response = boss.post(reverse("admin:calls_apikey_add"), sent)

    assert "errorlist" in text_of(response)
    assert not ApiKey.objects.exists()


def test_only_the_name_of_a_key_can_be_changed_and_its_digest_is_not_shown(boss):
    key, _ = create_key(name="old", scopes=["read"])
    forged = {"name": "new", "digest": "0", "prefix": "0", "scopes": ["admin"], "revoked_at": ""}

    page = text_of(boss.get(change(key)))
    boss.post(change(key), forged)

    changed = ApiKey.objects.get()
    assert key.digest not in page
    assert changed.name == "new"
    assert (changed.digest, changed.prefix, changed.scopes) == (key.digest, key.prefix, ["read"])


def test_a_key_can_be_limited_to_a_time_and_to_networks(boss):
    until = {"expires_at_0": "2100-01-31", "expires_at_1": "12:00:00"}
    sent = {"name": "PBX", "scopes": ["ingest"], "networks": "10.0.0.0/8\n::1, ::1", **until}

    boss.post(reverse("admin:calls_apikey_add"), sent)
    key = ApiKey.objects.get()
    boss.post(change(key), {**until, "name": "PBX", "networks": "192.0.2.7"})

    assert key.expires_at == datetime(2100, 1, 31, 12, tzinfo=UTC)
    assert key.networks == ["10.0.0.0/8", "::1"]
    assert ApiKey.objects.get().networks == ["192.0.2.7"]


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"networks": "10.0.0.5/8"}, "Did you mean 10.0.0.0/8?"),
        ({"expires_at_0": "2020-01-31", "expires_at_1": "12:00"}, "This is in the past."),
    ],
)
def test_invalid_limits_are_refused_with_the_reason(boss, sent, reason):
    key, _ = create_key(name="PBX", scopes=["ingest"])

    added = text_of(boss.post(reverse("admin:calls_apikey_add"), {"scopes": ["read"], **sent}))
    changed = text_of(boss.post(change(key), {"name": "PBX", **sent}))

    assert reason in added
    assert reason in changed
    assert ApiKey.objects.get().networks == []


def test_an_expired_key_can_be_renamed(boss):
    past = datetime(2020, 1, 31, 12, tzinfo=UTC)
    key, _ = create_key(name="old", scopes=["read"], expires_at=past)

    unchanged = {"expires_at_0": "2020-01-31", "expires_at_1": "12:00:00"}
    boss.post(change(key), {"name": "new", "networks": "", **unchanged})

    assert (ApiKey.objects.get().name, ApiKey.objects.get().expires_at) == ("new", past)


def test_a_key_is_rotated_with_overlap_and_its_new_secret_shown_once(boss):
    key, old = create_key(name="PBX", scopes=["ingest"])
    form = boss.get(change(key)).context["rotation"]
    sent = {"overlap": "86400", "seen": form.initial["seen"]}
    address = reverse("admin:calls_apikey_rotate", args=[key.pk])

    page = text_of(boss.post(address, sent, follow=True))
    again = text_of(boss.post(address, sent, follow=True))

    plain = re.search(r"cc_[0-9a-f]{8}_[\w-]{43}", page).group()
    assert ring.find(plain).key_id == ring.find(old).key_id == key.pk
    assert "The old one is valid until" in page
    assert "Somebody has rotated this key since you opened the page." in again


def test_a_secret_that_is_still_valid_is_ended_only_on_request(boss):
    key, _ = create_key(name="PBX", scopes=["ingest"])
    rotate_key(key, overlap=timedelta(hours=1))
    form = boss.get(change(key)).context["rotation"]
    sent = {"overlap": "0", "seen": form.initial["seen"]}
    address = reverse("admin:calls_apikey_rotate", args=[key.pk])

    refused = text_of(boss.post(address, sent, follow=True))
    kept = text_of(boss.post(address, {**sent, "keep_previous": "on"}, follow=True))
    sent["seen"] = boss.get(change(key)).context["rotation"].initial["seen"]
    done = text_of(boss.post(address, {**sent, "end_previous": "on"}, follow=True))

    assert "The key was not rotated." in refused
    assert "The new secret is" in kept
    assert "The new secret is" in done


def test_rotating_needs_the_permission_and_a_form(boss, person):
    key, _ = create_key(name="PBX", scopes=["ingest"])
    address = reverse("admin:calls_apikey_rotate", args=[key.pk])

    by_link = boss.get(address)
    unknown = boss.post(reverse("admin:calls_apikey_rotate", args=[0]), {"overlap": "0"})
    nonsense = text_of(boss.post(address, {"overlap": "7"}, follow=True))
    stranger = person("view_apikey").post(address, {"overlap": "0"})

    assert (by_link.status_code, unknown.status_code, stranger.status_code) == (405, 404, 403)
    assert "Choose how long" in nonsense
    assert ApiKey.objects.get().digest == key.digest


def test_the_list_shows_the_status_of_each_key(boss):
    now = timezone.now()
    create_key(name="a", scopes=["read"], expires_at=now + timedelta(days=5, hours=1))
    create_key(name="b", scopes=["read"], expires_at=now - timedelta(days=1))
    create_key(name="c", scopes=["read"], networks=["10.0.0.0/8"])
    ApiKey.objects.filter(name="c").update(last_used_at=now, last_used_from="192.0.2.9")

    page = text_of(boss.get(changelist("calls_apikey")))
    detail = text_of(boss.get(change(ApiKey.objects.get(name="c"))))

    assert "Expires in 5 days" in page
    assert "Expired" in page
    assert "10.0.0.0/8" in page
    assert "from 192.0.2.9" in detail


def test_a_key_is_revoked_at_once_and_permanently(boss):
    key, plain = create_key(name="PBX", scopes=["ingest"])
    known = ring.find(plain)
    data = {"action": "revoke", "_selected_action": [key.pk]}

    page = text_of(boss.post(changelist("calls_apikey"), data, follow=True))
    first = ApiKey.objects.get().revoked_at
    boss.post(changelist("calls_apikey"), data)

    assert "1 key revoked permanently." in page
    assert known is not None
    assert ring.find(plain) is None
    assert ApiKey.objects.get().revoked_at == first


def test_creating_and_revoking_keys_needs_permissions(person):
    key, _ = create_key(name="PBX", scopes=["ingest"])
    client = person("view_apikey")

    made = client.post(reverse("admin:calls_apikey_add"), {"name": "x", "scopes": ["read"]})
    client.post(changelist("calls_apikey"), {"action": "revoke", "_selected_action": [key.pk]})

    assert made.status_code == 403
    assert ApiKey.objects.get().revoked_at is None
