"""Carriers' media streams from end to end: documented messages in, a call with its audio out."""

import asyncio
import base64
import json

import numpy as np
import pytest
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from calls.analysis.media.g711 import MULAW
from calls.analysis.recording.material import load_material
from calls.api.routing import websocket_urlpatterns
from calls.ingest.buffer import Unavailable
from calls.ingest.carriers import Reply, Start, socket
from calls.ingest.carriers.signature import sign
from calls.keys import create_key
from calls.models import Call, CallEvent, Packet, Stream
from calls.tests.truth import RECORDINGS

pytestmark = pytest.mark.django_db(transaction=True)
FRAME = 160
SID = "MZ18ad3ab5a668481ce02b83e7395059f0"
TWILIO_START = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": SID,
    "start": {
        "accountSid": "AC00000000000000000000000000000000",
        "streamSid": SID,
        "callSid": "CA5a1ebd8dcc0ff4c2a2ea3fcbbdf3a1c4",
        "tracks": ["inbound", "outbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"agent": "ana", "queue": "billing"},
    },
}
CALL_ID = TWILIO_START["start"]["callSid"]
JAMBONZ = {"callSid": "jam-1", "sampleRate": 8000, "mixType": "stereo", "from": "+1", "to": "+2"}
ASTERISK = {
    "event": "MEDIA_START",
    "connection_id": "e226e283-c90a-4ea9-9e37-389000b9ef47",
    "channel": "WebSocket/connectionid",
    "channel_id": "pbx1-123456789.999",
    "format": "ulaw",
    "optimal_frame_size": 160,
    "ptime": 20,
    "channel_variables": {"CALL_ID": "abc"},
}


def codes():
    """Two seconds of a recording as mu-law bytes, agent and customer."""
    content = (RECORDINGS / "lost-card.wav").read_bytes()
    at = content.index(b"data") + 8
    both = np.frombuffer(content[at : at + 2 * 8000 * 6], np.uint8).reshape(-1, 2)
    return both[8000 * 4 :]


class Carrier(WebsocketCommunicator):
    def __init__(self, path="/v1/media", headers=(), subprotocols=None):
        super().__init__(URLRouter(websocket_urlpatterns), path, list(headers), subprotocols)

    async def say(self, message):
        await self.send_to(text_data=message if isinstance(message, str) else json.dumps(message))

    async def close_code(self):
        message = await self.receive_output(timeout=10)
        assert message["type"] == "websocket.close"
        return message["code"]


async def connect(**options):
    carrier = Carrier(**options)
    assert (await carrier.connect())[0]
    return carrier


def media(number, track, chunk, payload, stamp_ms):
    return {
        "event": "media",
        "sequenceNumber": str(number),
        "streamSid": SID,
        "media": {
            "track": track,
            "chunk": str(chunk),
            "timestamp": str(stamp_ms),
            "payload": base64.b64encode(payload).decode(),
        },
    }


def twilio_frames(audio):
    """Messages of both tracks as Twilio sends them: outbound is the agent."""
    number, messages = 1, []
    for chunk, at in enumerate(range(0, len(audio), FRAME), 1):
        for track, channel in (("inbound", 1), ("outbound", 0)):
            number += 1
            frame = audio[at : at + FRAME, channel].tobytes()
            messages.append(media(number, track, chunk, frame, (chunk - 1) * 20))
    return messages


@database_sync_to_async
def call_of(call_id):
    return Call.objects.get(call_id=call_id)


@database_sync_to_async
def audio_of(call_id):
    """Return the int16 samples of a call by speaker."""
    material = load_material(Call.objects.get(call_id=call_id))
    return {channel.speaker: channel.samples for channel in material.channels}


@database_sync_to_async
def stream_of(call_id):
    return Stream.objects.get(call__call_id=call_id)


def assert_same_audio(found, codes_):
    for speaker, channel in (("agent", 0), ("customer", 1)):
        expected = MULAW[codes_[:, channel]]
        assert np.array_equal(found[speaker][: len(expected)], expected)


@pytest.fixture(autouse=True)
def _open_api(settings):
    settings.API_AUTH = "open"


async def play_twilio(messages, **options):
    carrier = await connect(**options)
    await carrier.say({"event": "connected", "protocol": "Call", "version": "1.0.0"})
    await carrier.say(TWILIO_START)
    for message in messages:
        await carrier.say(message)
    numbers = [int(m["sequenceNumber"]) for m in messages if "sequenceNumber" in m]
    await carrier.say({"event": "stop", "sequenceNumber": max(numbers) + 1, "streamSid": SID})
    assert await carrier.close_code() == 1000
    return carrier


async def test_a_twilio_call_has_its_identity_speakers_and_audio():
    audio = codes()

    await play_twilio(twilio_frames(audio))

    call, stream = await call_of(CALL_ID), await stream_of(CALL_ID)
    assert (call.state, call.agent, call.queue) == ("COMPLETED", "ana", "billing")
    assert (stream.name, stream.media) == (SID, "audio/x-mulaw;rate=8000")
    assert (stream.frame_count, stream.missing_frames) == (200, 0)
    assert_same_audio(await audio_of(CALL_ID), audio)
    assert call.packet_count <= 8  # coalesced to about a second for each track


