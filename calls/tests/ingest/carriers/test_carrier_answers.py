"""Carriers that expect replies: what they ask, what they get, and the call that it becomes."""

import base64
import json

import numpy as np
import pytest

from calls.analysis.media.assembly import assemble
from calls.ingest.carriers import Malformed, Media, Reply, Start, Stop
from calls.ingest.carriers.detect import AnyParser
from calls.models import Call, Stream
from calls.tests.ingest.carriers.carrier_calls import call_of, connect
from calls.tests.ingest.carriers.carrier_dialects import decoded, encode, hear
from calls.tests.ingest.carriers.test_carrier_messages import speech

CONVERSATION = "090eaa2f-72fa-480a-83e0-8667ff89c0ec"
SESSION = "e160e428-53e2-487c-977d-96989bf5c99d"
NOBODY = "00000000-0000-0000-0000-000000000000"
STEREO = {"type": "audio", "format": "PCMU", "channels": ["external", "internal"], "rate": 8000}
EXTERNAL = {**STEREO, "channels": ["external"]}
INTERNAL = {**STEREO, "channels": ["internal"]}


INITIATE = {
    "type": "session.initiate",
    "conversationId": "4a5b4b9d-dab7-42d0-a977-6740c9349588",
    "expectAudioMessages": True,
    "botName": "assist",
    "caller": "+1234567890",
    "supportedMediaFormats": ["wav/lpcm16", "raw/lpcm16"],
}


def audiohook(kind, seq, **parameters):
    return {
        "version": "2",
        "id": SESSION,
        "type": kind,
        "seq": seq,
        "serverseq": 0,
        "position": "PT0S",
        "parameters": parameters,
    }


def opening(media, conversation=CONVERSATION, **more):
    return audiohook(
        "open",
        1,
        organizationId="d7934305-0972-4844-938e-9060eef73d05",
        conversationId=conversation,
        participant={
            "id": "883efee8-3d6c-4537-b500-6d7ca4b92fa0",
            "ani": "+1-555-555-1234",
            "aniName": "John Doe",
            "dnis": "+1-800-555-6789",
        },
        media=media,
        language="en-US",
        **more,
    )


def read(*messages):
    parser = AnyParser()
    return [
        event
        for message in messages
        for event in (
            parser.binary(message)
            if isinstance(message, bytes)
            else parser.text(json.dumps(message))
        )
    ]


def told(events):
    return [json.loads(event.text) for event in events if isinstance(event, Reply)]


def test_a_genesys_call_has_its_id_its_parties_and_both_sides():
    spoken = speech(8000)
    customer_left = encode(spoken[:, ::-1].reshape(-1), "mulaw")
    frames = [customer_left[at : at + 3201] for at in range(0, len(customer_left), 3201)]
    custom = {"agent": "ana", "queue": "billing"}
    messages = [
        json.dumps(opening([EXTERNAL, STEREO], customConfig=custom)),
        *frames,
        json.dumps(audiohook("close", 9, reason="end")),
    ]

    heard = hear(messages)

    assert (heard.start.call_id, heard.start.stream) == (CONVERSATION, SESSION)
    assert heard.start.media == "audio/x-mulaw;rate=8000;channels=2"
    assert heard.start.description == {
        "caller": "+1-555-555-1234",
        "callee": "+1-800-555-6789",
        **custom,
    }
    assert (heard.stopped, heard.start.remarks) == (True, ())
    found = {each.speaker: each.samples for each in assemble(heard.rows).channels}
    assert np.array_equal(found["agent"], decoded(spoken[:, 0], "mulaw"))
    assert np.array_equal(found["customer"], decoded(spoken[:, 1], "mulaw"))


@pytest.mark.parametrize(
    ("offered", "chosen", "track"),
    [
        ([EXTERNAL, STEREO, {**STEREO, "format": "L16"}], STEREO, ""),
        ([INTERNAL, EXTERNAL], EXTERNAL, "inbound"),
        ([INTERNAL], INTERNAL, "outbound"),
        ([{**EXTERNAL, "format": "L16"}, EXTERNAL], EXTERNAL, "inbound"),
    ],
)
def test_genesys_gets_the_best_format_on_offer(offered, chosen, track):
    start, opened, frame = read(opening(offered), b"\xff" * 320)

    assert told([opened]) == [
        {
            "version": "2",
            "id": SESSION,
            "type": "opened",
            "seq": 1,
            "clientseq": 1,
            "parameters": {"startPaused": False, "media": [chosen]},
        }
    ]
    assert isinstance(start, Start)
    assert frame == Media(payload=b"\xff" * 320, track=track, stamp=0.0)


def test_pings_and_the_end_are_answered_with_numbers_that_count_up():
    events = read(
        opening([STEREO]),
        audiohook("ping", 2, rtt="PT0.05S"),
        audiohook("discarded", 3, start="PT1S", discarded="PT0.2S"),
        audiohook("close", 4, reason="end"),
    )

    answers = told(events)
    assert [each["type"] for each in answers] == ["opened", "pong", "closed"]
    assert [each["seq"] for each in answers] == [1, 2, 3]
    assert [each["clientseq"] for each in answers] == [1, 2, 4]
    assert isinstance(events[-1], Stop)


@pytest.mark.parametrize("kind", ["discarded", "resumed"])
def test_audio_that_genesys_leaves_out_becomes_silence_of_its_length(kind):
    frame, left_out = b"\x20" * 3200, audiohook(kind, 2, start="PT0.4S", discarded="PT1M0.5S")
    told = [opening([STEREO]), *[frame] * 20, left_out, *[frame] * 20, audiohook("close", 3)]
    messages = [each if isinstance(each, bytes) else json.dumps(each) for each in told]

    customer = assemble(hear(messages).rows).channels[-1]

    assert abs(customer.duration_ms - (40 * 200 + 60_500)) <= 20
    assert not customer.samples[8 * 4_100 : 8 * 64_000].any()


