"""From stored packets to the channels of a call: speakers, formats and order."""

import base64
import random
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.analysis.media.assembly import assemble
from calls.analysis.media.g711 import MULAW
from calls.analysis.media.packets import PacketRow
from calls.analysis.media.textcall import TextCall
from calls.conversation import CallAudio, Span

MULAW_8K = "audio/x-mulaw;rate=8000"
PACKET = 160  # samples in 20 ms at 8 kHz


def tone_codes(count: int, seed: int = 0) -> bytes:
    """Mu-law bytes that are never silence, so that a sample out of place is seen."""
    return bytes(np.random.default_rng(seed).integers(0, 0x60, count, dtype=np.uint8))


def packet(index: int, payload: bytes, track: str = "", stream: str = "s", **more) -> PacketRow:
    fields = {"timestamp": index * 0.02, "media": "", **more}
    data = base64.b64encode(payload).decode()
    return PacketRow(stream=stream, track=track, sequence=index, data=data, **fields)


def packets_of(codes: bytes, track: str = "", **more) -> list[PacketRow]:
    chunks = [codes[at : at + PACKET] for at in range(0, len(codes), PACKET)]
    return [packet(index, chunk, track, **more) for index, chunk in enumerate(chunks)]


def samples_of(audio: CallAudio | TextCall, speaker: str) -> np.ndarray:
    assert isinstance(audio, CallAudio)
    return next(channel.samples for channel in audio.channels if channel.speaker == speaker)


def same(one: CallAudio, other: CallAudio) -> bool:
    return (
        (one.missing, one.notes) == (other.missing, other.notes)
        and [each.speaker for each in one.channels] == [each.speaker for each in other.channels]
        and all(
            np.array_equal(a.samples, b.samples)
            for a, b in zip(one.channels, other.channels, strict=True)
        )
    )


# Speakers
@pytest.mark.parametrize(
    ("track", "speaker"),
    [
        ("agent", "agent"),
        ("customer", "customer"),
        ("inbound", "customer"),
        ("inbound_track", "customer"),
        ("outbound", "agent"),
        ("outbound_track", "agent"),
        ("left", "agent"),
        ("right", "customer"),
        ("Agent ", "agent"),
    ],
)
def test_a_track_identifies_the_speaker(track, speaker):
    audio = assemble(packets_of(tone_codes(480), track), MULAW_8K)

    assert [channel.speaker for channel in audio.channels] == [speaker]
    assert audio.notes == ()


def test_the_map_of_tracks_can_be_overridden():
    packets = packets_of(tone_codes(480), "inbound")

    audio = assemble(packets, MULAW_8K, track_speakers={" Inbound": "agent"})

    assert [channel.speaker for channel in audio.channels] == ["agent"]


def test_a_speaker_that_does_not_exist_is_an_error():
    with pytest.raises(ValueError, match="'boss'"):
        assemble([], MULAW_8K, track_speakers={"inbound": "boss"})


def test_in_a_stereo_track_the_agent_is_left():
    left, right = tone_codes(800, 1), tone_codes(800, 2)
    both = bytes(np.stack([np.frombuffer(left, "u1"), np.frombuffer(right, "u1")], 1).tobytes())

    audio = assemble(packets_of(both), MULAW_8K + ";channels=2")

    assert np.array_equal(samples_of(audio, "agent"), MULAW[np.frombuffer(left, "u1")])
    assert np.array_equal(samples_of(audio, "customer"), MULAW[np.frombuffer(right, "u1")])


def test_a_single_nameless_track_is_the_customer_and_says_so():
    audio = assemble(packets_of(tone_codes(480)), MULAW_8K)

    assert [channel.speaker for channel in audio.channels] == ["customer"]
    assert "cannot be told apart" in audio.notes[0]


def test_a_track_with_an_unknown_name_is_the_customer_and_says_so():
    audio = assemble(packets_of(tone_codes(480), "leg-7"), MULAW_8K)

    assert [channel.speaker for channel in audio.channels] == ["customer"]
    assert "leg-7" in audio.notes[0]


def test_the_same_audio_on_both_channels_becomes_one_speaker_with_a_note():
    mono = tone_codes(1600)
    packets = packets_of(bytes(np.repeat(np.frombuffer(mono, "u1"), 2)))

    audio = assemble(packets, MULAW_8K + ";channels=2")

    assert [channel.speaker for channel in audio.channels] == ["customer"]
    assert np.array_equal(samples_of(audio, "customer"), MULAW[np.frombuffer(mono, "u1")])
    assert "same audio" in audio.notes[0]


