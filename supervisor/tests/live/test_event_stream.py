"""Server-sent events: the same log as on the socket, resumed as a browser does it."""

import asyncio
import json
import threading
import uuid

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.contrib.auth.models import Permission, User
from django.test import Client

from callcenter.asgi import application
from calls import events, services
from calls.accounts import watching
from calls.keys import create_key, revoke_key, ring
from calls.tests.factories import live_call
from supervisor.live import feed as feeds
from supervisor.live import follower, rights
from supervisor.live.batch import of_note
from supervisor.live.feed import feed

pytestmark = pytest.mark.django_db(transaction=True)
in_thread = database_sync_to_async


@pytest.fixture(autouse=True)
def _open(settings):
    settings.API_AUTH = "open"
    settings.GROUP_COMMIT = False
    settings.ALLOWED_HOSTS = ["testserver"]
    ring.forget()


class Listener:
    """Does over ASGI what a browser's EventSource does."""

    def __init__(self, query="", **headers):
        names = {"host": "testserver", "accept": "text/event-stream", **headers}
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/v1/events/stream",
            "raw_path": b"/v1/events/stream",
            "query_string": query.encode(),
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in names.items()],
        }
        self.server = ApplicationCommunicator(application, scope)
        self.text = ""

    async def open(self):
        await self.server.send_input({"type": "http.request", "body": b""})
        start = await self.server.receive_output(timeout=5)
        self.headers = {name.lower(): value for name, value in start["headers"]}
        return start["status"]

    async def body(self):
        return (await self.server.receive_output(timeout=5))["body"].decode()

    async def next(self, kind):
        """Return id and data of the next event of this type."""
        while True:
            while "\n\n" not in self.text:
                self.text += await self.body()
            block, self.text = self.text.split("\n\n", 1)
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            if fields.get("event") == kind:
                return fields.get("id"), json.loads(fields["data"])

    async def close(self):
        await self.server.send_input({"type": "http.disconnect"})
        await self.server.wait(timeout=5)


@pytest.fixture
async def listen():
    opened = []

    async def start(query="", **headers):
        listener = Listener(query, **headers)
        assert await listener.open() == 200
        opened.append(listener)
        return listener

    yield start
    for listener in opened:
        await listener.close()


async def place(offset):
    return f"{await in_thread(events.epoch)()}:{offset}"


async def test_a_stream_begins_with_a_greeting_and_the_head_of_the_log(listen):
    await in_thread(live_call)()
    head = await in_thread(events.head)()

    listener = await listen()

    assert listener.headers[b"content-type"] == b"text/event-stream; charset=utf-8"
    assert b"content-length" not in listener.headers
    identity, hello = await listener.next("hello")
    assert (identity, hello["head"]) == (await place(head), head)


async def test_an_event_is_streamed_with_its_position(listen):
    listener = await listen()
    await listener.next("hello")

    call = await in_thread(live_call)()

    identity, message = await listener.next("state_change")
    assert message["call_id"] == call.call_id
    assert identity == await place(message["offset"])


@pytest.mark.parametrize("way", ["header", "after", "after_with_epoch"])
async def test_a_returning_client_gets_missed_events_in_order(listen, way):
    call = await in_thread(live_call)()
    seen = await in_thread(events.head)()
    await in_thread(services.end_call)(call_id=call.call_id)
    await in_thread(services.start_call)(call_id="another")

    if way == "header":
        listener = await listen("after=0", last_event_id=await place(seen))
    else:
        after = seen if way == "after" else await place(seen)
        listener = await listen(f"after={after}")

    first, _ = await listener.next("state_change")
    second, _ = await listener.next("state_change")
    _, resumed = await listener.next("resumed")
    assert [first, second] == [await place(seen + 1), await place(seen + 2)]
    assert resumed["recovered"] is True


async def test_a_greeting_does_not_move_a_returning_client_past_missed_events(listen):
    await in_thread(live_call)()

    listener = await listen(last_event_id=await place(0))

    assert (await listener.next("hello"))[0] is None


