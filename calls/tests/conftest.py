"""Fixtures of the calls tests: clients of the API, keys, and calls in any state."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from calls.keys import create_key
from calls.lifecycle import CallState
from calls.models import Call, WorkerHeartbeat
from calls.tests.fake_server import FakeServer

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
PATHS = {
    CallState.IN_PROGRESS: (),
    CallState.COMPLETED: ("complete",),
    CallState.PROCESSING_AI: ("complete", "start_analysis"),
    CallState.ARCHIVED: ("complete", "start_analysis", "archive"),
    CallState.FAILED: ("complete", "start_analysis", "fail"),
}


@pytest.fixture(autouse=True)
def _one_transaction_per_request(settings) -> None:
    """Switch group commit off: its writer thread does not see what a test's transaction holds."""
    settings.GROUP_COMMIT = False


@pytest.fixture(autouse=True)
def _no_grace_after_a_stop(settings) -> None:
    settings.MEDIA_STOP_GRACE = 0


@pytest.fixture(autouse=True)
def _own_storage(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def api(settings) -> APIClient:
    """A client of an API that asks for no key."""
    settings.API_AUTH = "open"
    return APIClient()


@pytest.fixture
def api_with_key(settings, db) -> Callable[..., APIClient]:
    """Make a client of an API that asks for keys, with a key of these scopes."""
    settings.API_AUTH = "key"

    def make(*scopes: str) -> APIClient:
        _, plain = create_key(name="test", scopes=scopes)
        return APIClient(HTTP_AUTHORIZATION=f"Bearer {plain}")

    return make


@pytest.fixture
def call_in(db) -> Callable[..., Call]:
    """Make a call and move it to a state without the services, so without events and jobs."""

    def make(state: str = CallState.IN_PROGRESS, call_id: str = "c-1", **fields: object) -> Call:
        call = Call(call_id=call_id, **fields)
        for step in PATHS[CallState(state)]:
            getattr(call, step)()
        if state != CallState.IN_PROGRESS:
            call.ended_at = timezone.now()
        call.save()
        return call

    return make


@pytest.fixture
def heartbeat(db) -> WorkerHeartbeat:
    """A worker that sends heartbeats."""
    now = timezone.now()
    return WorkerHeartbeat.objects.create(name="worker", started_at=now, seen_at=now)


@pytest.fixture
def person(client: Client, db) -> Callable[..., Client]:
    """Log in a staff user with these permissions."""

    def login(*permissions: str) -> Client:
        user = User.objects.create(username="ann", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client.force_login(user, MODEL_BACKEND)
        return client

    return login


@pytest.fixture
def boss(client: Client, db) -> Client:
    """Log in a superuser."""
    user = User.objects.create(username="root", is_staff=True, is_superuser=True)
    client.force_login(user, MODEL_BACKEND)
    return client


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    monkeypatch.delenv("CALLCENTER_API_KEY", raising=False)
    with FakeServer() as running:
        yield running
