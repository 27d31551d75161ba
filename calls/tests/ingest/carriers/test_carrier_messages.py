"""Every carrier's documented messages, even out of order, give the call that was spoken."""

import json

import numpy as np
import pytest

from calls.analysis.media.assembly import assemble
from calls.formats.media_types import parse_media
from calls.ingest.carriers import Media, Start
from calls.ingest.carriers.session import Identity, Session
from calls.tests.ingest.carriers.carrier_dialects import (
    ENVELOPES,
    PREAMBLES,
    UNNUMBERED,
    decoded,
    hear,
    mixed,
)

SECONDS = 3.2
NOISE = [
    {"event": "mark", "streamSid": "MZ", "mark": {"name": "my label"}},
    {"event": "dtmf", "streamSid": "MZ", "dtmf": {"track": "inbound_track", "digit": "1"}},
    {"event": "playedStream", "name": "x"},
    {"event": "error", "payload": {"code": 100002, "title": "unknown", "detail": ""}},
    {"event": "something.new", "value": [1, {"a": None}]},
]
MALFORMED = [
    "{",
    "[]",
    '{"event":"media"}',
    '{"event":"media","media":{"payload":"not base64!"}}',
    '{"event":"media","media":{"payload":7}}',
]


def speech(rate):
    """Two voices that no codec silences and that cannot be taken for each other."""
    at = np.arange(int(SECONDS * rate)) / rate
    agent = 9000 * np.sin(2 * np.pi * 440 * at) * (1 + np.sin(2 * np.pi * 3 * at)) / 2
    customer = 7000 * np.sin(2 * np.pi * 700 * at) * (1 + np.cos(2 * np.pi * 2 * at)) / 2
    return np.stack([agent, customer], axis=1).astype(np.int16)


def texts(messages):
    return [json.dumps(each) if isinstance(each, dict) else each for each in messages]


def expected_audio(dialect, spoken):
    """Return the samples by track; the one track of both channels is called after its name."""
    if dialect.stereo or (len(dialect.tracks) == 2 and dialect.frame):
        return {"agent": spoken[:, 0], "customer": spoken[:, 1]}
    return {"": mixed(spoken)}


def assert_same_audio(dialect, heard, spoken):
    channels = assemble(heard.rows).channels
    wanted = expected_audio(dialect, spoken)
    if "" in wanted:
        assert len(channels) == 1
        found = {"": channels[0].samples}
    else:
        found = {channel.speaker: channel.samples for channel in channels}
    for name, samples in wanted.items():
        assert np.array_equal(found[name], decoded(samples, dialect.codec))


@pytest.mark.parametrize("dialect", [*ENVELOPES, *UNNUMBERED, *PREAMBLES], ids=str)
def test_documented_messages_give_a_call_with_its_id_format_and_audio(dialect):
    spoken = speech(dialect.rate)

    heard = hear(texts(dialect.messages(spoken)))

    assert heard.start.call_id == dialect.call_id
    assert heard.start.stream == dialect.stream
    assert heard.start.description == dialect.description
    media = parse_media(heard.start.media)
    assert (media.encoding, media.rate) == (dialect.codec, dialect.rate)
    assert media.channels == (2 if dialect.stereo else 1)
    assert heard.stopped == (dialect.closing is not None)
    assert_same_audio(dialect, heard, spoken)
    counts = heard.counts
    assert (counts.missing, counts.repeated, counts.reordered, counts.malformed) == (0, 0, 0, 0)
    frames = round(SECONDS * 1000 / dialect.frame_ms)
    assert counts.received == frames * (len(dialect.tracks) if dialect.frame else 1)


@pytest.mark.parametrize("dialect", ENVELOPES, ids=str)
def test_noise_between_the_messages_of_a_carrier_changes_nothing_and_is_counted(dialect):
    spoken = speech(dialect.rate)
    messages = texts(dialect.messages(spoken))
    begin = len(dialect.opening)
    messages[begin + 2 : begin + 2] = [*texts(NOISE), *MALFORMED]
    messages.insert(begin + 20, b"binary, where JSON belongs")

    heard = hear(messages)

    assert_same_audio(dialect, heard, spoken)
    assert heard.counts.malformed == len(MALFORMED) + 1
    assert (heard.counts.missing, heard.counts.repeated) == (0, 0)


