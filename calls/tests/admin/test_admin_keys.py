"""API keys in the admin: made, shown once, revoked."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from calls.keys import create_key, digest, ring
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


def test_of_a_key_only_the_name_can_be_changed_and_its_digest_is_not_shown(boss):
    key, _ = create_key(name="old", scopes=["read"])
    forged = {"name": "new", "digest": "0", "prefix": "0", "scopes": ["operate"], "revoked_at": ""}

    page = text_of(boss.get(change(key)))
    boss.post(change(key), forged)

    changed = ApiKey.objects.get()
    assert key.digest not in page
    assert changed.name == "new"
    assert (changed.digest, changed.prefix, changed.scopes) == (key.digest, key.prefix, ["read"])


def test_a_key_is_revoked_at_once_and_for_good(boss):
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


def test_keys_need_permissions_to_be_made_and_revoked(person):
    key, _ = create_key(name="PBX", scopes=["ingest"])
    client = person("view_apikey")

    made = client.post(reverse("admin:calls_apikey_add"), {"name": "x", "scopes": ["read"]})
    client.post(changelist("calls_apikey"), {"action": "revoke", "_selected_action": [key.pk]})

    assert made.status_code == 403
    assert ApiKey.objects.get().revoked_at is None
