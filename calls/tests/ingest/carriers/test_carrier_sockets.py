"""Carriers' media streams from end to end: documented messages in, a call with its audio out."""

import asyncio
import base64
import json

import numpy as np
import pytest
from channels.db import database_sync_to_async

from calls.analysis.media.g711 import MULAW
from calls.analysis.recording.material import load_material
from calls.ingest.carriers import Reply, Start, socket
from calls.ingest.requests import Unavailable
from calls.models import Call, CallEvent, Packet, Stream
from calls.tests.ingest.carriers.carrier_calls import (
    ASTERISK,
    CALL_ID,
    FRAME,
    JAMBONZ,
    SID,
    TWILIO_START,
    assert_same_audio,
    audio_of,
    call_of,
    codes,
    connect,
    packets_of,
    play_twilio,
    stream_of,
    twilio_frames,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _open_api(settings):
    settings.API_AUTH = "open"


async def test_a_twilio_call_has_its_id_speakers_and_audio(settings):
    settings.MEDIA_STORE_WITHIN = 2
    audio = codes()

    await play_twilio(twilio_frames(audio))

    call, stream = await call_of(CALL_ID), await stream_of(CALL_ID)
    assert (call.state, call.agent, call.queue) == ("COMPLETED", "ana", "billing")
    assert (stream.name, stream.media) == (SID, "audio/x-mulaw;rate=8000")
    assert (stream.frame_count, stream.missing_frames) == (200, 0)
    assert_same_audio(await audio_of(CALL_ID), audio)
    assert call.packet_count <= 8  # coalesced to about a second for each track


async def test_shuffled_and_repeated_frames_are_counted_and_corrected():
    audio = codes()
    messages = twilio_frames(audio)
    messages[20:24] = [messages[22], messages[20], messages[22], messages[21], messages[23]]

    await play_twilio(messages)

    stream = await stream_of(CALL_ID)
    assert (stream.repeated_frames, stream.missing_frames) == (1, 0)
    assert stream.reordered_frames > 0
    assert_same_audio(await audio_of(CALL_ID), audio)


async def test_lost_frames_are_counted_and_become_silence():
    audio = codes()
    messages = twilio_frames(audio)
    del messages[60:64]

    await play_twilio(messages)

    stream = await stream_of(CALL_ID)
    found = await audio_of(CALL_ID)
    assert stream.missing_frames == 4
    assert abs(len(found["agent"]) - len(audio)) <= 2 * FRAME


@pytest.mark.parametrize(("restarts", "times"), [(1, "once"), (2, "twice")])
async def test_a_numbering_that_restarts_is_noted_and_loses_nothing(restarts, times):
    audio = codes()
    messages = twilio_frames(audio)
    for at, message in enumerate(messages):
        begun = 60 * (at // 60) if at < 60 * (restarts + 1) else 60 * restarts
        number = at - begun + 1
        message["sequenceNumber"] = str(number)
        message["media"]["chunk"] = str(number // 2 + 1)

    await play_twilio(messages)

    call = await database_sync_to_async(Call.objects.get)()
    material = await database_sync_to_async(load_material)(call)
    assert_same_audio(await audio_of(CALL_ID), audio)
    assert f"The sender restarted its numbering {times}." in material.notes
    assert (await stream_of(CALL_ID)).missing_frames == 0


async def test_malformed_and_unknown_messages_do_no_harm():
    audio = codes()
    messages = twilio_frames(audio)
    noise = ["no json", {"event": "media", "media": {"payload": "***"}}, {"event": "brew"}, "[]"]

    await play_twilio([*noise, *messages])

    assert (await stream_of(CALL_ID)).malformed_frames >= 3
    assert_same_audio(await audio_of(CALL_ID), audio)


async def test_a_stereo_jambonz_call_is_split_into_agent_and_customer():
    samples = MULAW[codes()]
    carrier = await connect(subprotocols=["audio.jambonz.org"])

    await carrier.say(JAMBONZ)
    raw = samples.astype("<i2").tobytes()
    for at in range(0, len(raw), 641):  # not on the border of samples
        await carrier.send_to(bytes_data=raw[at : at + 641])
    await carrier.disconnect()

    found = await audio_of("jam-1")
    call = await call_of("jam-1")
    assert (call.state, call.caller, call.callee) == ("COMPLETED", "+1", "+2")
    assert np.array_equal(found["agent"], samples[:, 0])
    assert np.array_equal(found["customer"], samples[:, 1])


@pytest.mark.parametrize(
    ("first", "call_id"),
    [
        (ASTERISK, "abc"),
        ("MEDIA_START connection_id:e2 channel:WebSocket/x format:ulaw ptime:20", None),
        ({"event": "websocket:connected", "content-type": "audio/l16;rate=16000", "call_id": "vo"},
         "vo"),
    ],
)  # fmt: skip
async def test_other_preambles_also_open_a_call(first, call_id):
    carrier = await connect(path="/v1/media" if call_id else "/v1/media/named-by-address")

    await carrier.say(first)
    await carrier.send_to(bytes_data=codes()[:, 0].tobytes())
    await carrier.disconnect()

    call = await call_of(call_id or "named-by-address")
    assert call.packet_count > 0
    assert call.state == "COMPLETED"


async def test_raw_audio_needs_no_first_message_where_the_address_names_the_call():
    samples = MULAW[codes()]
    carrier = await connect(path="/v1/media/raw-1?channels=2&agent=ana")

    raw = samples.astype("<i2").tobytes()
    for at in range(0, len(raw), 640):
        await carrier.send_to(bytes_data=raw[at : at + 640])
    await carrier.disconnect()

    found, call = await audio_of("raw-1"), await call_of("raw-1")
    assert call.agent == "ana"
    assert np.array_equal(found["agent"], samples[:, 0])
    assert np.array_equal(found["customer"], samples[:, 1])


async def test_an_address_that_describes_a_codec_that_we_cannot_decode_still_stores_the_call():
    carrier = await connect(path="/v1/media/raw-2?encoding=opus&rate=many")

    await carrier.send_to(bytes_data=b"\1" * 320)
    await carrier.disconnect()

    call, stream = await call_of("raw-2"), await stream_of("raw-2")
    assert call.packet_count == 1
    assert stream.media == 'audio/x-unknown;codec="opus"'
    assert call.remarks == [
        "The sender's format cannot be decoded here: “opus”. Its audio is stored as received."
    ]


@pytest.mark.parametrize("word", ["OPUS", "klingon/3", "pcm_f32le"])
async def test_audio_in_an_unknown_format_is_stored_unchanged_with_a_remark(word):
    audio = codes()
    start = json.loads(json.dumps(TWILIO_START))
    start["start"]["mediaFormat"]["encoding"] = word
    start["start"]["customParameters"]["direction"] = "sideways"

    await play_twilio(twilio_frames(audio), start=start)

    call, packets = await call_of(CALL_ID), await packets_of(CALL_ID)
    sent = {"inbound": audio[:, 1].tobytes(), "outbound": audio[:, 0].tobytes()}
    found = dict.fromkeys(sent, b"")
    for track, data in packets:
        found[track] += base64.b64decode(data)
    assert found == sent
    assert any(word in remark for remark in call.remarks)
    assert "The sender's direction is not known: “sideways”." in call.remarks
    assert (call.state, call.direction) == ("COMPLETED", "")


async def test_a_socket_that_never_starts_is_closed(monkeypatch):
    monkeypatch.setattr(socket, "START_PATIENCE_S", 0.05)
    carrier = await connect()

    await carrier.say({"event": "connected", "protocol": "Call", "version": "1.0.0"})

    assert await carrier.close_code() == 1008


async def test_the_last_stream_of_a_call_ends_it_and_a_second_one_is_kept_apart():
    first, second = await connect(), await connect()
    other = json.loads(json.dumps(TWILIO_START).replace(SID, "MZ2"))
    await first.say(TWILIO_START)
    await second.say(other)
    for message in twilio_frames(codes())[:20]:
        await first.say(message)
        await second.say(json.loads(json.dumps(message).replace(SID, "MZ2")))
    while await database_sync_to_async(Stream.objects.count)() < 2:  # noqa: ASYNC110
        await asyncio.sleep(0.01)

    await first.say({"event": "stop", "streamSid": SID})
    assert await first.close_code() == 1000
    after_first = (await call_of(CALL_ID)).state
    await second.say({"event": "stop", "streamSid": "MZ2"})
    assert await second.close_code() == 1000

    assert after_first == "IN_PROGRESS"
    assert (await call_of(CALL_ID)).state == "COMPLETED"
    names = await database_sync_to_async(
        lambda: sorted(Stream.objects.values_list("name", flat=True))
    )()
    assert names == sorted([SID, "MZ2"])


async def test_a_repeated_stop_ends_the_call_once():
    carrier = await connect()
    await carrier.say(TWILIO_START)

    await carrier.say({"event": "stop", "streamSid": SID})
    await carrier.say({"event": "stop", "streamSid": SID})

    assert await carrier.close_code() == 1000
    ends = database_sync_to_async(
        CallEvent.objects.filter(type="state_change", state="COMPLETED").count
    )
    assert await ends() == 1


async def test_while_nothing_can_be_stored_reading_continues_and_nothing_is_lost(
    monkeypatch, settings
):
    settings.MEDIA_STORE_WITHIN = 2
    monkeypatch.setattr(socket, "RETRY_S", 0.01)
    real, refusals = socket.store_async, [Unavailable("gone")] * 5

    async def flaky(packets, way):
        if refusals:
            raise refusals.pop()
        await real(packets, way)

    monkeypatch.setattr(socket, "store_async", flaky)
    audio = codes()

    await play_twilio(twilio_frames(audio))

    assert refusals == []
    assert_same_audio(await audio_of(CALL_ID), audio)
    assert await database_sync_to_async(Packet.objects.count)() <= 8


async def test_a_carrier_that_has_started_waits_for_the_database_as_long_as_it_takes(monkeypatch):
    monkeypatch.setattr(socket, "START_PATIENCE_S", 0.05)
    monkeypatch.setattr(socket, "RETRY_S", 0.05)
    real, refusals = socket.open_stream, [Unavailable("gone")] * 5

    def flaky(**options):
        if refusals:
            raise refusals.pop()
        return real(**options)

    monkeypatch.setattr(socket, "open_stream", flaky)
    audio = codes()

    await play_twilio(twilio_frames(audio))

    assert refusals == []
    assert_same_audio(await audio_of(CALL_ID), audio)


async def test_a_protocol_that_expects_answers_gets_them_before_the_start(monkeypatch):
    class Greeting:
        def __init__(self, described):
            pass

        def text(self, message):
            if message == "hello":
                return [Reply("welcome")]
            return [Start(media="audio/x-mulaw;rate=8000", call_id="greeted"), Reply("ready")]

    monkeypatch.setattr(socket, "AnyParser", Greeting)
    carrier = await connect()

    await carrier.say("hello")
    assert await carrier.receive_from() == "welcome"
    await carrier.say("start")
    assert await carrier.receive_from() == "ready"

    await carrier.disconnect()
    assert await Call.objects.filter(call_id="greeted").aexists()
