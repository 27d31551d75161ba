"""The names that vendors use for codecs, rates, channels and directions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.description import read_direction
from calls.formats.media_types import is_unknown, parse_media
from calls.ingest.carriers.codecs import media_type, read_channels, read_rate
from calls.ingest.carriers.envelope import EnvelopeParser

MULAW = [
    *("audio/x-mulaw", "audio/mulaw", "audio/basic", "audio/PCMU", "PCMU", "pcmu/8000", "mulaw"),
    *("MULAW", "muLaw", "mu-law", "µ-law", "u-law", "ulaw", "ULAW", "ulaw_8000", "mulaw_8000"),
    *("g711_ulaw", "g711-ulaw", "G.711 u-law", "g711u", "G711U", "pcm_mulaw", "PCMU@8000h"),
    *("audio/pcmu;rate=8000", "audio/x-mulaw; rate=8000; channels=1", "ulaw@8khz", "pcm_ulaw"),
]
ALAW = [
    *("audio/x-alaw", "audio/PCMA", "PCMA", "pcma/8000/1", "alaw", "A-law", "ALAW", "g711_alaw"),
    *("G.711a", "g711a", "alaw_8000", "pcm_alaw", "PCMA@8000h"),
]
LITTLE = [
    *("audio/l16", "audio/x-l16", "audio/x-raw", "audio/raw", "audio/pcm", "L16", "l16", "pcm"),
    *("PCM", "pcm16", "PCM16", "PCM_16", "pcm_s16le", "s16le", "S16_LE", "s16", "int16", "lpcm"),
    *("linear", "linear16", "LINEAR16", "Linear PCM", "lin16", "raw", "raw/slin", "slin"),
    *("slinear", "signed16", "16-bit PCM", "pcm-16bit", "audio/L16;rate=8000", "PCM_SIGNED"),
    "audio/x-raw, layout=(string)interleaved, rate=(int)8000, format=(string)S16LE",
]
BIG = ["s16be", "S16_BE", "pcm_s16be", "l16be", "audio/l16;endian=big", "linear16be"]


@pytest.mark.parametrize(
    ("encoding", "word"),
    [
        *(("mulaw", word) for word in MULAW),
        *(("alaw", word) for word in ALAW),
        *(("l16le", word) for word in LITTLE),
        *(("l16be", word) for word in BIG),
    ],
)
def test_vendors_words_for_a_codec_are_understood(encoding, word):
    declared = media_type(word, 8000)

    assert parse_media(declared.media).encoding == encoding
    assert declared.remarks == ()


@pytest.mark.parametrize(
    ("word", "rate"),
    [
        *(("slin12", 12_000), ("slin16", 16_000), ("slin24", 24_000), ("slin44", 44_100)),
        *(("slin48", 48_000), ("pcm_16000", 16_000), ("pcm_24000", 24_000), ("pcm_44100", 44_100)),
        *(("pcm16000", 16_000), ("L16@16000h", 16_000), ("L16@16000h@20i", 16_000)),
        *(("L16_24000", 24_000), ("linear16/48000/1", 48_000), ("pcm-16khz", 16_000)),
        *(("pcm_22050", 22_050), ("s16le;rate=16000", 16_000), ("pcm16_16k", 16_000)),
        *(("raw-16khz-16bit-mono-pcm", None), ("PCM 44.1 kHz", 44_100)),
    ],
)
def test_a_rate_in_the_name_of_a_codec_counts(word, rate):
    declared = media_type(word)

    assert is_unknown(declared.media) if rate is None else f"rate={rate}" in declared.media


@pytest.mark.parametrize(
    ("said", "rate"),
    [
        *((8000, 8000), ("8000", 8000), (16000.0, 16_000), ("16000.0", 16_000), ("8kHz", 8000)),
        *(("8 KHz", 8000), ("16k", 16_000), ("16 kHz", 16_000), ("8000Hz", 8000), (8, 8000)),
        *(("44.1kHz", 44_100), ("44100", 44_100), ("22.05 kHz", 22_050), (48, 48_000)),
        *(("fast", None), ("", None), (True, None), ({}, None), (-8000, None), (0, None)),
        *(("1e400", None), ("٨٠٠٠", None), ("9" * 400, None)),
    ],
)
def test_rates_are_read_in_every_spelling(said, rate):
    assert read_rate(said) == rate


@pytest.mark.parametrize(
    ("said", "channels"),
    [(1, 1), ("2", 2), ("mono", 1), ("Stereo", 2), ("mixed", 1), ("many", None), (0, None)],
)
def test_channels_are_read_in_every_spelling(said, channels):
    assert read_channels(said) == channels


@pytest.mark.parametrize(
    ("said", "direction"),
    [
        *((word, "inbound") for word in ("inbound", "INBOUND", "incoming", "in", "terminating")),
        *((word, "outbound") for word in ("outbound", "outgoing", "Out", "originating")),
        *((word, "outbound") for word in ("outbound-api", "outbound-dial", "OUTBOUND_API")),
        *(("trunking-originating", "inbound"), ("trunking-terminating", "outbound")),
        *(("ingress", "inbound"), ("egress", "outbound"), ("sideways", ""), ("", ""), ("-", "")),
    ],
)
def test_both_words_of_every_pair_of_directions_are_known(said, direction):
    assert read_direction(said) == direction


@pytest.mark.parametrize(
    ("codec", "rate", "channels", "said"),
    [
        *(("G722", 16_000, 1, "cannot be decoded"), ("OPUS", 48_000, 2, "cannot be decoded")),
        *(("AMR-WB", 16_000, 1, "cannot be decoded"), ("gargle", 8000, 1, "is not known")),
        ("raw/opus", 48_000, 1, "cannot be decoded"),
        *(("pcm", 96_000, 1, "is not supported"), ("pcm", 8000, 6, "is not supported")),
        ("x" * 500, 8000, 1, "is not known"),
        ('a";b=c\0\n', 8000, 1, "is not known"),
    ],
)
def test_an_undecodable_format_is_stored_as_unknown_with_a_remark(codec, rate, channels, said):
    declared = media_type(codec, rate, channels)

    assert is_unknown(declared.media)
    assert len(declared.media) <= 100
    assert "\0" not in declared.media
    assert len(declared.remarks) == 1
    assert said in declared.remarks[0]


@pytest.mark.parametrize(
    ("arguments", "media", "remark"),
    [
        ({"codec": ""}, "audio/x-mulaw;rate=8000", "named no encoding: mu-law was assumed"),
        ({"codec": "base64", "fallback": "l16le"}, "audio/l16;rate=8000", "no encoding: 16-bit"),
        ({"codec": "pcm"}, "audio/l16;rate=8000", "no sample rate: 8000 Hz was assumed"),
        (
            {"codec": "pcm", "rate": 8000, "endian": "middle"},
            "audio/l16;rate=8000",
            "byte order “middle” cannot be read",
        ),
        ({"codec": "pcm", "rate": "fast"}, "audio/l16;rate=8000", "“fast” cannot be read"),
        (
            {"codec": "pcm", "rate": 8000, "channels": "lots"},
            "audio/l16;rate=8000",
            "number of channels “lots” cannot be read",
        ),
    ],
)
def test_every_assumed_format_causes_a_remark(arguments, media, remark):
    declared = media_type(**arguments)

    assert declared.media == media
    assert any(remark in each for each in declared.remarks)


@pytest.mark.parametrize("word", ["big", "BIG", "big-endian", "BE", "network", "msb first"])
def test_the_byte_order_is_read_in_every_spelling(word):
    assert media_type("pcm", 8000, 1, word).media == "audio/l16;rate=8000;endian=big"


@pytest.mark.parametrize(
    ("media_format", "media"),
    [
        ({"encoding": "base64", "sample_rate": "8000", "bit_rate": "128kbps"}, "audio/l16"),
        ({"encoding": "base64", "sample_rate": "16000", "bit_rate": "256kbps"}, "audio/l16"),
        ({"encoding": "base64", "sample_rate": "8000", "bit_rate": "64kbps"}, "audio/x-mulaw"),
        ({"encoding": "base64", "sample_rate": "8000", "bit_rate": "16"}, "audio/l16"),
    ],
)
def test_the_sample_size_determines_the_encoding_if_the_name_does_not(media_format, media):
    start = {"event": "start", "start": {"callSid": "c", "mediaFormat": media_format}}

    event = EnvelopeParser()._start(start, None)

    assert event.media.partition(";")[0] == media


@settings(deadline=None)
@given(
    codec=st.text(max_size=300),
    rate=st.none() | st.integers() | st.floats() | st.text(max_size=20),
    channels=st.none() | st.integers() | st.floats() | st.text(max_size=20),
    endian=st.text(max_size=10),
)
def test_any_words_at_all_give_a_media_type_that_can_be_stored(codec, rate, channels, endian):
    declared = media_type(codec, rate, channels, endian)

    assert len(declared.media) <= 100
    assert "\0" not in declared.media
    if is_unknown(declared.media):
        assert declared.remarks
    else:
        assert parse_media(declared.media).is_audio
