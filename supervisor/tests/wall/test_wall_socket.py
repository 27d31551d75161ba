"""The socket of a wall screen: who may open it, what it sends, and when it closes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http.cookies import SimpleCookie

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.db import Error as DatabaseError
from django.test import Client
from django.urls import reverse

from callcenter.asgi import application
from calls import services
from calls.displays import create_display, revoke_display
from calls.models import Call, DisplayScreen
from supervisor.live import rights
from supervisor.tests.wall.floors import call
from supervisor.wall import access, consumers, reader
from supervisor.wall.release import release

pytestmark = pytest.mark.django_db(transaction=True)
in_thread = database_sync_to_async
PATIENCE_S = 10


class Glance(WebsocketCommunicator):
    """A browser's side of the socket of a wall screen."""

    def __init__(self, path, cookies):
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
        super().__init__(application, path, [(b"cookie", cookie.encode()), (b"host", b"localhost")])

    async def next(self, kind):
        while (message := await self.receive_json_from(timeout=PATIENCE_S))["type"] != kind:
            pass
        return message

    async def code(self):
        while (message := await self.receive_output(timeout=PATIENCE_S))[
            "type"
        ] != "websocket.close":
            pass
        return message["code"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch, settings):
    settings.GROUP_COMMIT = False
    monkeypatch.setattr(reader, "REFRESH_S", 0.02)
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(rights, "RECHECK_S", 0.1)


@pytest.fixture
async def look():
    """Open sockets, and close them at the end."""
    glances = []

    async def make(path, cookies=None):
        glances.append(Glance(path, cookies or SimpleCookie()))
        await glances[-1].connect(timeout=PATIENCE_S)
        return glances[-1]

    yield make
    for glance in glances:
        with suppress(asyncio.CancelledError):
            await glance.disconnect(timeout=PATIENCE_S)


def _display(**fields):
    screen, token = create_display(name="Lobby", **fields)
    client = Client()
    client.get(f"/wall/{token}/")
    return screen, client.cookies


def _person(*codenames):
    user = User.objects.create_user("ana")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client.cookies


def _feed(screen=None):
    page = reverse("supervisor:wall-display", args=[screen.pk]) if screen else "/supervisor/wall/"
    return f"{page}feed"


async def test_a_display_gets_what_it_shows_and_every_change(look):
    screen, cookies = await in_thread(_display)(pages=["overview"])
    await in_thread(call)("a", agent="Kim")
    glance = await look(_feed(screen), cookies)

    hello = await glance.next("hello")
    first = await glance.next("wall")
    await in_thread(services.end_call)(call_id="a")
    second = await glance.next("wall")

    assert hello["release"] == release()
    assert "in 1 queue" in first["screen"]
    assert 'data-step="overview"' in first["steps"]
    assert first["seconds"] == 20
    assert "nobody is talking" in second["screen"]
    assert "Kim" not in str((first, second))


async def test_while_nothing_changes_there_are_heartbeats(look):
    screen, cookies = await in_thread(_display)()
    glance = await look(_feed(screen), cookies)
    await glance.next("wall")

    assert (await glance.next("heartbeat"))["at"]


async def test_during_a_database_outage_a_screen_is_not_told_that_it_is_live(look, monkeypatch):
    def fail(*_):
        raise DatabaseError

    screen, cookies = await in_thread(_display)()
    glance = await look(_feed(screen), cookies)
    await glance.next("wall")
    with monkeypatch.context() as outage:
        outage.setattr(reader, "read_floor", fail)
        outage.setattr(consumers, "FRESH_S", 0.05)
        while not await glance.receive_nothing(timeout=0.5):
            await glance.receive_json_from()

    assert await glance.next("heartbeat")