def test_two_silent_channels_are_not_merged():
    audio = assemble(packets_of(b"\xff" * 3200), MULAW_8K + ";channels=2")

    assert len(audio.channels) == 2


def test_two_tracks_of_one_speaker_are_mixed():
    one = packets_of(b"\x80" * 320, "agent")
    other = [row._replace(track="outbound", sequence=row.sequence + 2) for row in one]

    audio = assemble(one + other, MULAW_8K)

    assert samples_of(audio, "agent").tolist() == [32767] * 320


# Formats in a call
def test_a_packet_that_does_not_decode_becomes_silence_with_a_note():
    codes = tone_codes(800)
    packets = packets_of(codes, "agent")
    packets[2] = packets[2]._replace(data="this is not base64!")

    audio = assemble(packets, MULAW_8K)

    expected = MULAW[np.frombuffer(codes, "u1")].copy()
    expected[320:480] = 0
    assert np.array_equal(samples_of(audio, "agent"), expected)
    assert audio.missing == (Span(40, 60),)
    assert audio.notes == ("1 packets could not be decoded: silence replaces them.",)


@pytest.mark.parametrize("encode", [base64.encodebytes, base64.urlsafe_b64encode])
def test_audio_in_other_variants_of_base64_is_decoded(encode):
    codes = tone_codes(10 * PACKET)
    sent = [
        row._replace(data=encode(base64.b64decode(row.data)).decode().rstrip("="))
        for row in packets_of(codes, media=MULAW_8K)
    ]

    assert same(assemble(sent), assemble(packets_of(codes, media=MULAW_8K)))


def test_a_data_url_names_the_format_of_a_packet_that_declares_none():
    codes = tone_codes(10 * PACKET)
    sent = [
        row._replace(data=f"data:audio/pcma;rate=8000;base64,{row.data}")
        for row in packets_of(codes)
    ]

    assert same(assemble(sent), assemble(packets_of(codes, media="audio/x-alaw")))


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"data": "?"}, "None of the 5 packets could be decoded."),
        ({"media": 'audio/x-unknown;codec="G722"'}, "unknown media type: audio/x-unknown"),
    ],
)
def test_a_call_of_which_no_packet_decodes_has_no_sound_to_transcribe(change, note):
    packets = [row._replace(**change) for row in packets_of(tone_codes(800), "agent")]

    audio = assemble(packets, MULAW_8K)

    assert (audio.channels, audio.duration_ms) == ((), 0)
    assert any(note in each for each in audio.notes)


def test_a_packet_may_name_its_own_format():
    codes = tone_codes(320)
    linear = MULAW[np.frombuffer(codes[160:], "u1")].astype("<i2").tobytes()
    second = packet(1, linear, "agent", media="audio/l16;rate=8000")

    audio = assemble([packet(0, codes[:160], "agent"), second], MULAW_8K)

    assert np.array_equal(samples_of(audio, "agent"), MULAW[np.frombuffer(codes, "u1")])


def test_a_packet_of_another_rate_fits_into_its_track():
    packets = packets_of(b"\x80" * 1600, "agent")
    fast = base64.b64encode(np.full(320, 5000, "<i2").tobytes()).decode()
    packets[9] = packets[9]._replace(data=fast, media="audio/l16;rate=16000")

    samples = samples_of(assemble(packets, MULAW_8K), "agent")

    assert len(samples) == 1600
    assert samples[1440:].tolist()[40:120] == pytest.approx([5000] * 80, abs=10)


def test_a_mono_packet_in_a_stereo_track_is_heard_on_both_sides():
    packets = packets_of(b"\x80\x90" * 480)
    packets[1] = packets[1]._replace(
        data=base64.b64encode(b"\x2a" * 80).decode(), media="audio/pcma"
    )

    audio = assemble(packets, MULAW_8K + ";channels=2")

    for speaker, around in (("agent", 32124), ("customer", 15996)):
        expected = [around] * 80 + [-32256] * 80 + [around] * 320
        assert samples_of(audio, speaker).tolist() == expected


def test_a_stereo_packet_in_a_mono_track_is_mixed():
    packets = packets_of(b"\x80" * 480, "agent")
    both = np.tile(np.array([1000, 3000], "<i2"), 160)
    packets[1] = packets[1]._replace(
        data=base64.b64encode(both.tobytes()).decode(), media="audio/l16;channels=2"
    )

    samples = samples_of(assemble(packets, MULAW_8K), "agent")

    assert samples.tolist() == [32124] * 160 + [2000] * 160 + [32124] * 160


