"""Base64 is decoded in every form that senders use, and other text is not mistaken for it."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.formats.base64_text import data_url_media, decode_base64

DIALECTS = {
    "strict": lambda data: base64.b64encode(data).decode(),
    "MIME": lambda data: base64.encodebytes(data).decode(),
    "MIME with CRLF": lambda data: base64.encodebytes(data).decode().replace("\n", "\r\n"),
    "folded": lambda data: base64.encodebytes(data).decode().replace("\n", "\r\n  "),
    "URL-safe": lambda data: base64.urlsafe_b64encode(data).decode(),
    "unpadded": lambda data: base64.b64encode(data).decode().rstrip("="),
    "URL-safe and unpadded": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "data URL": lambda data: f"data:audio/x-mulaw;base64,{base64.b64encode(data).decode()}",
    "data URL with parameters": lambda data: (
        f"data:audio/l16;rate=8000;base64,{base64.b64encode(data).decode()}"
    ),
    "escaped data URL": lambda data: (
        f"data:;base64,{base64.b64encode(data).decode().replace('+', '%2B').replace('=', '%3D')}"
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(deadline=None)
@given(data=st.binary(min_size=1, max_size=400))
def test_every_variant_of_base64_is_decoded(dialect, data):
    assert decode_base64(DIALECTS[dialect](data)) == data


@pytest.mark.parametrize(
    "text",
    [
        "not base64!",
        "Hello, my parcel has not come yet.",
        "my parcel has not come",
        "a",
        "abcde",
        "YWJj=YWJj",
        "data:,hello",
        "data:text/plain,hello",
        "data:audio/x-mulaw;base64,***",
        "äöü=",
        "\ud83d",
    ],
)
def test_other_text_is_not_taken_for_base64(text):
    assert decode_base64(text) is None


@settings(deadline=None)
@given(text=st.text(max_size=200))
def test_no_text_makes_decoding_fail(text):
    decoded = decode_base64(text)

    assert decoded is None or isinstance(decoded, bytes)


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        (" " * 65_536, b""),
        ("\n" * 65_536, b""),
        ("A " * 32_768, None),
        ("=" * 65_536, b""),
        ("AAAA\n" * 16_384, b"\0" * 3 * 16_384),
    ],
)
def test_long_runs_of_one_character_are_read(text, decoded):
    assert decode_base64(text) == decoded  # a pattern that backtracks would not return


@pytest.mark.parametrize(
    ("text", "media"),
    [
        ("data:audio/x-mulaw;rate=8000;base64,AAAA", "audio/x-mulaw;rate=8000"),
        ("DATA:audio/l16;BASE64,AAAA", "audio/l16"),
        ("data:audio/l16,AAAA", ""),
        ("AAAA", ""),
    ],
)
def test_the_media_type_of_a_data_url_is_found(text, media):
    assert data_url_media(text) == media
