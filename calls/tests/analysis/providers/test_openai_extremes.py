"""Responses at the limits of what a server can send: failures with a message, never a crash."""

import json
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.analysis.providers.openai import errors, transcription
from calls.analysis.providers.openai.doubt import MARGIN_MS, is_in_silence
from calls.analysis.providers.openai.transcription import Segment, read_answer
from calls.conversation import Span
from calls.tests.analysis.providers.fake_openai import (
    CHAT,
    TRANSCRIBE,
    Reply,
    completion,
    judgement,
)
from calls.tests.analysis.providers.openai_calls import failure, hear, judge

CHARSETS = ["hex", "zlib_codec", "idna", "punycode", "rot13", "base64", "nonsense", "utf-16"]
DATES = [
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Sat, 01 Jan 0001 00:00:00 +2359",
    "Mon, 01 Jan 2026 00:00:00 +9999999999",
    "soon",
]
DEPTHS = [300, 450, *range(600, 1000, 20)]


def nested(depth, *, inside="1"):
    return "[" * depth + inside + "]" * depth


@pytest.mark.parametrize("charset", CHARSETS)
async def test_an_answer_is_read_whatever_encoding_its_server_names(server, charset):
    headers = {"Content-Type": f"application/json; charset={charset}"}
    server.will(CHAT, Reply(body=completion(judgement(2)).body, headers=headers))

    assert (await judge(server)).summary == "A card was lost."


@pytest.mark.parametrize("charset", [*CHARSETS, "iso-8859-1"])
def test_bytes_that_are_not_utf_8_are_still_read_as_text(charset):
    headers = {"Content-Type": f"text/html; charset={charset}"}

    response = errors._with_text(httpx.Response(502, headers=headers, content=b"Gr\xfc\xdfe"))

    assert isinstance(errors.from_response(response), errors.ProviderError)
    assert charset != "iso-8859-1" or response.text == "Grüße"


def test_a_byte_order_mark_before_json_is_ignored():
    response = errors._with_text(httpx.Response(200, content=b"\xef\xbb\xbf" + b'{"a": 1}'))

    assert errors.json_body(response) == {"a": 1}


@pytest.mark.parametrize("date", DATES)
async def test_an_invalid_date_asks_for_no_wait(server, date):
    server.will(CHAT, Reply(429, "Slow down.", {"Retry-After": date}))

    error = await failure(judge(server))

    assert (error.code, error.transient) == ("429", True)
    assert error.retry_after_s is None or error.retry_after_s > 0


@given(st.text(alphabet="0123456789:+- ,JanMoGT", max_size=60) | st.text(max_size=20))
def test_any_text_for_a_wait_is_a_number_or_nothing(text):
    headers = httpx.Headers([(b"retry-after", text.encode("utf-8", "replace"))])

    seconds = errors.retry_after(headers, now=datetime(2026, 1, 1, tzinfo=UTC))

    assert seconds is None or seconds > 0


@pytest.mark.parametrize(
    "code", ["0429" + "9" * 10, "0429" + "9" * 5_000, "4299", "\u0664\u0662\u0669"]
)
async def test_a_number_that_is_not_a_status_is_ignored(server, code):
    server.will(CHAT, Reply(body={"error": {"code": code, "message": "Odd."}}))

    error = await failure(judge(server))

    assert (error.code, error.transient) == ("error_in_answer", True)


@pytest.mark.parametrize("depth", DEPTHS)
async def test_an_answer_that_is_nested_deeply_is_a_failed_attempt(server, depth):
    nest = nested(depth)
    bodies = [
        f'{{"error": {nest}}}',
        f'{{"error": {{"code": {nest}, "message": {nest}}}}}',
        f'{{"choices": [{{"message": {{"content": {nest}}}}}]}}',
    ]
    for body in bodies:
        for status in (200, 500):
            server.will(CHAT, Reply(status, body))
            assert (await failure(judge(server))).transient


@pytest.mark.parametrize("depth", [50, 600, 900, 5_000])
async def test_a_summary_that_is_nested_deeply_is_read_or_a_failed_attempt(server, depth):
    text = json.dumps(judgement(2, summary="?")).replace('"?"', nested(depth, inside='"A card."'))
    server.will(CHAT, completion(text))

    if depth < 400:
        assert (await judge(server)).summary == "A card."
    else:
        assert (await failure(judge(server))).code == "invalid_answer"


async def test_only_the_beginning_of_an_endless_text_is_read(server, monkeypatch):
    monkeypatch.setattr(transcription, "MAX_TEXT", 1_000)
    server.will(TRANSCRIBE, Reply(body={"text": " ".join(f"Okay {at}." for at in range(5_000))}))

    heard = await hear(server)

    assert 900 < sum(len(turn.text) for turn in heard.turns) <= 1_000


def test_segments_in_great_numbers_are_compared_with_the_speech_quickly():
    segments = [{"start": at / 100, "end": at / 100, "text": f"a{at}"} for at in range(60_000)]
    speech = [Span(at, at + 50) for at in range(0, 600_000, 100)]

    heard = read_answer({"text": "", "segments": segments}, "agent", Span(0, 600_000), speech)

    assert len(heard.turns) == 50_000


SPANS = st.lists(st.integers(0, 20_000), max_size=12, unique=True).map(sorted)


@given(SPANS, st.integers(-5_000, 25_000), st.integers(0, 5_000))
def test_a_passage_is_in_silence_if_no_speech_is_near(edges, begin_ms, length_ms):
    speech = [Span(*pair) for pair in zip(edges[::2], edges[1::2], strict=False)]
    passage = Segment(begin_ms, begin_ms + length_ms, "Hm.")

    near = [
        span
        for span in speech
        if span.begin_ms < passage.end_ms + MARGIN_MS and span.end_ms > passage.begin_ms - MARGIN_MS
    ]

    assert is_in_silence(passage, speech) == (not near)