def test_packets_without_a_format_have_that_of_the_others():
    packets = packets_of(b"\x2a" * 480, "agent")
    packets[0] = packets[0]._replace(media="audio/pcma")

    audio = assemble(packets)

    assert samples_of(audio, "agent").tolist() == [-32256] * 480


def test_packets_of_an_unknown_format_are_silence_and_named_in_a_note():
    packets = packets_of(tone_codes(480), "agent")
    packets[1] = packets[1]._replace(media="audio/opus")

    audio = assemble(packets, MULAW_8K)

    assert not samples_of(audio, "agent")[160:320].any()
    assert audio.missing == (Span(20, 40),)
    assert "Some packets have an unknown media type: audio/opus." in audio.notes


def test_an_unknown_format_of_the_call_is_an_error():
    with pytest.raises(ValueError, match="audio/opus"):
        assemble(packets_of(tone_codes(480)), "audio/opus")


def test_tracks_of_different_rates_get_the_higher_one():
    agent = packets_of(tone_codes(1600), "agent", media="audio/pcmu;rate=16000")
    customer = [
        packet(100 + row.sequence, tone_codes(160), "customer", timestamp=row.timestamp)
        for row in agent[:5]
    ]

    audio = assemble(agent + customer, MULAW_8K)

    assert {channel.rate for channel in audio.channels} == {16000}
    assert {len(channel.samples) for channel in audio.channels} == {1600}


def test_text_in_an_audio_call_is_left_out_with_a_note():
    words = PacketRow("s", "agent", 99, 2.0, "hello", "text/plain")

    audio = assemble([*packets_of(tone_codes(480), "agent"), words], MULAW_8K)

    assert len(samples_of(audio, "agent")) == 480
    assert any("1 packets carry text" in note for note in audio.notes)


def test_a_call_without_packets_has_no_channels():
    audio = assemble([], MULAW_8K)

    assert isinstance(audio, CallAudio)
    assert audio.channels == ()
    assert audio.duration_ms == 0


# What nobody declared
def test_undeclared_base64_is_decoded_as_mulaw():
    codes = tone_codes(500)  # the last packet is short

    audio = assemble(packets_of(codes, "agent"))

    assert np.array_equal(samples_of(audio, "agent"), MULAW[np.frombuffer(codes, "u1")])


@pytest.mark.parametrize(
    "words",
    ["Hello, how can I help you today?" * 9, "a" * 99, "A" * 102, "", "aGVsbG8="],
)
def test_undeclared_data_that_may_be_words_is_text(words):
    packets = [*packets_of(tone_codes(480)), PacketRow("s", "", 50, 1.0, words, "")]

    call = assemble([*packets, PacketRow("s", "", 51, 1.1, "A" * 100, "")])

    assert isinstance(call, TextCall)


# Order
CODES = tone_codes(40 * PACKET, 7)


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 8))
def test_no_shuffle_or_duplication_changes_the_audio(rng: random.Random, lost: int):
    agent = packets_of(CODES[: 20 * PACKET])
    customer = packets_of(CODES[20 * PACKET :])
    both = zip(agent, customer, strict=True)
    packets = [
        row._replace(track=track, sequence=2 * row.sequence + second)
        for pair in both
        for second, (track, row) in enumerate(zip(("agent", "customer"), pair, strict=True))
    ]
    kept = [row for row in packets if row.sequence not in range(9, 9 + lost)]

    arrived = kept + rng.choices(kept, k=10)
    rng.shuffle(arrived)

    assert same(assemble(arrived, MULAW_8K), assemble(kept, MULAW_8K))


def test_of_two_packets_with_one_number_the_choice_does_not_depend_on_arrival():
    packets = packets_of(tone_codes(480), "agent")
    twin = packets[1]._replace(data=packets[2].data)

    assert same(assemble([*packets, twin], MULAW_8K), assemble([twin, *packets], MULAW_8K))


def test_assembled_audio_can_be_written_as_a_recording(tmp_path):
    audio = assemble(packets_of(tone_codes(480), "agent"), MULAW_8K)

    with wave.open(str(tmp_path / "call.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(samples_of(audio, "agent").tobytes())

    assert (tmp_path / "call.wav").stat().st_size == 44 + 960