@pytest.mark.parametrize("dialect", ENVELOPES, ids=str)
def test_reordered_and_duplicate_frames_are_corrected(dialect):
    spoken = speech(dialect.rate)
    messages = texts(dialect.messages(spoken))
    at = len(dialect.opening) + 8
    step = len(dialect.tracks)
    messages[at], messages[at + 2 * step] = messages[at + 2 * step], messages[at]
    messages.insert(at + 6, messages[at + 1])

    heard = hear(messages)

    assert_same_audio(dialect, heard, spoken)
    assert heard.counts.repeated == 1
    assert heard.counts.reordered > 0
    assert heard.counts.missing == 0


@pytest.mark.parametrize("dialect", ENVELOPES, ids=str)
def test_a_lost_frame_leaves_silence_of_its_length_and_is_counted(dialect):
    spoken = speech(dialect.rate)
    messages = texts(dialect.messages(spoken))
    frame = 9
    tracks = len(dialect.tracks)
    del messages[len(dialect.opening) + frame * tracks]

    heard = hear(messages)

    size = dialect.rate * dialect.frame_ms // 1000
    gap = slice(frame * size, (frame + 1) * size)
    name, samples = next(iter(expected_audio(dialect, spoken).items()))
    channels = assemble(heard.rows).channels
    found = next(channel.samples for channel in channels if name in (channel.speaker, ""))
    assert heard.counts.missing == 1
    assert np.abs(found[gap]).max() <= 8  # A-law has no zero
    assert np.array_equal(found[gap.stop :], decoded(samples, dialect.codec)[gap.stop :])


@pytest.mark.parametrize("dialect", ENVELOPES, ids=str)
def test_numbers_may_be_strings_and_strings_may_be_numbers(dialect):
    def turned(value):
        if isinstance(value, dict):
            return {name: turned(inner) for name, inner in value.items()}
        if isinstance(value, str) and value.isdigit():
            return int(value)
        return str(value) if isinstance(value, int) else value

    spoken = speech(dialect.rate)

    heard = hear(texts([turned(message) for message in dialect.messages(spoken)]))

    assert_same_audio(dialect, heard, spoken)
    assert heard.counts.missing == heard.counts.repeated == heard.counts.reordered == 0


@pytest.mark.parametrize("dialect", PREAMBLES, ids=str)
def test_words_between_raw_audio_are_not_taken_for_audio(dialect):
    spoken = speech(dialect.rate)
    messages = texts(dialect.messages(spoken))
    dtmf = {"event": "dtmf", "dtmf": "1", "duration": "100"}
    messages[5:5] = [*texts([dtmf]), "MEDIA_XOFF", "STATUS queue_length:10"]

    heard = hear(messages)

    assert_same_audio(dialect, heard, spoken)


@pytest.mark.parametrize("dialect", PREAMBLES, ids=str)
def test_raw_audio_may_be_cut_anywhere(dialect):
    spoken = speech(dialect.rate)
    opening, audio = dialect.messages(spoken)[:1], b"".join(dialect.messages(spoken)[1:])
    cut = [audio[at : at + 333] for at in range(0, len(audio), 333)]

    heard = hear([*texts(opening), *cut])

    assert_same_audio(dialect, heard, spoken)


@pytest.mark.parametrize(
    ("resumed_s", "first_ms", "at_s"),
    [
        (0.0, 0, 60.0),
        (0.0, 5_000, 65.0),  # a track that starts late
        (30.0, 20, 60.02),  # the clock has started again
        (30.0, 30_500, 60.5),  # the clock has gone on
        (30.0, 1_764_300_000_000, 60.0),  # since the epoch
        (0.4, 300, 60.3),  # too soon to tell
    ],
)
def test_a_stream_that_reconnects_continues_where_it_broke_off(resumed_s, first_ms, at_s):
    session = Session(row_age_s=1)
    session.take(Start(media="audio/x-mulaw;rate=8000"), 0)
    session.begin(Identity("c", "s#2", begins_s=60.0, resumed_s=resumed_s))

    for number in range(2):
        stamp_ms = first_ms + 20.0 * number
        session.take(Media(payload=b"\x7f" * 160, chunk=number + 1, stamp=stamp_ms), 0)
    (packet,) = session.finish(1)

    assert packet.timestamp == pytest.approx(at_s)
