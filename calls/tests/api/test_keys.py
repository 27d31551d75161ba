"""API keys: created once, checked without a query, refused when revoked, limited to scopes."""

from __future__ import annotations

import threading
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import OperationalError

from calls import keys
from calls.api import urls
from calls.api.views.analysis import AnalysisViewSet
from calls.keys import KeyRing, access, create_key, digest, key_from_headers, keyring, revoke_key
from calls.models import ApiKey

pytestmark = pytest.mark.django_db


class Clock:
    """Takes the place of ``time`` in the module."""

    def __init__(self):
        self.now = 1_000.0

    def monotonic(self):
        return self.now

    def time(self):
        return 1_800_000_000 + self.now


@pytest.fixture
def clock(monkeypatch, settings):
    settings.API_KEY_REFRESH = 5
    clock = Clock()
    monkeypatch.setattr(keyring, "time", clock)
    monkeypatch.setattr(access, "time", clock)
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
    clock.now += keyring.UNKNOWN_KEY_PAUSE_S
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


def test_a_database_outage_does_not_invalidate_keys(clock, monkeypatch):
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
def test_an_event_loop_never_waits_for_the_database(clock, django_assert_num_queries):
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


API_VIEWS = {pattern.name: pattern.callback for pattern in urls.urlpatterns}


@pytest.mark.parametrize("view", API_VIEWS.values(), ids=API_VIEWS)
def test_every_route_declares_a_scope_for_each_action(view):
    actions = set(view.actions.values())
    admins = {action for action in actions if view.cls.scopes.get(action) == ApiKey.Scope.ADMIN}

    assert actions - view.cls.scopes.keys() == set()
    assert admins - view.cls.permissions.keys() == set(), "people need a permission by name"


def test_an_action_without_a_scope_is_refused(api_with_key, monkeypatch):
    monkeypatch.setattr(AnalysisViewSet, "scopes", {})

    response = api_with_key(*ApiKey.Scope.values).get("/v1/analysis")

    assert response.status_code == 403
    assert "declares no scope" in response.json()["detail"]


def test_an_old_key_keeps_its_rights_under_the_new_scope_name():
    rename = import_module("calls.migrations.0040_api_key_scopes")
    old, _ = create_key(name="old", scopes=["operate", "read"])
    other, _ = create_key(name="other", scopes=["ingest"])

    rename.forwards(apps, None)

    assert ApiKey.objects.get(pk=old.pk).scopes == ["read", "supervise"]
    assert ApiKey.objects.get(pk=other.pk).scopes == ["ingest"]


SCOPES = [
    ("POST", "/v1/call/stream/c-1", "ingest"),
    ("POST", "/v1/call/stream/c-1/batch", "ingest"),
    ("POST", "/v1/call/c-1/start", "ingest"),
    ("POST", "/v1/call/c-1/end", "ingest"),
    ("POST", "/v1/call/c-1/retry", "supervise"),
    ("POST", "/v1/call/c-1/reanalyse", "supervise"),
    ("POST", "/v1/call/c-1/decode", "supervise"),
    ("GET", "/v1/call", "read"),
    ("GET", "/v1/call/c-1", "read"),
    ("GET", "/v1/call/c-1/packets", "read"),
    ("GET", "/v1/call/c-1/events", "read"),
    ("GET", "/v1/call/c-1/transcript", "read"),
    ("GET", "/v1/call/c-1/recording", "read"),
    ("GET", "/v1/events", "read"),
    ("POST", "/v1/call/c-1/dismiss", "supervise"),
    ("PUT", "/v1/call/c-1/speakers", "supervise"),
    ("GET", "/v1/call/c-1/tags", "read"),
    ("POST", "/v1/call/c-1/tags", "supervise"),
    ("DELETE", "/v1/call/c-1/tags/vip", "supervise"),
    ("GET", "/v1/call/c-1/notes", "read"),
    ("POST", "/v1/call/c-1/notes", "supervise"),
    ("DELETE", "/v1/call/c-1/notes/1", "supervise"),
    ("GET", "/v1/call/c-1/alerts", "read"),
    ("GET", "/v1/calls.csv", "read"),
    ("GET", "/v1/alerts", "read"),
    ("GET", "/v1/alerts.csv", "read"),
    ("GET", "/v1/alerts/1", "read"),
    ("POST", "/v1/alerts/1/acknowledge", "supervise"),
    ("POST", "/v1/alerts/1/assign", "supervise"),
    ("POST", "/v1/alerts/1/snooze", "supervise"),
    ("POST", "/v1/alerts/1/reopen", "supervise"),
    ("GET", "/v1/analysis", "read"),
    ("GET", "/v1/search?q=refund", "read"),
    ("GET", "/v1/reports/agents", "read"),
]


@pytest.mark.parametrize(("method", "url", "scope"), SCOPES)
def test_each_route_needs_exactly_one_scope(api_with_key, method, url, scope):
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


def test_an_open_api_ignores_keys(api, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = api.get("/v1/events?limit=0", headers={"Authorization": "Bearer nonsense"})

    assert response.status_code == 400
