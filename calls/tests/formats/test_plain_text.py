"""Text from outside is cleaned so that every database can store it and UTF-8 can encode it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.formats.plain_text import MARK, clean_json, clean_text, cut_text

ANY_TEXT = st.text(st.characters())  # lone surrogates too
NAMES = ANY_TEXT
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
)


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("Hi \ud83d", "Hi \ufffd"),
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("Hello \0", "Hello "),
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb\rc\x0bd\x85e", "a\nb\nc\nd\ne"),
        ("\x1b[31mred\x1b[0m\x07\x9f", "[31mred[0m"),
        ("\ufeffMüller 解約 \U0001f600", "\ufeffMüller 解約 \U0001f600"),
    ],
)
def test_what_cannot_be_stored_is_replaced_or_removed(given, clean):
    assert clean_text(given) == clean


@given(ANY_TEXT)
def test_clean_text_is_utf_8_without_control_characters_and_stays_as_it_is(text):
    clean = clean_text(text)

    clean.encode()
    assert not {sign for sign in clean if ord(sign) < 32 or 127 <= ord(sign) < 160} - {"\t", "\n"}
    assert clean_text(clean) == clean


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_ordinary_text_is_not_changed(text):
    assert clean_text(text) == text


@given(ANY_JSON)
def test_clean_json_is_utf_8_throughout(value):
    written = json.dumps(clean_json(value), ensure_ascii=False).encode()

    assert json.loads(written) == clean_json(value)
    assert b"\\u0000" not in written


@pytest.mark.parametrize(("text", "cut"), [("12345", "12345"), ("123456", f"1234{MARK}")])
def test_long_text_is_cut_and_marked(text, cut):
    assert cut_text(text, 5) == cut