@pytest.mark.parametrize("case", ["another log", "too far back", "ahead of the log"])
async def test_a_position_that_cannot_be_resumed_gets_a_snapshot(listen, monkeypatch, case):
    monkeypatch.setattr(follower, "REPLAY_LIMIT", 1)
    call = await in_thread(live_call)()
    head = await in_thread(events.head)()
    await in_thread(services.end_call)(call_id=call.call_id)
    head = await in_thread(events.head)()
    wanted = {
        "another log": f"{uuid.uuid4()}:{head}",
        "too far back": await place(head - 2),
        "ahead of the log": await place(head + 1),
    }[case]

    listener = await listen(last_event_id=wanted)

    identity, snapshot = await listener.next("snapshot")
    assert identity == await place(head)
    assert [known["call_id"] for known in snapshot["calls"]] == [call.call_id]
    assert (await listener.next("resumed"))[1]["recovered"] is False


async def test_heartbeats_carry_the_head_and_no_id(listen, monkeypatch):
    monkeypatch.setattr(feeds, "HEARTBEAT_S", 1)
    monkeypatch.setattr(feeds, "SAMPLE_S", 0.02)
    await in_thread(live_call)()
    listener = await listen()

    identity, heartbeat = await listener.next("heartbeat")

    assert identity is None
    assert heartbeat["head"] == await in_thread(events.head)()


@pytest.mark.parametrize("wanted", ["x", "-1", "1:2", "1" * 19, "a b"])
async def test_an_invalid_position_is_refused_by_name(wanted):
    for query, headers, name in (
        (f"after={wanted.replace(' ', '+')}", {}, "after"),
        ("", {"last_event_id": wanted}, "Last-Event-ID"),
    ):
        listener = Listener(query, **headers)

        assert await listener.open() == 400
        assert list(json.loads(await listener.body())) == [name]


async def test_streaming_needs_a_key_or_a_login(settings):
    settings.API_AUTH = "key"

    assert await Listener().open() == 401


async def test_a_key_streams_until_it_is_revoked(settings):
    settings.API_AUTH = "key"
    settings.API_KEY_REFRESH = 0.04
    key, plain = await in_thread(create_key)(name="script", scopes=["read"])
    listener = Listener(authorization=f"Bearer {plain}")
    assert await listener.open() == 200
    await listener.next("hello")

    await in_thread(revoke_key)(key)

    assert (await listener.next("close"))[1]["code"] == 4401
    await listener.server.wait(timeout=5)
    assert await Listener(authorization=f"Bearer {plain}").open() == 401


async def test_streaming_needs_the_scope_read(settings):
    settings.API_AUTH = "key"
    _, plain = await in_thread(create_key)(name="pbx", scopes=["ingest"])

    assert await Listener(authorization=f"Bearer {plain}").open() == 403


async def test_a_supervisor_streams_until_the_session_ends(settings, monkeypatch):
    settings.API_AUTH = "key"
    monkeypatch.setattr(rights, "RECHECK_S", 3600)
    monkeypatch.setattr(watching, "LOOK_S", 0.02)
    user = await in_thread(User.objects.create_user)("sue")
    allowed = await in_thread(Permission.objects.get)(codename="view_call")
    await in_thread(user.user_permissions.add)(allowed)
    browser = Client()
    await in_thread(browser.force_login)(user, backend="django.contrib.auth.backends.ModelBackend")
    listener = Listener(cookie=f"sessionid={browser.session.session_key}")
    assert await listener.open() == 200
    await listener.next("hello")

    await in_thread(browser.logout)()

    assert (await listener.next("close"))[1]["code"] == 4401


def note(number):
    return of_note({"type": "heartbeat", "head": number})


async def test_a_slow_client_is_told_to_reconnect(listen, monkeypatch):
    listener = await listen()
    await listener.next("hello")
    layer = feeds._layer()

    for number in range(layer.capacity + 2):  # without a pause in which it could take one
        await layer.group_send(feeds.GROUP, {"type": "feed.note", "batch": note(number)})

    assert (await listener.next("close"))[1]["code"] == 4408


async def test_listeners_cost_no_threads_and_leave_nothing_behind(listen):
    first = await listen()
    await first.next("hello")
    before = threading.active_count()

    others = [Listener() for _ in range(10)]
    for other in others:
        assert await other.open() == 200
        await other.next("hello")
    during = threading.active_count()
    for other in (first, *others):
        await other.close()

    assert during <= before
    assert feed()._channels == {}
    assert feed()._tasks == []
    assert len(asyncio.all_tasks()) == 1


async def test_a_server_without_asgi_says_that_it_cannot_stream(client):
    response = await in_thread(client.get)("/v1/events/stream")

    assert response.status_code == 501
    assert "after=" in response.json()["detail"]


async def test_a_head_request_is_answered_without_a_stream(client):
    assert (await in_thread(client.head)("/v1/events/stream")).status_code == 200
