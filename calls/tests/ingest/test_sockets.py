"""The native WebSocket: what is acknowledged is committed, and nothing else is."""

import asyncio
import threading

import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from calls.api import sockets
from calls.api.routing import websocket_urlpatterns
from calls.ingest import buffer as buffer_module
from calls.ingest.buffer import Buffer
from calls.ingest.call_ids import as_call_id, encode
from calls.ingest.record import record_packets
from calls.ingest.requests import Unavailable
from calls.keys import create_key
from calls.models import Call, Packet
from calls.tests.factories import packet

pytestmark = pytest.mark.django_db(transaction=True)


def body(sequence, **fields):
    return {"sequence": sequence, "data": f"word {sequence}", "timestamp": sequence / 50, **fields}


class Sender(WebsocketCommunicator):
    def __init__(self, call_id="c-1", headers=()):
        super().__init__(
            URLRouter(websocket_urlpatterns), f"/v1/call/stream/{call_id}", list(headers)
        )

    async def ready(self):
        connected, _ = await self.connect()
        assert connected
        return await self.receive_json_from(timeout=5)

    async def acknowledged(self, count):
        """Return the first acknowledgement that covers ``count`` packets."""
        while True:
            message = await self.receive_json_from(timeout=5)
            assert message["type"] == "ack", message
            if message["count"] >= count:
                return message

    async def close_code(self):
        while True:
            message = await self.receive_output(timeout=5)
            if message["type"] == "websocket.close":
                return message["code"]


@pytest.fixture(autouse=True)
def _open(settings):
    settings.API_AUTH = "open"


@pytest.fixture
def own_buffer(monkeypatch):
    """Give the test a writer of its own, which ends with it."""

    def use(record=record_packets, **options):
        own = Buffer(record=record, **options)
        monkeypatch.setattr(buffer_module._Process, "buffer", own)
        made.append(own)
        return own

    made = []
    yield use
    for own in made:
        own.close()


@pytest.fixture
async def sender(own_buffer):
    own_buffer()
    client = Sender()
    yield client
    await client.disconnect()


@database_sync_to_async
def stored():
    return list(Packet.objects.order_by("sequence").values_list("sequence", flat=True))


async def test_a_packet_is_acknowledged_when_it_is_committed(sender):
    ready = await sender.ready()

    await sender.send_json_to(body(1))

    assert ready == {"type": "ready", "call_id": "c-1", "last_sequence": None}
    assert await sender.acknowledged(1) == {"type": "ack", "count": 1, "sequence": 1}
    assert await stored() == [1]


async def test_packets_and_arrays_may_be_mixed_in_any_order(sender):
    await sender.ready()

    await sender.send_json_to([body(3), body(1)])
    await sender.send_json_to(body(2))
    await sender.send_json_to(body(2))

    assert await sender.acknowledged(4) == {"type": "ack", "count": 4, "sequence": 2}
    assert await stored() == [1, 2, 3]


async def test_a_client_that_reconnects_is_told_what_is_stored(sender):
    await database_sync_to_async(record_packets)([packet("c-1", 41)])

    assert (await sender.ready())["last_sequence"] == 41


async def test_nothing_is_acknowledged_before_the_commit(own_buffer):
    may_commit = threading.Event()

    def slow(packets):
        assert may_commit.wait(10)
        record_packets(packets)

    own_buffer(slow)
    sender = Sender()
    await sender.ready()

    await sender.send_json_to(body(1))

    assert await sender.receive_nothing(timeout=0.2)
    may_commit.set()
    await sender.acknowledged(1)
    await sender.disconnect()


async def test_an_outage_delays_acknowledgements_and_loses_nothing(own_buffer, monkeypatch):
    monkeypatch.setattr(sockets, "RETRY_S", 0.01)
    outages = [Unavailable("gone")] * 3

    def flaky(packets):
        if outages:
            raise outages.pop()
        record_packets(packets)

    own_buffer(flaky)
    sender = Sender()
    await sender.ready()

    await sender.send_json_to(body(1))

    await sender.acknowledged(1)
    assert await stored() == [1]
    await sender.disconnect()


async def test_a_full_buffer_stops_the_reading_and_loses_nothing(own_buffer, monkeypatch):
    monkeypatch.setattr(sockets, "RETRY_S", 0.01)
    may_commit = threading.Event()

    def slow(packets):
        assert may_commit.wait(10)
        record_packets(packets)

    own_buffer(slow, capacity=2)
    sender = Sender()
    await sender.ready()

    for sequence in range(1, 9):
        await sender.send_json_to(body(sequence))
    await asyncio.sleep(0)
    may_commit.set()

    assert (await sender.acknowledged(8))["count"] == 8
    assert await stored() == list(range(1, 9))
    await sender.disconnect()


