"""Media types, sample formats and sample rates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.analysis.media.decoding import decode_audio
from calls.analysis.media.g711 import ALAW, MULAW
from calls.analysis.media.resampling import resample
from calls.formats.media_types import MediaFormat, parse_media


# Media types
@pytest.mark.parametrize(
    ("media", "expected"),
    [
        ("audio/x-mulaw;rate=8000", MediaFormat("mulaw", 8000, 1)),
        ("audio/pcmu", MediaFormat("mulaw", 8000, 1)),
        ("audio/basic", MediaFormat("mulaw", 8000, 1)),
        ("audio/x-alaw", MediaFormat("alaw", 8000, 1)),
        ("AUDIO/PCMA ; Rate=16000", MediaFormat("alaw", 16000, 1)),
        ("audio/l16;rate=16000", MediaFormat("l16le", 16000, 1)),
        ("audio/l16; rate=16000; endian=big", MediaFormat("l16be", 16000, 1)),
        ("audio/L16;rate=44100;endian=little", MediaFormat("l16le", 44100, 1)),
        ("audio/x-l16", MediaFormat("l16le", 8000, 1)),
        ("audio/x-mulaw;rate=8000;channels=2", MediaFormat("mulaw", 8000, 2)),
        ("audio/pcmu;rate=8000;ptime=20;", MediaFormat("mulaw", 8000, 1)),
        ("text/plain; charset=utf-8", MediaFormat("text")),
    ],
)
def test_a_media_type_is_read(media, expected):
    assert parse_media(media) == expected


@pytest.mark.parametrize(
    ("media", "named"),
    [
        ("", "''"),
        ("audio/opus", "audio/opus"),
        ("audio/x-mulaw;rate=fast", "rate"),
        ("audio/x-mulaw;rate=7999", "rate"),
        ("audio/x-mulaw;rate=48001", "rate"),
        ("audio/x-mulaw;rate=99999999999999999999", "rate"),
        ("audio/x-mulaw;rate=-8000", "rate"),
        ("audio/x-mulaw;rate=8_000", "rate"),
        ("audio/x-mulaw;channels=3", "channels"),
        ("audio/x-mulaw;channels=0", "channels"),
        ("audio/l16;endian=middle", "endian"),
        ("audio/pcmu;endian=big", "endian"),
        ("audio/pcmu;rates=8000", "rates"),
        ("audio/pcmu;rate", "rate"),
        ("audio/pcmu;=8000", "=8000"),
    ],
)
def test_a_wrong_media_type_is_refused_and_the_wrong_part_named(media, named):
    with pytest.raises(ValueError, match="media: ") as caught:
        parse_media(media)

    assert named in str(caught.value)


# Samples
def test_the_mulaw_table_has_the_corner_values_of_g711():
    assert MULAW[[0x00, 0x7F, 0x80, 0xFF, 0x7E, 0xFE]].tolist() == [-32124, 0, 32124, 0, -8, 8]


def test_the_alaw_table_has_the_corner_values_of_g711():
    assert ALAW[[0xD5, 0x55, 0xAA, 0x2A]].tolist() == [8, -8, 32256, -32256]


@pytest.mark.parametrize("table", [MULAW, ALAW])
def test_a_g711_table_is_symmetric_and_monotonic(table):
    assert np.array_equal(np.sort(table), -np.sort(table)[::-1])
    assert len(set(np.abs(table.astype(int)))) == 128


@pytest.mark.parametrize(("encoding", "order"), [("l16le", "<i2"), ("l16be", ">i2")])
def test_linear_samples_are_read_in_either_byte_order(encoding, order):
    expected = np.array([[0, 1], [-32768, 32767]])

    decoded = decode_audio(expected.astype(order).tobytes(), MediaFormat(encoding, 8000, 2))

    assert np.array_equal(decoded, expected)


def test_half_a_sample_at_the_end_is_dropped():
    assert decode_audio(b"\x01\x00\x02", MediaFormat("l16le")).tolist() == [[1]]
    assert decode_audio(b"\xff\xff\xff", MediaFormat("mulaw", 8000, 2)).shape == (1, 2)


@pytest.mark.parametrize("rate", [8000, 11025, 12000, 22050, 24000, 32000, 44100, 48000])
def test_resampling_keeps_a_tone_to_within_80_db(rate):
    times = np.arange(2 * rate) / rate
    tone = np.round(20000 * np.sin(2 * np.pi * 1000 * times)).astype(np.int16)

    resampled = resample(tone, rate, 16000)

    expected = 20000 * np.sin(2 * np.pi * 1000 * np.arange(len(resampled)) / 16000)
    error = (resampled - expected)[1000:-1000]
    assert len(resampled) == 32000
    assert np.sqrt(np.mean(error**2)) < 14142 * 1e-4


@pytest.mark.parametrize("rate", [24000, 44100, 48000])
def test_resampling_removes_frequencies_above_the_lower_rate(rate):
    times = np.arange(rate) / rate
    tone = (20000 * np.sin(2 * np.pi * 10000 * times)).astype(np.int16)

    resampled = resample(tone, rate, 16000)

    assert np.abs(resampled[1000:-1000]).max() < 20


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 700), st.integers(8000, 48000))
def test_a_resampled_signal_has_the_length_of_its_duration(length, rate):
    resampled = resample(np.ones(length, np.int16), rate, 16000)

    assert len(resampled) == round(length * 16000 / rate)


def test_resampling_to_the_same_rate_changes_nothing():
    samples = np.arange(10, dtype=np.int16)

    assert resample(samples, 8000, 8000) is samples
