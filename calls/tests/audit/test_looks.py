"""Every look at a recording, at unredacted words and at an export is on record."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import get_resolver, reverse

from calls.api import downloads
from calls.keys import create_key, ring
from calls.models import AuditEntry
from calls.tests.audio import archived_audio

pytestmark = pytest.mark.django_db
SPOKEN = {"call_id": "spoken"}
TABLES = sorted(name for name in get_resolver().reverse_dict if str(name).endswith("-csv"))


@pytest.fixture(autouse=True)
def _keys(settings):
    settings.API_AUTH = "key"
    ring.forget()
    yield
    ring.forget()


@pytest.fixture
def call():
    return archived_audio()


@pytest.fixture
def ana(client):
    user = User.objects.create_user("ana", password="x")
    wanted = ["view_call", "view_unredacted", "view_packet"]
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(user)
    AuditEntry.objects.all()._raw_delete("default")
    return client


@pytest.fixture
def crm():
    """The headers of a program that may read."""
    _, plain = create_key(name="CRM", scopes=["read"])
    AuditEntry.objects.all()._raw_delete("default")
    return {"authorization": f"Bearer {plain}"}


def read(client, address, **headers):
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def told():
    found = AuditEntry.objects.order_by("id")
    return [(each.actor_kind, each.actor, each.action, each.call_id, each.details)
            for each in found]  # fmt: skip


@pytest.mark.parametrize("redacted", [True, False])
def test_a_person_who_hears_a_recording_is_named_with_what_was_heard(ana, call, redacted):
    read(ana, reverse("recording", kwargs=SPOKEN) + f"?redacted={str(redacted).lower()}")

    assert told() == [("person", "ana", "playback", "spoken", {"redacted": redacted})]


def test_a_key_that_fetches_a_recording_is_named(client, call, crm):
    read(client, reverse("recording", kwargs=SPOKEN), **crm)

    assert told() == [("key", "CRM", "playback", "spoken", {"redacted": True})]


def test_the_parts_of_one_playback_are_one_look(ana, call):
    address = reverse("recording", kwargs=SPOKEN)

    for first in (0, 100, 200):
        part = ana.get(address, headers={"Range": f"bytes={first}-{first + 99}"})
        assert len(b"".join(part.streaming_content)) == 100

    assert len(told()) == 1


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("who", ["person", "key"])
def test_each_table_is_an_export_of_whoever_fetches_it(client, call, request, name, who):
    headers = request.getfixturevalue("crm") if who == "key" else {}
    asking = client if who == "key" else request.getfixturevalue("ana")

    read(asking, reverse(name), **headers)

    ((kind, _, action, _, details),) = told()
    assert (kind, action) == (who, "export")
    assert details["file"].endswith(".csv")


def test_the_table_of_the_wallboard_is_an_export(ana, call):
    read(ana, reverse("supervisor:table"))

    assert [entry[2] for entry in told()] == ["export"]


@pytest.mark.parametrize("form", sorted(set(downloads.FORMATS) - {"json"}))
def test_a_transcript_as_a_file_is_an_export(ana, call, form):
    read(ana, reverse("transcript", kwargs=SPOKEN) + f"?as={form}")

    assert [(entry[2], entry[3]) for entry in told()] == [("export", "spoken")]


@pytest.mark.parametrize(
    "address",
    [
        "/supervisor/calls/spoken/?unredacted=1",
        "/supervisor/calls/spoken/?unredacted=1&print=1",
        "/v1/call/spoken/transcript?redacted=false",
        "/v1/call/spoken/packets",
    ],
)
def test_unredacted_words_are_a_look_of_the_person(ana, call, address):
    read(ana, address)

    assert [entry[:4] for entry in told()] == [("person", "ana", "unredacted", "spoken")]
