"""API keys: made once, found without a query, refused when revoked, each for its scopes."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import Permission, User
from django.db import OperationalError

from calls import keys
from calls.keys import KeyRing, create_key, digest, key_from_headers, revoke_key
from calls.models import ApiKey

pytestmark = pytest.mark.django_db


class Clock:
    """Takes the place of ``time`` in the module."""

    def __init__(self):
        self.now = 1_000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch, settings):
    settings.API_KEY_REFRESH = 5
    clock = Clock()
    monkeypatch.setattr(keys, "time", clock)
    return clock


def test_a_key_is_long_random_and_stored_as_a_digest():
    key, plain = create_key(name="PBX", scopes=["read", "ingest"])
    _, other = create_key(name="PBX", scopes=["read"])

    assert plain.startswith(f"cc_{key.prefix}_")
    assert len(plain) == 55
    assert plain != other
    stored = ApiKey.objects.filter(pk=key.pk).values().get()
    assert stored["digest"] == digest(plain)
    assert stored["scopes"] == ["ingest", "read"]
    assert plain not in str(stored)


@pytest.mark.parametrize(
    ("authorization", "x_api_key", "expected"),
    [
        ("Bearer abc", "", "abc"),
        ("bearer  abc ", "", "abc"),
        ("BEARER abc", "xyz", "abc"),
        ("Basic abc", "xyz", "xyz"),
        ("", " xyz ", "xyz"),
        ("Bearer", "", ""),
        ("Token abc", "", ""),
        ("", "", ""),
    ],
)
def test_a_key_is_found_in_either_header(authorization, x_api_key, expected):
    assert key_from_headers(authorization, x_api_key) == expected


def test_a_known_key_costs_no_query(clock, django_assert_num_queries):
    _, plain = create_key(name="PBX", scopes=["ingest"])
    ring = KeyRing()
    ring.find(plain)

    with django_assert_num_queries(0):
        client = ring.find(plain)

    assert (client.name, client.scopes, str(client)) == ("PBX", {"ingest"}, "key PBX")


def test_a_key_that_was_just_made_is_found_within_a_second(clock):
    ring = KeyRing()
    ring.find("nothing")
    _, plain = create_key(name="PBX", scopes=["ingest"])

    at_once = ring.find(plain)
    clock.now += keys.UNKNOWN_KEY_PAUSE_S
    later = ring.find(plain)

    assert at_once is None
    assert later is not None


def test_wrong_keys_cost_a_query_a_second_at_most(clock, django_assert_num_queries):
    ring = KeyRing()

    with django_assert_num_queries(2):
        for at in range(200):
            clock.now += 0.008
            assert ring.find(f"wrong {at}") is None


def test_a_key_that_another_process_revoked_is_refused_within_the_refresh(clock):
    key, plain = create_key(name="PBX", scopes=["ingest"])
    elsewhere = KeyRing()
    elsewhere.find(plain)
    revoke_key(key)

    clock.now += 4.9
    before = elsewhere.find(plain)
    clock.now += 0.2
    after = elsewhere.find(plain)

    assert before is not None
    assert after is None


def test_this_process_refuses_a_revoked_key_at_once_and_revokes_it_once(clock):
    key, plain = create_key(name="PBX", scopes=["ingest"])
    known = keys.ring.find(plain)

    outcomes = [revoke_key(key), revoke_key(key)]

    assert known is not None
    assert keys.ring.find(plain) is None
    assert outcomes == [True, False]


def test_a_database_that_is_away_does_not_forget_the_keys(clock, monkeypatch):
    _, plain = create_key(name="PBX", scopes=["ingest"])
    ring = KeyRing()
    ring.find(plain)

    def away(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr(ApiKey.objects, "filter", away)
    clock.now += 6
    with pytest.raises(OperationalError):
        ring.find(plain)
    monkeypatch.undo()

    assert ring.find(plain) is not None


@pytest.mark.django_db(transaction=True)
def test_an_event_loop_is_never_made_to_wait_for_the_database(clock, django_assert_num_queries):
    _, plain = create_key(name="PBX", scopes=["ingest"])
    ring = KeyRing()

    with django_assert_num_queries(0):
        unknown_yet = ring.peek(plain)
    for thread in threading.enumerate():
        if thread.name == "keys":
            thread.join(10)
    with django_assert_num_queries(0):
        known = ring.peek(plain)

    assert unknown_yet is None
    assert known is not None


SCOPES = [
    ("POST", "/v1/call/stream/c-1", "ingest"),
    ("POST", "/v1/call/stream/c-1/batch", "ingest"),
    ("POST", "/v1/call/c-1/start", "ingest"),
    ("POST", "/v1/call/c-1/end", "ingest"),
    ("POST", "/v1/call/c-1/retry", "operate"),
    ("POST", "/v1/call/c-1/reanalyse", "operate"),
    ("POST", "/v1/call/c-1/decode", "operate"),
    ("GET", "/v1/call", "read"),
    ("GET", "/v1/call/c-1", "read"),
    ("GET", "/v1/call/c-1/packets", "read"),
    ("GET", "/v1/call/c-1/events", "read"),
    ("GET", "/v1/call/c-1/transcript", "read"),
    ("GET", "/v1/call/c-1/recording", "read"),
    ("GET", "/v1/events", "read"),
]


@pytest.mark.parametrize(("method", "url", "scope"), SCOPES)
def test_each_route_asks_for_one_scope_and_for_no_other(api_with_key, method, url, scope):
    every = set(ApiKey.Scope.values)
    others, owner = api_with_key(*(every - {scope})), api_with_key(scope)

    without = others.generic(method, url)
    having = owner.generic(method, url)

    assert without.status_code == 403
    assert without.json() == {"detail": f"This API key lacks the scope '{scope}'."}
    assert having.status_code not in (401, 403)


@pytest.mark.parametrize(("method", "url", "scope"), SCOPES)
def test_a_person_needs_the_permission_of_that_scope(person, settings, method, url, scope):
    settings.API_AUTH = "key"
    wanted = keys.PERMISSIONS[scope]
    client = person()

    without = client.generic(method, url)
    user = User.objects.get()
    user.user_permissions.set(Permission.objects.filter(codename=wanted.partition(".")[2]))
    having = client.generic(method, url)

    assert without.status_code == 403
    assert wanted in without.json()["detail"]
    assert having.status_code not in (401, 403)


def test_a_page_of_another_site_cannot_use_the_login_of_a_person(person, settings):
    settings.API_AUTH = "key"
    client = person("operate_call")
    client.handler.enforce_csrf_checks = True

    response = client.post("/v1/call/c-1/retry")

    assert response.status_code == 403
    assert "CSRF" in response.json()["detail"]


def test_with_an_open_api_a_key_is_not_even_looked_at(api, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = api.get("/v1/events?limit=0", headers={"Authorization": "Bearer nonsense"})

    assert response.status_code == 400