@pytest.mark.parametrize("odd", [None, 7, "PT", "soon", "PT1D", "PT9999999999S", ["PT1S"]])
def test_a_length_that_cannot_be_read_leaves_nothing_out(odd):
    events = read(opening([EXTERNAL]), audiohook("discarded", 2, discarded=odd), b"\xff" * 160)

    assert events[-1].stamp == 0.0


def test_a_connection_probe_is_answered_and_opens_no_call():
    events = read(opening([STEREO], NOBODY), audiohook("close", 2, reason="end"))

    assert not any(isinstance(event, Start) for event in events)
    assert told(events)[0]["parameters"]["media"] == []


@pytest.mark.parametrize("media", [None, [], {}, ["x"], [{"channels": "external"}], [{"rate": []}]])
def test_an_unreadable_offer_does_not_close_the_socket(media):
    assert told(read(opening(media)))[0]["type"] == "opened"


@pytest.mark.parametrize("depth", [100, *range(700, 1000, 50)])
def test_messages_of_any_depth_are_answered_or_malformed(depth):
    nest = "[" * depth + "]" * depth
    custom = json.dumps(opening([{**STEREO, "rate": 0}], customConfig={"agent": 0}))
    deep = [
        custom.replace('"agent": 0', f'"agent": {nest}'),
        custom.replace('"rate": 0', f'"rate": {nest}'),
        custom.replace(f'"{SESSION}"', nest),
        json.dumps({**INITIATE, "participant": 0}).replace(
            '"participant": 0', f'"participant": {nest}'
        ),
    ]

    for message in deep:
        assert AnyParser().text(message)


@pytest.mark.django_db(transaction=True)
async def test_genesys_is_answered_once_the_call_is_stored(settings):
    settings.API_KEYS = []
    carrier = await connect()

    await carrier.say(opening([STEREO]))
    opened = json.loads(await carrier.receive_from(timeout=10))
    stored = await Call.objects.filter(call_id=CONVERSATION).aexists()
    await carrier.send_to(bytes_data=b"\xff" * 3200)
    await carrier.say(audiohook("close", 2, reason="end"))
    closed = json.loads(await carrier.receive_from(timeout=10))

    assert (opened["type"], stored, closed["type"]) == ("opened", True, "closed")
    assert await carrier.close_code() == 1000
    assert (await call_of(CONVERSATION)).packet_count > 0


def chunk(payload, **named):
    return {"type": "userStream.chunk", "audioChunk": base64.b64encode(payload).decode(), **named}


def test_an_audiocodes_call_is_accepted_and_stored():
    events = read(
        {"type": "connection.validate"},
        INITIATE,
        {"type": "userStream.start", "participant": "caller"},
        chunk(b"\1\0" * 320, participant="caller"),
        chunk(b"\2\0" * 320, participant="agent"),
        chunk(b"\3\0" * 320),
        {"type": "userStream.chunk", "audioChunk": "*"},
        {"type": "activities", "activities": [{"type": "event", "name": "start"}]},
        {"type": "userStream.stop", "participant": "caller"},
        {"type": "session.end", "reasonCode": "client-disconnected"},
    )

    (start,) = [event for event in events if isinstance(event, Start)]
    assert (start.call_id, start.media) == (
        INITIATE["conversationId"],
        "audio/l16;rate=16000",
    )
    assert start.description == {"caller": "+1234567890"}
    assert told(events) == [
        {"type": "connection.validated", "success": True},
        {"type": "session.accepted", "mediaFormat": "raw/lpcm16"},
        {"type": "userStream.started", "participant": "caller"},
        {"type": "userStream.stopped", "participant": "caller"},
    ]
    frames = [event for event in events if isinstance(event, Media)]
    assert [(frame.track, frame.payload[0]) for frame in frames] == [
        ("inbound", 1),
        ("outbound", 2),
        ("inbound", 3),
    ]
    assert sum(isinstance(event, Malformed) for event in events) == 1
    assert isinstance(events[-1], Stop)


@pytest.mark.parametrize(
    ("offered", "accepted", "media"),
    [
        (["raw/mulaw", "raw/lpcm16_8"], "raw/lpcm16_8", "audio/l16;rate=8000"),
        (["raw/mulaw"], "raw/mulaw", "audio/x-mulaw;rate=8000"),
        (["raw/opus"], "raw/opus", 'audio/x-unknown;codec="raw/opus"'),
        ([None, 7], "raw/lpcm16", "audio/l16;rate=16000"),
        ("raw/lpcm16", "raw/lpcm16", "audio/l16;rate=16000"),
    ],
)
def test_audiocodes_gets_the_best_format_on_offer(offered, accepted, media):
    start, answer = read({**INITIATE, "supportedMediaFormats": offered})

    assert (start.media, told([answer])[0]["mediaFormat"]) == (media, accepted)


@pytest.mark.django_db(transaction=True)
async def test_both_sides_of_an_audiocodes_call_are_stored(settings):
    settings.API_KEYS = []
    carrier = await connect()

    await carrier.say(INITIATE)
    assert "session.accepted" in await carrier.receive_from(timeout=10)
    for at in range(20):
        await carrier.say(chunk(bytes([at, 1]) * 320, participant="caller"))
        await carrier.say(chunk(bytes([at, 2]) * 320, participant="callee"))
    await carrier.say({"type": "session.end"})

    assert await carrier.close_code() == 1000
    stream = await Stream.objects.aget(call__call_id=INITIATE["conversationId"])
    assert (stream.frame_count, stream.repeated_frames) == (40, 0)
