"""Whatever a socket sends, its parser promptly returns events that can be stored."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.ingest.call_ids import is_call_id
from calls.ingest.carriers import Malformed, Media, Start, preamble
from calls.ingest.carriers.detect import AnyParser
from calls.ingest.carriers.preamble import HELD_BYTES, LEAST_BYTES, READ_OF_CUT
from calls.ingest.carriers.session import Identity, Session
from calls.models import CustomField
from calls.tests.ingest.carriers.carrier_calls import CALL_ID, TWILIO_START, call_of, connect

NAMES = [
    *("event", "start", "media", "stop", "mediaFormat", "media_format", "encoding", "sampleRate"),
    *("channels", "endian", "callSid", "call_id", "streamSid", "stream_id", "customParameters"),
    *("client_state", "metadata", "headers", "tracks", "track", "payload", "timestamp", "chunk"),
    *("sequenceNumber", "from", "to", "direction", "agent", "queue", "token", "bit_rate"),
    *("mixType", "format", "callEvent", "left", "channel_variables", "\0", "a\0b", ""),
]
WORDS = [
    *("start", "media", "connected", "stop", "inbound", "audio/x-mulaw", "l16", "AAAA", "16kHz"),
    *("START", "END", "\0", "\ud800", "{", "a=b;c=d", "MEDIA_START", "1e999", "-1", "9" * 400, ""),
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8).map(json.dumps)
TEXTS = OBJECTS | st.builds(lambda text, at: text[:at], OBJECTS, st.integers(0, 80))
MESSAGES = st.lists(
    TEXTS | st.sampled_from(WORDS) | st.binary(max_size=700) | st.text(max_size=20), max_size=12
)


def assert_storable(text):
    assert "\0" not in text
    text.encode()


@settings(max_examples=300)
@given(MESSAGES, st.sampled_from([None, {}, {"rate": "16000"}, {"encoding": "\0"}]))
def test_any_messages_at_all_give_events_that_can_be_stored(messages, described):
    parser, session, now = AnyParser(described), Session(row_age_s=0.2), 0.0
    packets = []

    for message in [*messages, None]:
        now += 0.02
        if message is None:
            found = parser.give_up()
        else:
            found = parser.binary(message) if isinstance(message, bytes) else parser.text(message)
        for event in found:
            session.take(event, now)
            if isinstance(event, Start):
                session.begin(Identity("c-1", "s-1"))
                for text in (event.media, *event.description.values(), *event.remarks):
                    assert_storable(text)
                assert not event.call_id or is_call_id(event.call_id)
        packets += session.due(now)

    assert all(len(packet.data) <= 65_536 for packet in [*packets, *session.finish(now)])


@pytest.mark.parametrize(
    ("value", "agent"),
    [(r'"Ana \ud83d"', "Ana ?"), ('"Ana"', "Ana"), ("1e999", "inf"), ("NaN", "nan")],
)
def test_one_malformed_value_does_not_lose_the_call(value, agent):
    message = json.dumps({"event": "start", "start": {"callSid": "c-1", "agent": "?"}})

    (start,) = AnyParser().text(message.replace('"?"', value))

    assert (start.call_id, start.description["agent"]) == ("c-1", agent)


def test_two_sounds_under_two_tags_are_two_tracks():
    def media(tag):
        return {"event": "media", "media": {"tag": tag, "payload": "AAAA"}}

    parser = AnyParser()
    parser.text(json.dumps({"event": "start", "start": {"tag": "caller"}}))
    frames = [parser.text(json.dumps(media(tag)))[0] for tag in ("caller", "agent", "caller")]

    assert [frame.track for frame in frames] == ["", "agent", ""]


@pytest.mark.parametrize("value", [[], {}, [["start"]], None, 1, True])
def test_a_message_whose_event_is_not_text_is_not_an_envelope(value):
    (start,) = AnyParser().text(json.dumps({"event": value, "callSid": "c-1"}))

    assert (type(start), start.call_id) == (Start, "c-1")


@pytest.mark.parametrize("depth", [200, *range(700, 1000, 25)])
@pytest.mark.parametrize("name", ["sampleRate", "channels", "encoding"])
def test_a_deeply_nested_field_is_read_or_malformed(depth, name):
    nest = "[" * depth + "]" * depth
    message = f'{{"event":"start","start":{{"callSid":"c-1","mediaFormat":{{"{name}":{nest}}}}}}}'

    (event,) = AnyParser().text(message)

    assert isinstance(event, Start | Malformed)


def test_a_cut_off_message_is_read_in_bounded_work(monkeypatch):
    tried = []
    read = preamble.as_object
    monkeypatch.setattr(preamble, "as_object", lambda text: tried.append(text) or read(text))
    parser = AnyParser()

    parser.text('{"call_id":"c-1","agent":"ana","list":[' + "1," * 400_000)
    started = [event for event in parser.give_up() if isinstance(event, Start)]

    assert [event.call_id for event in started] == ["c-1"]
    assert started[0].description["agent"] == "ana"
    assert len(tried) <= READ_OF_CUT
    assert max(map(len, tried[1:])) <= READ_OF_CUT + 1


@pytest.mark.parametrize("described", [None, {}])
def test_a_flood_of_empty_messages_is_bounded(described):
    parser = preamble.PreambleParser(described, clock=lambda: 0.0)

    events = [one for _ in range(HELD_BYTES // LEAST_BYTES + 100) for one in parser.binary(b"")]

    assert len(events) >= 99
    assert {type(event) for event in events} <= {Malformed, Start, Media}


@pytest.mark.django_db(transaction=True)
async def test_a_parameter_name_that_cannot_be_stored_does_not_lose_the_call(settings):
    settings.API_KEYS = []
    await CustomField.objects.acreate(name="customer_id", label="Customer")
    start = {**TWILIO_START["start"], "customParameters": {"a\0b": "x", "customer_id": "7"}}
    carrier = await connect()

    await carrier.say({**TWILIO_START, "start": start})
    await carrier.say({"event": "stop"})

    assert await carrier.close_code() == 1000
    call = await call_of(CALL_ID)
    assert await call.field_values.acount() == 1
