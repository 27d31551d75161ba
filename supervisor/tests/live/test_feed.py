"""The supervisor's socket: it misses no event, and sends nothing to the wrong people."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from calls import events, services
from calls.ingest.record import record_packets
from calls.keys import create_key, revoke_key, ring
from calls.models import Call
from calls.tests.factories import live_call, packet
from supervisor.live import follower, rights
from supervisor.live.batch import Batch
from supervisor.live.consumers import SupervisorConsumer
from supervisor.live.follower import Follower
from supervisor.live.origin import is_judged_by_key, is_our_host, is_same_origin

pytestmark = pytest.mark.django_db(transaction=True)
in_thread = database_sync_to_async


class Watcher(WebsocketCommunicator):
    """A client that reads JSON and can skip messages that are not events."""

    def __init__(self, user=None, headers=()):
        super().__init__(SupervisorConsumer.as_asgi(), "/stream/ws/supervisor", list(headers))
        self.scope["user"] = user

    async def hello(self):
        connected, _ = await self.connect()
        assert connected
        return await self.receive_json_from(timeout=5)

    async def next(self, kind):
        while True:
            message = await self.receive_json_from(timeout=5)
            if message["type"] == kind:
                return message


@pytest.fixture(autouse=True)
def _open(settings):
    settings.API_AUTH = "open"
    settings.GROUP_COMMIT = False


@pytest.fixture
async def watcher():
    client = Watcher()
    yield client
    await client.disconnect()


async def test_a_new_socket_is_greeted_with_the_head_of_the_log(watcher):
    await in_thread(live_call)()

    hello = await watcher.hello()

    assert hello["type"] == "hello"
    assert hello["head"] == await in_thread(events.head)()
    assert hello["epoch"] == await in_thread(events.epoch)()


async def test_a_state_change_is_pushed_with_call_state_and_offset(watcher):
    call = await in_thread(live_call)()
    hello = await watcher.hello()

    await in_thread(services.end_call)(call_id=call.call_id)

    message = await watcher.next("state_change")
    assert message["call_id"] == call.call_id
    assert message["state"] == "COMPLETED"
    assert message["data"]["previous"] == "IN_PROGRESS"
    assert message["offset"] > hello["head"]


async def test_events_arrive_in_order_without_a_gap(watcher):
    await watcher.hello()

    calls = [await in_thread(live_call)() for _ in range(5)]

    opened = [await watcher.next("state_change") for _ in calls]
    offsets = [message["offset"] for message in opened]
    assert [message["call_id"] for message in opened] == [call.call_id for call in calls]
    assert offsets == list(range(offsets[0], offsets[0] + 5))


async def test_a_client_that_reconnects_gets_missed_events_in_order(watcher):
    call = await in_thread(live_call)()
    epoch, offset = await in_thread(events.epoch)(), await in_thread(events.head)()
    await in_thread(services.end_call)(call_id=call.call_id)
    await watcher.hello()

    await watcher.send_json_to({"type": "resume", "epoch": epoch, "offset": offset})

    assert (await watcher.next("state_change"))["state"] == "COMPLETED"
    resumed = await watcher.next("resumed")
    assert (resumed["recovered"], resumed["count"]) == (True, 1)


async def test_events_sent_before_a_resume_are_sent_again_in_order(watcher):
    call = await in_thread(live_call)()
    epoch, offset = await in_thread(events.epoch)(), await in_thread(events.head)()
    await in_thread(services.end_call)(call_id=call.call_id)  # missed
    await watcher.hello()
    await in_thread(live_call)()
    early = await watcher.next("state_change")

    await watcher.send_json_to({"type": "resume", "epoch": epoch, "offset": offset})

    replay = await watcher.next("replay")
    told = [(await watcher.next("state_change"))["offset"] for _ in range(2)]
    assert replay["after"] == offset
    assert told == [offset + 1, early["offset"]]


async def test_a_client_that_missed_too_much_gets_a_marked_snapshot(watcher, monkeypatch):
    monkeypatch.setattr(follower, "REPLAY_LIMIT", 1)
    epoch, offset = await in_thread(events.epoch)(), await in_thread(events.head)()
    calls = {(await in_thread(live_call)()).call_id for _ in range(3)}
    await watcher.hello()

    await watcher.send_json_to({"type": "resume", "epoch": epoch, "offset": offset})

    snapshot = await watcher.next("snapshot")
    assert {call["call_id"] for call in snapshot["calls"]} == calls
    assert (await watcher.next("resumed"))["recovered"] is False


async def test_a_client_of_another_log_gets_a_snapshot(watcher):
    await watcher.hello()

    await watcher.send_json_to({"type": "resume", "epoch": str(uuid.uuid4()), "offset": 0})

    assert (await watcher.next("snapshot"))["calls"] == []


async def test_a_follower_reads_missed_events_from_the_log():
    await in_thread(live_call)()
    told = []

    async def put(batch):
        told.extend(entry.offset for entry in batch.entries)

    head = await in_thread(events.head)()
    await Follower(put).take(Batch(after=head, last=head, entries=[]))

    assert told == list(range(1, head + 1))[-len(told) :]
    assert told[-1] == head


async def test_counters_of_live_calls_are_sampled_and_not_logged(watcher):
    call = await in_thread(live_call)()
    await watcher.hello()

    await in_thread(record_packets)([packet(call.call_id, 9)])

    assert await counted(watcher, call.call_id, 5)


async def test_counters_that_were_committed_late_are_sent_too(watcher):
    call = await in_thread(live_call)()
    await watcher.hello()

    begun_at = timezone.now() - timedelta(seconds=1.5)
    row = Call.objects.filter(pk=call.pk)
    await in_thread(row.update)(last_packet_at=begun_at, packet_count=77)

    assert await counted(watcher, call.call_id, 77)


async def counted(watcher, call_id, packet_count):
    """Wait until the feed says that a call has this many packets."""
    while True:
        (call,) = (await watcher.next("counters"))["calls"]
        assert call["call_id"] == call_id
        if call["packet_count"] == packet_count:
            return True


@pytest.mark.parametrize("text", ["no json", "[]", '{"type":"resume"}', '{"type":"x"}', "[" * 9999])
async def test_a_malformed_message_closes_the_socket_with_a_reason(watcher, text):
    await watcher.hello()

    await watcher.send_to(text_data=text)

    closed = await watcher.receive_output(timeout=5)
    assert (closed["type"], closed["code"]) == ("websocket.close", 4400)


async def close_code(client):
    await client.connect()
    message = await client.receive_output(timeout=5)
    return message.get("code")


async def test_the_feed_needs_a_login(settings):
    from django.contrib.auth.models import AnonymousUser

    settings.API_AUTH = "key"

    assert await close_code(Watcher(AnonymousUser())) == 4401


async def test_a_login_without_permission_is_not_enough(settings):
    settings.API_AUTH = "key"
    user = await in_thread(User.objects.create_user)("ann")

    assert await close_code(Watcher(user)) == 4403


async def test_a_supervisor_may_listen(settings):
    settings.API_AUTH = "key"
    user = await in_thread(User.objects.create_user)("sue")
    await in_thread(user.user_permissions.add)(
        await in_thread(Permission.objects.get)(codename="view_call")
    )
    client = Watcher(user)

    assert (await client.hello())["type"] == "hello"
    await client.disconnect()


@pytest.fixture
async def logged_in(settings, monkeypatch):
    """A supervisor with a session, whose rights are checked continually."""
    settings.API_AUTH = "key"
    monkeypatch.setattr(rights, "RECHECK_S", 0.02)
    user = await in_thread(User.objects.create_user)("sue", password="correct horse")
    allowed = await in_thread(Permission.objects.get)(codename="view_call")
    await in_thread(user.user_permissions.add)(allowed)
    browser = Client()
    await in_thread(browser.force_login)(user, backend="django.contrib.auth.backends.ModelBackend")
    client = Watcher(user)
    client.scope["session"] = SessionStore(browser.session.session_key)
    yield client, user
    await client.disconnect()


def lose_the_session(user):
    Session.objects.all().delete()


def deactivate(user):
    User.objects.filter(pk=user.pk).update(is_active=False)


def withdraw_the_permission(user):
    user.user_permissions.clear()


def change_the_password(user):
    user.set_password("battery staple")
    user.save()


@pytest.mark.parametrize(
    ("happens", "code"),
    [
        (lose_the_session, 4401),
        (deactivate, 4401),
        (change_the_password, 4401),
        (withdraw_the_permission, 4403),
    ],
)
async def test_a_socket_is_closed_when_its_owner_may_no_longer_listen(logged_in, happens, code):
    client, user = logged_in
    await client.hello()

    await in_thread(happens)(user)

    assert await next_close(client) == code


async def test_a_socket_whose_owner_keeps_the_permission_stays_open(logged_in):
    client, _ = logged_in
    await client.hello()

    assert await in_thread(rights.find_refusal_now)(client.scope | {"headers": []}) is None


async def test_a_socket_is_closed_when_its_key_is_revoked(settings, monkeypatch):
    settings.API_AUTH = "key"
    monkeypatch.setattr(rights, "RECHECK_S", 0.02)
    ring.forget()
    key, plain = await in_thread(create_key)(name="script", scopes=["read"])
    client = Watcher(headers=[(b"authorization", f"Bearer {plain}".encode())])
    await client.hello()

    await in_thread(revoke_key)(key)

    assert await next_close(client) == 4401
    await client.disconnect()


async def next_close(client):
    while True:
        message = await client.receive_output(timeout=5)
        if message["type"] == "websocket.close":
            return message["code"]


@pytest.mark.parametrize(("scope", "greeting"), [("read", "hello"), ("ingest", None)])
async def test_a_key_with_the_scope_read_may_follow_the_feed(settings, scope, greeting):
    settings.API_AUTH = "key"
    ring.forget()
    _, plain = await in_thread(create_key)(name="script", scopes=[scope])
    client = Watcher(headers=[(b"authorization", f"Bearer {plain}".encode())])

    if greeting:
        assert (await client.hello())["type"] == greeting
        await client.disconnect()
    else:
        assert await close_code(client) == 4403


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({b"host": b"localhost:8000"}, True),
        ({b"host": b"localhost:8000", b"origin": b"http://localhost:8000"}, True),
        ({b"host": b"localhost:8000", b"origin": b"http://localhost:8001"}, False),
        ({b"host": b"localhost:8000", b"origin": b"https://evil.example"}, False),
        ({b"host": b"localhost:8000", b"origin": b"null"}, False),
        ({b"host": b"evil.example", b"origin": b"http://evil.example"}, False),
    ],
)
def test_pages_of_other_sites_cannot_open_the_socket(headers, allowed, settings):
    settings.ALLOWED_HOSTS = ["localhost"]

    assert (is_our_host(headers) and is_same_origin(headers)) is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (b"https://calls.example.com", True),
        (b"https://Calls.Example.com", True),
        (b"https://a.b.example.com", True),
        (b"https://example.com", True),
        (b"http://calls.example.com", False),
        (b"https://calls.example.com:8443", False),
        (b"https://calls.example.org:8443", True),
        (b"https://calls.example.org", False),
        (b"https://evil-example.com", False),
        (b"http://[", False),
    ],
)
def test_sockets_trust_the_same_origins_as_forms(settings, origin, allowed):
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.com", "https://calls.example.org:8443"]

    assert is_same_origin({b"host": b"internal:8000", b"origin": origin}) is allowed


@pytest.mark.parametrize(
    ("auth", "headers", "path", "judged"),
    [
        ("key", {b"authorization": b"Bearer cc_1"}, "/v1/call/stream/x", True),
        ("key", {b"x-api-key": b"cc_1"}, "/stream/ws/supervisor", True),
        ("key", {}, "/v1/media", True),
        ("key", {}, "/v1/media/x", True),
        ("key", {}, "/v1/call/stream/x", False),
        ("key", {b"cookie": b"sessionid=1"}, "/stream/ws/supervisor", False),
        ("key", {b"authorization": b"Basic YTpi"}, "/stream/ws/supervisor", False),
        ("key", {}, "/v1/mediator", False),
        ("open", {b"authorization": b"Bearer cc_1"}, "/v1/call/stream/x", False),
        ("open", {}, "/v1/media", False),
    ],
)
def test_origin_is_ignored_where_a_key_decides(settings, auth, headers, path, judged):
    settings.API_AUTH = auth

    assert is_judged_by_key(headers, path) is judged


async def test_the_feed_stops_when_no_client_is_connected():
    from supervisor.live.feed import feed

    client = Watcher()
    await client.hello()

    await client.disconnect()

    assert feed()._tasks == []
    assert len(asyncio.all_tasks()) == 1