async def test_shuffled_and_repeated_frames_are_counted_and_put_right():
    audio = codes()
    messages = twilio_frames(audio)
    messages[20:24] = [messages[22], messages[20], messages[22], messages[21], messages[23]]

    await play_twilio(messages)

    stream = await stream_of(CALL_ID)
    assert (stream.repeated_frames, stream.missing_frames) == (1, 0)
    assert stream.reordered_frames > 0
    assert_same_audio(await audio_of(CALL_ID), audio)


async def test_lost_frames_are_counted_and_leave_silence_behind():
    audio = codes()
    messages = twilio_frames(audio)
    del messages[60:64]

    await play_twilio(messages)

    stream = await stream_of(CALL_ID)
    found = await audio_of(CALL_ID)
    assert stream.missing_frames == 4
    assert abs(len(found["agent"]) - len(audio)) <= 2 * FRAME


async def test_malformed_and_unknown_messages_are_survived():
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
async def test_other_preambles_open_a_call_too(first, call_id):
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


async def test_an_address_that_describes_no_codec_of_ours_is_refused():
    carrier = await connect(path="/v1/media/raw-2?encoding=opus&rate=many")

    await carrier.send_to(bytes_data=b"\0" * 320)

    assert await carrier.close_code() == 1003


async def test_a_codec_that_is_not_supported_is_refused():
    carrier = await connect()
    start = json.loads(json.dumps(TWILIO_START))
    start["start"]["mediaFormat"]["encoding"] = "OPUS"

    await carrier.say(start)

    assert await carrier.close_code() == 1003


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
    await second.disconnect()

    assert after_first == "IN_PROGRESS"
    assert (await call_of(CALL_ID)).state == "COMPLETED"
    names = await database_sync_to_async(
        lambda: sorted(Stream.objects.values_list("name", flat=True))
    )()
    assert names == sorted([SID, "MZ2"])


@pytest.mark.parametrize(("token", "code"), [("", 4401), ("cc_wrong", 4403)])
async def test_without_a_key_nothing_is_stored(settings, token, code):
    settings.API_AUTH = "key"
    start = json.loads(json.dumps(TWILIO_START))
    start["start"]["customParameters"]["token"] = token
    carrier = await connect()

    await carrier.say(start)

    assert await carrier.close_code() == code
    assert not await database_sync_to_async(Call.objects.exists)()


async def test_a_key_may_come_with_the_start_of_the_stream(settings):
    settings.API_AUTH = "key"
    _, plain = await database_sync_to_async(create_key)(name="twilio", scopes=["ingest"])
    start = json.loads(json.dumps(TWILIO_START))
    start["start"]["customParameters"]["token"] = plain
    carrier = await connect()

    await carrier.say(start)
    await carrier.say({"event": "stop", "streamSid": SID})

    assert await carrier.close_code() == 1000
    assert (await call_of(CALL_ID)).agent == "ana"


async def test_a_signed_handshake_is_as_good_as_a_key(settings):
    settings.API_AUTH = "key"
    settings.TWILIO_AUTH_TOKEN = "secret"
    signature = sign("wss://calls.example.com/v1/media", "secret")
    headers = [(b"host", b"calls.example.com"), (b"x-twilio-signature", signature.encode())]
    carrier = await connect(headers=headers)

    await carrier.say(TWILIO_START)
    await carrier.say({"event": "stop", "streamSid": SID})

    assert await carrier.close_code() == 1000


@pytest.mark.parametrize(
    ("host", "secret"), [(b"calls.example.com", "other"), (b"elsewhere.example.com", "secret")]
)
async def test_a_signature_of_another_secret_or_address_is_refused(settings, host, secret):
    settings.API_AUTH = "key"
    settings.TWILIO_AUTH_TOKEN = "secret"
    signature = sign("wss://calls.example.com/v1/media", secret)
    carrier = await connect(headers=[(b"host", host), (b"x-twilio-signature", signature.encode())])

    await carrier.say(TWILIO_START)

    assert await carrier.close_code() in (4401, 4403)
    assert not await database_sync_to_async(Call.objects.exists)()


async def test_a_key_that_may_only_read_does_not_open_a_stream(settings):
    settings.API_AUTH = "key"
    _, plain = await database_sync_to_async(create_key)(name="reader", scopes=["read"])
    carrier = await connect(headers=[(b"authorization", f"Bearer {plain}".encode())])

    assert await carrier.close_code() == 4403
    assert not await database_sync_to_async(Call.objects.exists)()


async def test_a_stop_that_comes_twice_ends_the_call_once():
    carrier = await connect()
    await carrier.say(TWILIO_START)

    await carrier.say({"event": "stop", "streamSid": SID})
    await carrier.say({"event": "stop", "streamSid": SID})

    assert await carrier.close_code() == 1000
    ends = database_sync_to_async(
        CallEvent.objects.filter(type="state_change", state="COMPLETED").count
    )
    assert await ends() == 1


async def test_while_nothing_can_be_stored_nothing_is_read_and_nothing_is_lost(monkeypatch):
    monkeypatch.setattr(socket, "RETRY_S", 0.01)
    real, refusals = socket.store_async, [Unavailable("gone")] * 5

    async def flaky(packets):
        if refusals:
            raise refusals.pop()
        await real(packets)

    monkeypatch.setattr(socket, "store_async", flaky)
    audio = codes()

    await play_twilio(twilio_frames(audio))

    assert refusals == []
    assert_same_audio(await audio_of(CALL_ID), audio)
    assert await database_sync_to_async(Packet.objects.count)() <= 8


async def test_a_protocol_that_wants_answers_gets_them_before_the_start(monkeypatch):
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