async def test_a_socket_reads_a_limited_number_of_packets_ahead_of_commits(own_buffer, monkeypatch):
    monkeypatch.setattr(sockets, "WINDOW", 3)
    may_commit, waiting = threading.Event(), []

    def slow(packets):
        assert may_commit.wait(10)
        record_packets(packets)

    own = own_buffer(slow)
    submit = own.submit_async
    monkeypatch.setattr(own, "submit_async", lambda *p: waiting.append(p) or submit(*p))
    sender = Sender()
    await sender.ready()

    for sequence in range(1, 10):
        await sender.send_json_to(body(sequence))
    assert await sender.receive_nothing(timeout=0.2)

    assert len(waiting) == 3
    may_commit.set()
    await sender.acknowledged(9)
    await sender.disconnect()


async def test_a_malformed_packet_is_named_and_its_neighbours_are_stored(sender):
    await sender.ready()

    await sender.send_json_to([body(1), {"sequence": "two"}, body(3)])

    error = await sender.receive_json_from(timeout=5)
    assert (error["type"], error["frame"], error["index"]) == ("error", 1, 1)
    assert error["errors"]["sequence"] == ["Must be an integer, not string."]
    await sender.acknowledged(2)
    assert await stored() == [1, 3]


@pytest.mark.parametrize("text", ["no json", "[" * 100_000, "7", '"x"', "null", "[]", "NaN"])
async def test_an_invalid_frame_is_answered_and_the_socket_stays_open(sender, text):
    await sender.ready()

    await sender.send_to(text_data=text)
    await sender.send_json_to(body(1))

    first = await sender.receive_json_from(timeout=5)
    assert first["type"] == ("ack" if text == "[]" else "error")
    if text != "[]":
        await sender.acknowledged(1)


async def test_too_many_invalid_frames_close_the_socket(sender, monkeypatch):
    monkeypatch.setattr(sockets, "MAX_ERRORS", 2)
    await sender.ready()

    for _ in range(3):
        await sender.send_to(text_data="{}")

    assert await sender.close_code() == 1008


async def test_a_binary_frame_closes_the_socket(sender):
    await sender.ready()

    await sender.send_to(bytes_data=b"\x00")

    assert await sender.close_code() == 1003


async def test_a_huge_frame_closes_the_socket(sender, settings):
    settings.BODY_LIMIT = 100
    await sender.ready()

    await sender.send_json_to(body(1, data="x" * 200))

    assert await sender.close_code() == 1009


@pytest.mark.parametrize("call_id", ["stream", ".", "undefined", "b64:!"])
async def test_a_bad_call_id_closes_the_socket(call_id):
    sender = Sender(call_id)

    await sender.connect()

    assert await sender.close_code() == 4400


async def test_a_sip_call_id_becomes_the_external_id_of_its_call():
    sender = Sender(encode(b"a/b;c@d"))
    ready = await sender.ready()

    await sender.send_json_to(body(1))
    await sender.receive_json_from(timeout=5)

    call = await Call.objects.aget()
    assert (call.call_id, call.external_id) == (ready["call_id"], "a/b;c@d")
    assert call.call_id == as_call_id("a/b;c@d")
    await sender.disconnect()


@pytest.mark.parametrize(("scope", "code"), [(None, 4401), ("read", 4403)])
async def test_a_socket_without_the_right_key_is_closed(settings, scope, code):
    settings.API_AUTH = "key"
    plain = "cc_unknown"
    if scope:
        _, plain = await database_sync_to_async(create_key)(name="pbx", scopes=[scope])
    sender = Sender(headers=[(b"authorization", f"Bearer {plain}".encode())])

    await sender.connect()

    assert await sender.close_code() == code
    assert not await database_sync_to_async(Call.objects.exists)()


async def test_a_socket_with_the_right_key_is_open(settings, own_buffer):
    settings.API_AUTH = "key"
    own_buffer()
    _, plain = await database_sync_to_async(create_key)(name="pbx", scopes=["ingest"])
    sender = Sender(headers=[(b"x-api-key", plain.encode())])

    assert (await sender.ready())["type"] == "ready"
    await sender.disconnect()
