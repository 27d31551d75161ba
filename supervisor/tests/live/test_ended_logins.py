"""The sockets of a login that has ended are closed within seconds."""

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from calls.accounts import watching
from supervisor.live import rights
from supervisor.tests.live.test_feed import (
    Watcher,
    change_the_password,
    deactivate,
    in_thread,
    lose_the_session,
    next_close,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def logged_in(settings, monkeypatch):
    """A supervisor whose rights are checked so seldom that only an end of the login can count."""
    settings.API_AUTH = "key"
    settings.GROUP_COMMIT = False
    monkeypatch.setattr(rights, "RECHECK_S", 3600)
    monkeypatch.setattr(watching, "LOOK_S", 0.02)
    user = await in_thread(User.objects.create_user)("sue", password="correct horse")
    allowed = await in_thread(Permission.objects.get)(codename="view_call")
    await in_thread(user.user_permissions.add)(allowed)
    browser = Client()
    await in_thread(browser.force_login)(user, backend="django.contrib.auth.backends.ModelBackend")
    client = watch(user, SessionStore(browser.session.session_key))
    yield client, user
    await client.disconnect()


def watch(user, session):
    client = Watcher(user)
    client.scope["session"] = session
    return client


@pytest.mark.parametrize("happens", [lose_the_session, deactivate, change_the_password])
async def test_the_end_of_a_login_is_noticed_long_before_the_next_check(logged_in, happens):
    client, user = logged_in
    await client.hello()

    await in_thread(happens)(user)

    assert await next_close(client) == 4401


async def test_one_query_checks_the_logins_of_all_sockets(logged_in, monkeypatch):
    asked = []

    def read_states(keys):
        asked.append(sorted(keys))
        return original(keys)

    original = watching.read_states
    monkeypatch.setattr(watching, "read_states", read_states)
    client, user = logged_in
    others = [watch(user, client.scope["session"]) for _ in range(3)]
    for each in (client, *others):
        await each.hello()

    await in_thread(lose_the_session)(user)

    assert [await next_close(each) for each in (client, *others)] == [4401] * 4
    assert asked[-1] == [client.scope["session"].session_key]
    for other in others:
        await other.disconnect()
