"""How much carriers may send ahead of the database, and what happens to it."""

import asyncio

import pytest
from django.db import DataError

from calls.ingest.carriers import backlog, socket
from calls.ingest.carriers.backlog import MIB, STREAM_LIMIT, Backlog
from calls.ingest.requests import Unavailable
from calls.tests.ingest.carriers.carrier_calls import (
    CALL_ID,
    SID,
    TWILIO_START,
    assert_same_audio,
    audio_of,
    codes,
    connect,
    play_twilio,
    stream_of,
    twilio_frames,
)

TEXT = {"type": "websocket.receive", "text": "x" * 1024}


@pytest.fixture(autouse=True)
def _own_memory(settings, monkeypatch):
    settings.API_AUTH = "open"
    monkeypatch.setattr(backlog, "memory", backlog.Memory())


def fill(stream, size):
    for _ in range(size // 1024):
        stream.add(TEXT)


def test_a_slow_database_stops_reading_from_streams_that_are_ahead(settings):
    ahead, other = Backlog(), Backlog()

    fill(ahead, STREAM_LIMIT)
    fill(other, 1024)

    assert ahead.is_full()
    assert not other.is_full()


def test_during_an_outage_reading_continues_up_to_the_limit_of_the_process(settings):
    settings.CARRIER_MEMORY = 1
    first, second = Backlog(), Backlog()
    first.is_refused = second.is_refused = True

    fill(first, MIB // 2)
    assert not first.is_full()
    fill(second, MIB // 2)

    assert first.is_full()
    assert second.is_full()


def test_stored_messages_make_room_for_new_ones():
    stream = Backlog()
    fill(stream, STREAM_LIMIT)
    held = stream.mark()
    fill(stream, 1024)

    stream.release(held)

    assert not stream.is_full()
    assert stream.mark() == 1024
    stream.clear()
    assert backlog.memory.held == 0


def take_database_away(monkeypatch):
    """Let storing fail until the event that is returned is set."""
    real, is_back = socket.store_async, asyncio.Event()

    async def away(packets, way):
        if not is_back.is_set():
            raise Unavailable("gone")
        await real(packets, way)

    monkeypatch.setattr(socket, "store_async", away)
    return is_back


@pytest.mark.django_db(transaction=True)
async def test_an_outage_within_the_limit_loses_nothing_and_stops_no_stream(settings, monkeypatch):
    monkeypatch.setattr(socket, "RETRY_S", 0.01)
    audio, is_back = codes(), take_database_away(monkeypatch)
    carrier = await connect()
    await carrier.say(TWILIO_START)
    for message in twilio_frames(audio):
        await carrier.say(message)
    # All of it is read although nothing is stored.
    while not carrier.input_queue.empty():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert backlog.memory.held > 0
    is_back.set()
    await carrier.say({"event": "stop", "sequenceNumber": 202, "streamSid": SID})

    assert await carrier.close_code() == 1000
    assert_same_audio(await audio_of(CALL_ID), audio)
    assert (await stream_of(CALL_ID)).missing_frames == 0
    await carrier.wait()
    assert backlog.memory.held == 0


@pytest.mark.django_db(transaction=True)
async def test_beyond_the_limit_reading_stops_and_the_socket_stays_open(settings, monkeypatch):
    monkeypatch.setattr(socket, "RETRY_S", 0.01)
    settings.CARRIER_MEMORY = 0.01
    is_back = take_database_away(monkeypatch)
    carrier = await connect()
    await carrier.say(TWILIO_START)
    for message in twilio_frames(codes()):
        await carrier.say(message)
    while backlog.memory.held < 0.01 * backlog.MIB:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert await carrier.receive_nothing(timeout=0.2)
    assert not carrier.input_queue.empty()
    is_back.set()
    await carrier.say({"event": "stop", "sequenceNumber": 202, "streamSid": SID})

    assert await carrier.close_code() == 1000
    assert_same_audio(await audio_of(CALL_ID), codes())


@pytest.mark.django_db(transaction=True)
async def test_a_packet_that_the_database_refuses_does_not_hold_up_others(monkeypatch, caplog):
    real = socket.store_async

    async def picky(packets, way):
        if any(packet.sequence == 1 for packet in packets):
            raise DataError("never")
        await real(packets, way)

    monkeypatch.setattr(socket, "store_async", picky)

    await play_twilio(twilio_frames(codes()))

    stream = await stream_of(CALL_ID)
    assert stream.packet_count > 0
    assert "is lost" in caplog.text


@pytest.mark.django_db(transaction=True)
async def test_a_start_that_waits_for_the_database_does_not_time_out(monkeypatch):
    monkeypatch.setattr(socket, "START_PATIENCE_S", 0.2)
    monkeypatch.setattr(socket, "RETRY_S", 0.01)
    real, refusals = socket.open_stream, []

    def away(**stream):
        if len(refusals) < 40:
            refusals.append(stream)
            raise Unavailable("gone")
        return real(**stream)

    monkeypatch.setattr(socket, "open_stream", away)

    await play_twilio(twilio_frames(codes()))

    assert_same_audio(await audio_of(CALL_ID), codes())


@pytest.mark.django_db(transaction=True)
async def test_a_new_stream_is_refused_while_others_are_late(monkeypatch, settings):
    settings.GROUP_COMMIT = True

    async def no_room(way):
        return False

    monkeypatch.setattr("calls.ingest.refusal._admit_stream", no_room)
    carrier = await connect()

    assert await carrier.close_code() == 1013