async def test_screens_that_show_the_same_are_read_once(look, monkeypatch):
    read = []
    actual = reader.read_screen
    monkeypatch.setattr(
        reader, "read_screen", lambda options, *rest: read.append(options) or actual(options, *rest)
    )
    first, second = await in_thread(_display)(), await in_thread(_display)()

    glances = [await look(_feed(screen), cookies) for screen, cookies in (first, second)]
    for glance in glances:
        await glance.next("wall")

    assert len(set(read)) == 1


async def test_a_revoked_display_goes_dark(look):
    screen, cookies = await in_thread(_display)()
    glance = await look(_feed(screen), cookies)
    await glance.next("wall")

    await in_thread(revoke_display)(screen)

    assert await glance.code() == 4403
    again = await look(_feed(screen), cookies)
    assert await again.code() == 4403


async def test_changed_settings_reach_an_open_screen(look):
    screen, cookies = await in_thread(_display)(pages=["overview"])
    glance = await look(_feed(screen), cookies)
    await glance.next("wall")

    await in_thread(lambda: DisplayScreen.objects.update(pages=["calls"], rotation_s=9))()

    changed = await glance.next("wall")
    assert 'data-page="calls"' in changed["screen"]
    assert changed["seconds"] == 9


async def test_a_display_cannot_open_other_sockets(look, settings):
    settings.API_AUTH = "key"
    _, cookies = await in_thread(_display)()
    other, _ = await in_thread(_display)()
    await in_thread(call)("a")

    for path in (_feed(), "/stream/ws/supervisor", "/stream/ws/listen/a"):
        assert await (await look(path, cookies)).code() in (4401, 4403), path
    assert await (await look(_feed(other), cookies)).code() == 4403


async def test_an_open_api_does_not_open_the_wall(look, settings):
    settings.API_AUTH = "open"
    screen, _ = await in_thread(_display)()

    assert await (await look(_feed())).code() == 4401
    assert await (await look(_feed(screen))).code() == 4401


async def test_a_person_sees_the_wall_and_the_screens_of_displays(look):
    cookies = await in_thread(_person)("view_call")
    screen, _ = await in_thread(_display)(pages=["calls"])

    own = await (await look(f"{_feed()}?page=queues&seconds=9", cookies)).next("wall")
    theirs = await (await look(_feed(screen), cookies)).next("wall")

    assert (own["seconds"], 'data-page="queues"' in own["screen"]) == (9, True)
    assert 'data-page="overview"' not in own["screen"] + theirs["screen"]
    assert await in_thread(lambda: DisplayScreen.objects.get().seen_at)() is None


async def test_a_person_without_the_permission_is_refused(look):
    cookies = await in_thread(_person)("add_packet")

    assert await (await look(_feed(), cookies)).code() == 4403


async def test_the_end_of_a_login_closes_the_screen_of_a_person(look):
    cookies = await in_thread(_person)("view_call")
    glance = await look(_feed(), cookies)
    await glance.next("wall")

    await in_thread(Session.objects.all().delete)()

    assert await glance.code() == 4401


async def test_the_reader_stops_when_the_last_screen_has_left(look):
    screen, cookies = await in_thread(_display)()
    glance = await look(_feed(screen), cookies)
    await glance.next("wall")

    await glance.disconnect(timeout=PATIENCE_S)

    own = reader.reader()
    assert (own._viewers, own._shown, own._task) == ({}, {}, None)


async def test_messages_from_a_client_are_ignored(look):
    screen, cookies = await in_thread(_display)()
    glance = await look(_feed(screen), cookies)
    await glance.next("wall")

    await glance.send_to(text_data='{"type":"subscribe","call_ids":["a"]}')
    await glance.send_to(bytes_data=b"\xff")

    assert await glance.next("heartbeat")
    assert not await in_thread(Call.objects.exists)()


def test_the_cookie_reaches_the_socket_and_no_other_page():
    screen, cookies = _display()

    path = cookies[access.COOKIE]["path"]
    assert _feed(screen).startswith(path)
    assert not "/supervisor/wall/".startswith(path)
