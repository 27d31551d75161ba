"""The life of a key: expiry, networks, rotation and last use."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from rest_framework.test import APIClient

from calls.keys import KeyRefused, KeyUnchangeable, admit, create_key, revoke_key, rotate_key
from calls.keys import last_use as last_use_module
from calls.keys.keyring import ApiClient
from calls.keys.last_use import LastUse, last_use, start_thread
from calls.keys.services import LONGEST_OVERLAP
from calls.models import ApiKey

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
END = datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()


def using(plain: str, address: str = "127.0.0.1") -> APIClient:
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {plain}", REMOTE_ADDR=address)


@pytest.mark.parametrize(
    ("fields", "at", "reason"),
    [
        ({}, END, None),
        ({"expires_at": END}, END - 1, None),
        ({"expires_at": END}, END, "This API key expired at 2026-11-29 12:00:00 UTC."),
        ({"replaced_at": END}, END - 1, None),
        ({"replaced_at": END}, END, "was rotated, and its old secret expired at 2026-11-29 12:00"),
        ({"networks": ("10.0.0.0/8",)}, END, None),
        ({"networks": ("192.0.2.0/24",)}, END, "may not be used from 10.1.2.3."),
    ],
)
def test_a_key_is_refused_by_expiry_and_address_with_the_reason(fields, at, reason):
    client = ApiClient("PBX", frozenset({"ingest"}), **fields)

    refusal = client.find_refusal("10.1.2.3", at)

    assert (reason is None) == (refusal is None)
    assert (reason or "") in str(refusal)


def test_an_expired_key_is_told_so_and_a_valid_one_is_not(settings):
    settings.API_AUTH = "key"
    _, soon_plain = create_key(name="soon", scopes=["read"], expires_at=timezone.now() + HOUR)
    _, past_plain = create_key(name="past", scopes=["read"], expires_at=timezone.now() - HOUR)

    valid, expired = using(soon_plain).get("/v1/call"), using(past_plain).get("/v1/call")

    assert valid.status_code == 200
    assert expired.status_code == 401
    assert "This API key expired at" in expired.json()["detail"]
    assert expired["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("address", "status"),
    [("10.1.2.3", 200), ("::ffff:10.1.2.3", 200), ("2001:db8::5", 200), ("192.0.2.1", 403)],
)
def test_a_key_is_bound_to_its_networks(settings, address, status):
    settings.API_AUTH = "key"
    _, plain = create_key(name="PBX", scopes=["read"], networks=["10.0.0.0/8", "2001:db8::/32"])

    response = using(plain, address).get("/v1/call")

    assert response.status_code == status
    if status == 403:
        assert response.json() == {"detail": "This API key may not be used from 192.0.2.1."}


def test_the_old_secret_of_a_rotated_key_is_valid_for_the_overlap_and_is_the_same_key():
    key, old = create_key(name="PBX", scopes=["ingest"])

    new = rotate_key(key, overlap=HOUR)

    assert new != old
    assert new.startswith(f"cc_{key.prefix}_")
    assert admit(new, "::1").key_id == admit(old, "::1").key_id == key.pk
    stored = ApiKey.objects.get()
    assert stored.previous_until == stored.rotated_at + HOUR


def test_without_overlap_the_old_secret_ends_at_once_and_says_why():
    key, old = create_key(name="PBX", scopes=["ingest"])

    rotate_key(key, overlap=timedelta(0))

    with pytest.raises(KeyRefused, match="was rotated, and its old secret expired at"):
        admit(old, "::1")


def test_a_secret_from_two_rotations_ago_ends_only_on_request():
    key, first = create_key(name="PBX", scopes=["ingest"])
    second = rotate_key(key, overlap=HOUR)
    key.refresh_from_db()

    with pytest.raises(KeyUnchangeable, match="would end now"):
        rotate_key(key, overlap=HOUR)
    third = rotate_key(key, overlap=HOUR, end_previous=True)

    assert admit(second, "::1") == admit(second, "::1")
    assert admit(third, "::1").name == "PBX"
    with pytest.raises(KeyRefused):
        admit(first, "::1")


def test_a_new_secret_that_was_lost_is_replaced_and_the_one_in_use_stays():
    key, used = create_key(name="PBX", scopes=["ingest"])
    lost = rotate_key(key, overlap=HOUR)
    key.refresh_from_db()
    until = key.previous_until

    new = rotate_key(key, overlap=timedelta(0), keep_previous=True)

    assert admit(new, "::1").key_id == admit(used, "::1").key_id == key.pk
    with pytest.raises(KeyRefused):
        admit(lost, "::1")
    assert ApiKey.objects.get().previous_until == until


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"keep_previous": True}, "No secret from before the last rotation is valid"),
        ({"keep_previous": True, "end_previous": True}, "both ended and kept"),
    ],
)
def test_there_must_be_a_secret_to_keep(choice, reason):
    key, _ = create_key(name="PBX", scopes=["ingest"])

    with pytest.raises(KeyUnchangeable, match=reason):
        rotate_key(key, overlap=HOUR, **choice)

    assert ApiKey.objects.get().digest == key.digest


@pytest.mark.parametrize(
    ("changes", "overlap", "reason"),
    [
        ({"revoked_at": datetime(2026, 1, 1, tzinfo=UTC)}, HOUR, "is revoked"),
        ({"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}, HOUR, "has expired"),
        ({}, LONGEST_OVERLAP + HOUR, "from 0 to 90 days"),
        ({}, -HOUR, "from 0 to 90 days"),
    ],
)
def test_a_key_that_cannot_be_rotated_says_why_and_keeps_its_secret(changes, overlap, reason):
    key, _ = create_key(name="PBX", scopes=["ingest"])
    ApiKey.objects.update(**changes)

    with pytest.raises(KeyUnchangeable, match=reason):
        rotate_key(key, overlap=overlap)

    assert ApiKey.objects.get().digest == key.digest


def test_only_one_of_two_people_who_saw_the_same_secret_rotates_it():
    key, _ = create_key(name="PBX", scopes=["ingest"])
    seen_by_ann, seen_by_bob = ApiKey.objects.get(pk=key.pk), ApiKey.objects.get(pk=key.pk)

    plain = rotate_key(seen_by_ann, overlap=timedelta(0))
    with pytest.raises(KeyUnchangeable, match="Somebody has just rotated"):
        rotate_key(seen_by_bob, overlap=timedelta(0))

    assert admit(plain, "::1").name == "PBX"


@pytest.mark.django_db(transaction=True)
def test_two_rotations_at_the_same_time_leave_one_secret_that_works():
    key, _ = create_key(name="PBX", scopes=["ingest"])
    begin, outcomes = threading.Barrier(2), []

    def rotate() -> None:
        begin.wait(10)
        try:
            outcomes.append(rotate_key(key, overlap=HOUR))
        except KeyUnchangeable as error:
            outcomes.append(error)
        finally:
            connection.close()

    people = [threading.Thread(target=rotate) for _ in range(2)]
    for each in people:
        each.start()
    for each in people:
        each.join(20)

    (plain,) = [each for each in outcomes if isinstance(each, str)]
    assert len(outcomes) == 2
    assert admit(plain, "::1").key_id == key.pk


def test_a_revoked_key_stays_revoked_with_both_its_secrets():
    key, old = create_key(name="PBX", scopes=["ingest"])
    new = rotate_key(key, overlap=HOUR)

    revoke_key(key)

    for plain in (old, new):
        with pytest.raises(KeyRefused, match="unknown or revoked"):
            admit(plain, "::1")


@pytest.mark.django_db(transaction=True)
def test_the_last_use_is_recorded_with_its_address_once_a_minute(monkeypatch):
    threads = []

    def start(write):
        threads.append(start_thread(write))
        return threads[-1]

    monkeypatch.setattr(last_use, "start", start)
    key, plain = create_key(name="PBX", scopes=["ingest"])
    before = timezone.now()

    admit(plain, "192.0.2.7")
    last_use.finish()
    admit(plain, "192.0.2.8")

    key.refresh_from_db()
    assert before <= key.last_used_at <= timezone.now()
    assert key.last_used_from == "192.0.2.7"
    assert len(threads) == 1


def test_noting_a_use_costs_no_query(django_assert_num_queries):
    with django_assert_num_queries(0):
        LastUse(lambda write: None).note(1, "::1")


@pytest.mark.django_db(transaction=True)
def test_a_later_use_that_another_process_recorded_is_kept():
    key, _ = create_key(name="PBX", scopes=["ingest"])
    later = timezone.now() + HOUR
    ApiKey.objects.update(last_used_at=later, last_used_from="192.0.2.1")
    uses = LastUse(start_thread)

    uses.note(key.pk, "192.0.2.2")
    uses.finish()

    key.refresh_from_db()
    assert (key.last_used_at, key.last_used_from) == (later, "192.0.2.1")


@pytest.mark.django_db(transaction=True)
def test_a_database_outage_ends_the_thread_and_the_next_use_starts_another(monkeypatch):
    def away(*args: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(last_use_module, "_record", away)
    started = []
    uses = LastUse(started.append)

    uses.note(1, "::1")
    started.pop()()
    uses.note(2, "::1")

    assert len(started) == 1
