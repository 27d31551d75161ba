"""How a carrier's socket ends, and what happens to the call."""

import asyncio
import json
import threading

import pytest
from channels.db import database_sync_to_async
from django.db import OperationalError, connection

from calls.ingest.carriers import heartbeat as heartbeats
from calls.ingest.carriers import socket
from calls.ingest.carriers.heartbeat import Heartbeat
from calls.ingest.carriers.presence import settle_call
from calls.models import CallEvent, MediaConnection, Packet
from calls.services import end_call
from calls.tests.ingest.carriers.carrier_calls import (
    ASTERISK,
    CALL_ID,
    JAMBONZ,
    SID,
    TWILIO_START,
    call_of,
    codes,
    connect,
    twilio_frames,
)
from calls.tests.ingest.test_locks import elsewhere

AUDIO = b"\xff" * 320
AWS = {"callEvent": "START", "callId": "aws-1", "samplingRate": 8000}
VONAGE = {"event": "websocket:connected", "content-type": "audio/l16;rate=16000", "call_id": "vo"}
STOP = {"event": "stop", "streamSid": SID}
ORDERLY, WITHOUT_CODE = {"code": 1000}, {"code": 1005, "reason": ""}
LOST, RESTART, GOING_AWAY, TIMEOUT = {"code": 1005}, {"code": 1012}, {"code": 1001}, {"code": 1006}


@pytest.fixture(autouse=True)
def _open_api(settings):
    settings.API_AUTH = "open"


async def wait_for(condition, patience_s=10):
    async with asyncio.timeout(patience_s):
        while not await database_sync_to_async(condition)():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def ended_as():
    return list(MediaConnection.objects.values_list("ended", flat=True))


async def start(first, **options):
    carrier = await connect(**options)
    await carrier.say(first)
    if first is TWILIO_START:
        for message in twilio_frames(codes())[:20]:
            await carrier.say(message)
    else:
        await carrier.send_to(bytes_data=AUDIO)
    await wait_for(MediaConnection.objects.exists)
    return carrier


async def hang_up(carrier, how):
    """Send the event of a server for a socket that has ended, and wait until it is handled."""
    await carrier.send_input({"type": "websocket.disconnect", **how})
    await carrier.wait(timeout=10)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("first", "call_id", "last", "how", "is_over"),
    [
        (TWILIO_START, CALL_ID, STOP, None, True),
        (TWILIO_START, CALL_ID, None, ORDERLY, False),  # this protocol has a stop
        (TWILIO_START, CALL_ID, None, LOST, False),
        (TWILIO_START, CALL_ID, None, RESTART, False),
        (JAMBONZ, "jam-1", None, ORDERLY, True),  # these have none: they close the socket
        (JAMBONZ, "jam-1", None, WITHOUT_CODE, True),
        (JAMBONZ, "jam-1", None, LOST, False),
        (JAMBONZ, "jam-1", None, TIMEOUT, False),
        (JAMBONZ, "jam-1", None, GOING_AWAY, False),
        (ASTERISK, "abc", None, ORDERLY, True),
        (ASTERISK, "abc", None, RESTART, False),
        (VONAGE, "vo", None, ORDERLY, True),
        (VONAGE, "vo", None, LOST, False),
        (AWS, "aws-1", {"callEvent": "END"}, None, True),
        (AWS, "aws-1", None, ORDERLY, False),
    ],
)
async def test_only_the_carriers_own_stop_ends_a_call(first, call_id, last, how, is_over):
    carrier = await start(first)

    if last:
        await carrier.say(last)
        await carrier.wait(timeout=10)
    else:
        await hang_up(carrier, how)

    call = await call_of(call_id)
    assert (call.state, call.end_reason) == (
        ("COMPLETED", "requested") if is_over else ("IN_PROGRESS", "")
    )
    assert await database_sync_to_async(ended_as)() == ([] if is_over else ["broken"])
    assert call.packet_count > 0  # what was left in memory is stored


@pytest.mark.django_db(transaction=True)
async def test_a_call_ends_as_lost_if_its_carrier_does_not_reconnect(settings):
    settings.MEDIA_RECONNECT = 0.2
    carrier = await start(TWILIO_START)

    await hang_up(carrier, LOST)

    await wait_for(CallEvent.objects.filter(state="COMPLETED").exists)
    assert (await call_of(CALL_ID)).end_reason == "connection_lost"


