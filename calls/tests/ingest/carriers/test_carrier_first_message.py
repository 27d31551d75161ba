"""Audio that overtakes the first message of a carrier, and descriptions that arrive late."""

import json

import numpy as np
import pytest

from calls.ingest.carriers import Ignored, Malformed, Media, Start
from calls.ingest.carriers.detect import AnyParser
from calls.ingest.carriers.preamble import HELD_BYTES, PreambleParser
from calls.models import Stream
from calls.tests.ingest.carriers.carrier_calls import (
    ASTERISK,
    CALL_ID,
    FRAME,
    MULAW,
    TWILIO_START,
    assert_same_audio,
    audio_of,
    call_of,
    codes,
    connect,
    database_sync_to_async,
    stream_of,
    twilio_frames,
)

pytestmark = pytest.mark.django_db(transaction=True)
ULAW = np.arange(256, dtype=np.uint8).tobytes() * 10


@pytest.fixture(autouse=True)
def _open_api(settings):
    settings.API_KEYS = []


@database_sync_to_async
def streams_of(call_id):
    return list(Stream.objects.filter(call__call_id=call_id).order_by("pk"))


async def send(carrier, audio, size=FRAME):
    for at in range(0, len(audio), size):
        await carrier.send_to(bytes_data=audio[at : at + size])


def kinds(events):
    return [type(event) for event in events]


@pytest.mark.parametrize("path", ["/v1/media/race-1", "/v1/media"])
@pytest.mark.parametrize("before", [1, 2, 10, 60])
async def test_audio_that_overtakes_its_description_is_kept_and_decoded_as_described(path, before):
    carrier = await connect(path=path)
    cut = before * FRAME

    await send(carrier, (ULAW * 10)[:cut])
    await carrier.say(ASTERISK)
    await send(carrier, (ULAW * 10)[cut:])
    await carrier.disconnect()

    call_id = "race-1" if path.endswith("race-1") else "abc"
    stream, found = await stream_of(call_id), await audio_of(call_id)
    assert stream.media == "audio/x-mulaw;rate=8000"
    assert stream.malformed_frames == 0
    heard = MULAW[np.frombuffer(ULAW * 10, np.uint8)]
    assert np.array_equal(found["customer"][: len(heard)], heard)


async def test_media_before_the_start_is_kept_in_order_and_not_malformed():
    audio = codes()
    frames = twilio_frames(audio)
    carrier = await connect()

    for message in [*frames[:6], TWILIO_START, *frames[6:]]:
        await carrier.say(message)
    await carrier.disconnect()

    stream = await stream_of(CALL_ID)
    assert_same_audio(await audio_of(CALL_ID), audio)
    assert (stream.malformed_frames, stream.missing_frames) == (0, 0)


async def test_a_late_description_that_differs_opens_another_stream():
    carrier = await connect(path="/v1/media/late-1?encoding=l16")

    await send(carrier, b"\0" * 3200, 320)
    await carrier.say(ASTERISK)
    await send(carrier, ULAW)
    await carrier.disconnect()

    streams = await streams_of("late-1")
    assert [stream.media for stream in streams] == [
        "audio/l16;rate=8000",
        "audio/x-mulaw;rate=8000",
    ]
    assert all(stream.frame_count for stream in streams)
    assert (await call_of("late-1")).state == "COMPLETED"


async def test_undescribed_audio_has_the_format_of_the_address_when_the_sender_disconnects():
    carrier = await connect(path="/v1/media/short-1")

    await send(carrier, b"\0\1" * 160, 320)
    await carrier.disconnect()

    assert (await stream_of("short-1")).media == "audio/l16;rate=8000"


@pytest.mark.parametrize(
    ("path", "call_id"), [("/v1/media", "abc"), ("/v1/media/own-1", "own-1")], ids=["none", "own"]
)
async def test_metadata_that_was_cut_off_still_opens_the_call(path, call_id):
    carrier = await connect(path=path)

    await carrier.say('{"call_id":"abc",')
    await send(carrier, b"\0\1" * 1600, 320)
    await carrier.disconnect()

    assert (await call_of(call_id)).packet_count > 0


async def test_metadata_without_a_readable_field_is_refused():
    carrier = await connect()

    await carrier.say('{"call_id')
    await carrier.send_to(bytes_data=b"\0\1" * 160)
    await carrier.send_to(bytes_data=b"\0\1" * 160)
    events = AnyParser()
    events.text('{"call_id')
    events.binary(b"\0\1" * 160)

    assert kinds(events.give_up()) == []
    await carrier.disconnect()


def test_metadata_in_two_messages_is_joined():
    whole = json.dumps({"call_id": "abc", "agent": "ana", "encoding": "ulaw"})
    parser = AnyParser()

    events = [*parser.text(whole[:20]), *parser.text(whole[20:])]

    assert kinds(events) == [Malformed, Start]
    assert (events[1].call_id, events[1].media) == ("abc", "audio/x-mulaw;rate=8000")


def test_audio_waits_at_most_a_second_for_its_description():
    now = [0.0]
    parser = PreambleParser({}, clock=lambda: now[0])

    assert [*parser.binary(b"\0" * 320), *parser.binary(b"\1" * 320)] == []
    now[0] = 1.0
    events = parser.binary(b"\2" * 320)

    assert kinds(events) == [Start, Media, Media, Media]
    assert [event.payload[0] for event in events[1:]] == [0, 1, 2]


def test_audio_that_is_never_described_is_bounded():
    parser = PreambleParser()

    events = [one for _ in range(5) for one in parser.binary(bytes(HELD_BYTES // 4))]

    assert kinds(events) == [Malformed]


@pytest.mark.parametrize(
    "message",
    [json.dumps(ASTERISK), '{"event":"dtmf","dtmf":"2"}', "some words", '{"sampleRate":8000}'],
)
def test_a_message_that_changes_nothing_opens_no_stream(message):
    parser = PreambleParser()
    parser.text(json.dumps(ASTERISK))

    assert kinds(parser.text(message)) == [Ignored]