@pytest.mark.django_db(transaction=True)
async def test_a_stream_that_is_stopped_and_started_again_does_not_end_the_call(settings):
    settings.MEDIA_STOP_GRACE = 3600
    paused = await start(TWILIO_START)
    await paused.say(STOP)
    assert await paused.close_code() == 1000
    resumed = await start(json.loads(json.dumps(TWILIO_START).replace(SID, "MZ2")))
    await wait_for(lambda: MediaConnection.objects.count() == 2)
    settings.MEDIA_STOP_GRACE = 0  # the grace is over
    assert await database_sync_to_async(settle_call)(call_id=CALL_ID) is None
    during = await call_of(CALL_ID)

    await resumed.say({"event": "stop", "streamSid": "MZ2"})
    assert await resumed.close_code() == 1000

    assert (during.state, (await call_of(CALL_ID)).end_reason) == ("IN_PROGRESS", "requested")


@pytest.mark.django_db(transaction=True)
async def test_a_protocol_error_of_ours_is_not_the_carriers_stop(monkeypatch):
    monkeypatch.setattr(socket, "MAX_MALFORMED", 3)
    carrier = await start(TWILIO_START)

    for _ in range(5):
        await carrier.say("no json")

    assert await carrier.close_code() == 1008
    assert (await call_of(CALL_ID)).state == "IN_PROGRESS"
    assert await database_sync_to_async(ended_as)() == ["broken"]


@pytest.mark.django_db(transaction=True)
async def test_a_socket_that_outlives_its_call_is_kept_and_its_audio_is_late():
    carrier = await start(TWILIO_START)
    await database_sync_to_async(end_call)(call_id=CALL_ID)

    for message in twilio_frames(codes())[20:40]:
        await carrier.say(message)
    await carrier.say(STOP)

    assert await carrier.close_code() == 1000
    assert await database_sync_to_async(Packet.objects.filter(late=True).exists)()
    assert (await call_of(CALL_ID)).end_reason == "requested"
    assert await database_sync_to_async(ended_as)() == []


@pytest.mark.django_db(transaction=True)
async def test_a_call_that_somebody_has_locked_does_not_hold_up_the_ends_of_others(monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no locks on rows")
    monkeypatch.setattr(socket, "RETRY_S", 0.05)
    locked, other = await start(JAMBONZ), await start(ASTERISK)
    await wait_for(lambda: Packet.objects.count() == 2)  # nothing is left to be stored
    statement = "SELECT 1 FROM calls_call WHERE call_id = 'jam-1' FOR UPDATE"

    with elsewhere(statement):
        await locked.send_input({"type": "websocket.disconnect", **ORDERLY})
        await hang_up(other, ORDERLY)
        during = (await call_of("jam-1")).state, (await call_of("abc")).state
    await locked.wait(timeout=10)

    assert during == ("IN_PROGRESS", "COMPLETED")
    assert (await call_of("jam-1")).state == "COMPLETED"


def test_one_heartbeat_thread_renews_all_leases_and_ends_with_the_last_socket(monkeypatch):
    monkeypatch.setattr(heartbeats, "RENEW_S", 0.01)
    renewed, beaten = [], threading.Event()

    def renew(pks):
        renewed.append(sorted(pks))
        if renewed[-1] == [1, 2]:
            beaten.set()

    beat = Heartbeat(renew)
    beat.add(1)
    beat.add(2)
    assert beaten.wait(timeout=10)

    thread = beat._thread
    beat.remove(1)
    beat.remove(2)

    thread.join(timeout=10)
    assert not thread.is_alive()
    beat.add(3)
    assert beat._thread is not thread
    beat.remove(3)


def test_leases_that_cannot_be_renewed_are_one_warning_for_the_whole_outage(monkeypatch, caplog):
    monkeypatch.setattr(heartbeats, "RENEW_S", 0.001)
    tries, over = [OperationalError("gone")] * 5, threading.Event()

    def renew(pks):
        if tries:
            raise tries.pop()
        over.set()

    beat = Heartbeat(renew)
    beat.add(1)
    assert over.wait(timeout=10)
    beat.remove(1)
    beat._thread and beat._thread.join(timeout=10)

    first, last = caplog.messages
    assert "the leases of sockets are not renewed: gone" in first
    assert "available again" in last
