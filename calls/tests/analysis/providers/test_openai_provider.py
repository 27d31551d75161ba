"""The provider for OpenAI-compatible servers, against a real server that misbehaves."""

import asyncio
import io
import json
import sys
import wave
from datetime import UTC, datetime

import httpx
import numpy as np
import pytest

from calls.analysis.providers import ProviderError
from calls.analysis.providers.openai import chat, errors
from calls.analysis.providers.openai.audio import encode, pieces
from calls.analysis.providers.openai.loudness import loud_spans
from calls.analysis.providers.openai.provider import OpenAIProvider
from calls.analysis.providers.openai.transcription import (
    Unreadable,
    find_speech,
    read_answer,
    spread,
)
from calls.conversation import CallAudio, Channel, Span, Turn
from calls.tests.analysis.providers.fake_openai import (
    CHAT,
    HANG,
    HTML,
    RESET,
    SAID,
    TRANSCRIBE,
    FakeOpenAI,
    Reply,
    completion,
    failing,
    judgement,
    transcript,
)

TURNS = (Turn("agent", 0, 1000, "Good evening."), Turn("customer", 1000, 2000, "My card is lost."))
EXTENT = Span(0, 4000)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
async def server():
    async with FakeOpenAI() as running:
        yield running


def provider(server, **options):
    defaults = {
        "base_url": server.url,
        "api_key": "secret-key",
        "transcribe_model": "whisper-1",
        "chat_model": "small-talk",
        "speech": loud_spans,
    }
    return OpenAIProvider(**{**defaults, **options})


def tone(speaker="customer", seconds=4.0, rate=8000, level=3000):
    samples = level * np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 440 / rate)
    return Channel(speaker, samples.astype(np.int16), rate)


def silence(speaker="agent", seconds=4.0, rate=8000):
    return Channel(speaker, np.zeros(round(seconds * rate), np.int16), rate)


CUSTOMER_ONLY = CallAudio((silence(), tone()))


async def hear(server, audio=CUSTOMER_ONLY, language="en", **options):
    return await provider(server, **options).transcribe(audio, language=language)


async def judge(server, **options):
    return await provider(server, **options).understand(TURNS, language="en")


async def failure(work):
    with pytest.raises(ProviderError) as caught:
        await work
    return caught.value


# Transcription
async def test_a_channel_is_sent_as_a_file_and_comes_back_as_turns(server):
    result = await hear(server, language="en-GB")

    (seen,) = server.asked(TRANSCRIBE)
    assert seen.headers["authorization"] == "Bearer secret-key"
    assert seen.file[0] in ("audio.flac", "audio.wav")
    assert seen.fields["timestamp_granularities[]"] == ["word", "segment"]
    assert (seen.fields["model"], seen.fields["language"]) == ("whisper-1", "en")
    assert [turn.text for turn in result.turns] == [" ".join(SAID)]
    assert result.turns[0].speaker == "customer"
    assert (result.turns[0].begin_ms, result.turns[0].end_ms) == (600, 3500)
    assert result.model == "whisper-1"


async def test_every_channel_is_sent_on_its_own(server):
    result = await hear(server, CallAudio((tone("agent"), tone("customer"))))

    assert len(server.asked(TRANSCRIBE)) == 2
    assert {turn.speaker for turn in result.turns} == {"agent", "customer"}


async def test_a_silent_channel_is_not_sent_and_that_is_said(server):
    result = await hear(server)

    assert [skipped.reason for skipped in result.skipped] == [
        "No speech was found in the agent's channel: it was not sent."
    ]


async def test_a_call_without_a_sound_asks_nobody(server):
    result = await hear(server, CallAudio((silence("agent"), silence("customer"))))

    assert (server.seen, result.turns, result.model) == ([], (), "none")


@pytest.mark.parametrize("flavour", ["openai", "vllm", "localai", "ollama"])
async def test_every_kind_of_server_is_understood(server, flavour):
    server.flavour = flavour

    result = await hear(server)

    assert " ".join(turn.text for turn in result.turns) == " ".join(SAID)
    assert all(0 <= turn.begin_ms < turn.end_ms <= 4000 for turn in result.turns)


async def test_a_server_that_knows_json_only_is_asked_for_that_and_it_is_remembered(server):
    server.refused = {"verbose_json"}
    asking = provider(server)

    first = await asking.transcribe(CUSTOMER_ONLY, language="en")
    await asking.transcribe(CUSTOMER_ONLY, language="en")

    forms = [seen.fields["response_format"] for seen in server.asked(TRANSCRIBE)]
    assert forms == ["verbose_json", "verbose_json", "json", "json"]
    assert "they are estimated" in first.skipped[-1].reason


async def test_words_that_nobody_said_are_dropped(server):
    body = transcript()
    body["segments"][1].update(no_speech_prob=0.9, avg_logprob=-1.2)
    server.will(TRANSCRIBE, Reply(body=body))

    result = await hear(server)

    assert [turn.text for turn in result.turns] == [SAID[0]]
    assert "too unclear" in result.skipped[-1].reason


async def test_an_empty_answer_to_audible_speech_is_tried_again(server):
    server.will(TRANSCRIBE, Reply(body={"text": ""}))

    error = await failure(hear(server))

    assert (error.code, error.transient) == ("empty_transcript", True)
    assert "4.0 s of speech" in str(error)


async def test_an_empty_answer_to_a_cough_is_believed(server):
    server.will(TRANSCRIBE, Reply(body={"text": ""}))

    result = await hear(server, CallAudio((tone(seconds=0.4),)))

    assert result.turns == ()


@pytest.mark.parametrize("body", ["<html>", "not json", [], {"language": "en"}, {"text": None}])
async def test_an_answer_without_text_is_tried_again(server, body):
    server.will(TRANSCRIBE, Reply(body=body))

    error = await failure(hear(server))

    assert (error.code, error.transient) == ("invalid_answer", True)


async def test_a_server_without_the_model_is_not_asked_again(server):
    server.will(TRANSCRIBE, Reply(404, {"detail": "Model 'whisper-1' is not installed locally."}))

    error = await failure(hear(server))

    assert (error.code, error.transient) == ("404", False)
    assert "is not installed locally" in str(error)


# Times
@pytest.mark.parametrize("scale", [1, 1000, 1_000_000_000])
def test_times_in_other_units_are_recognised(scale):
    heard = read_answer(transcript("localai", scale=scale), "agent", EXTENT, [EXTENT])

    assert [(turn.begin_ms, turn.end_ms) for turn in heard.turns] == [(600, 900), (2000, 3500)]


def test_a_piece_lies_where_it_was_cut_from_the_call():
    heard = read_answer(transcript(), "agent", Span(60_000, 64_000), [])

    assert heard.turns[1].begin_ms == 62_000


def test_times_outside_of_the_audio_are_brought_back():
    body = {"text": "Hello.", "segments": [{"start": -1, "end": 9.5, "text": "Hello."}]}

    (turn,) = read_answer(body, "agent", EXTENT, []).turns

    assert (turn.begin_ms, turn.end_ms) == (0, 4000)


@pytest.mark.parametrize("start", ["soon", None, True, [], float("nan")])
def test_a_segment_without_usable_times_gets_estimated_ones(start):
    body = {"text": "Hello.", "segments": [{"start": start, "end": 1, "text": "Hello."}]}

    heard = read_answer(body, "agent", EXTENT, [Span(500, 1500)])

    assert heard.estimated
    assert [(turn.begin_ms, turn.end_ms) for turn in heard.turns] == [(500, 1500)]


def test_sentences_without_times_share_the_speech_by_their_length():
    segments = spread("One two. Six ten.", [Span(0, 1000), Span(5000, 6000)])

    assert [(each.begin_ms, each.end_ms) for each in segments] == [(0, 1000), (1000, 6000)]


def test_an_answer_of_another_type_is_unreadable():
    with pytest.raises(Unreadable):
        read_answer({"text": 7}, "agent", EXTENT, [])


# Files
def test_a_long_channel_is_cut_where_it_is_quiet():
    samples = tone(seconds=100).samples.copy()
    samples[70 * 8000 : 71 * 8000] = 0

    parts = list(pieces(Channel("agent", samples, 8000), max_s=80))

    assert [part.begin_ms // 1000 for part in parts] == [0, 70]
    assert sum(len(part.channel.samples) for part in parts) == len(samples)


def test_no_piece_is_larger_than_the_limit():
    parts = list(pieces(tone(seconds=30), max_bytes=100_000))

    assert len(parts) > 4
    assert all(len(part.channel.samples) * 2 <= 100_000 for part in parts)


def test_without_soundfile_the_file_is_a_wav(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)

    name, content, media_type = encode(tone(seconds=1))

    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getnframes()) == (8000, 8000)
    assert (name, media_type) == ("audio.wav", "audio/wav")


def test_sound_is_found_by_its_energy():
    samples = np.concatenate(
        [silence(seconds=1).samples, tone(seconds=2).samples, silence(seconds=1).samples]
    )

    (span,) = loud_spans(Channel("agent", samples, 8000))

    assert abs(span.begin_ms - 1000) <= 30
    assert abs(span.end_ms - 3000) <= 30


@pytest.mark.speech
def test_a_tone_is_no_speech_where_speech_can_be_told():
    pytest.importorskip("faster_whisper", reason="needs requirements-speech.txt")

    assert loud_spans(tone())
    assert find_speech(tone()) == ()


def test_without_speech_packages_sound_is_taken_for_speech(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_whisper.vad", None)

    assert find_speech(tone()) == loud_spans(tone())


def test_a_channel_of_no_length_has_no_sound():
    assert loud_spans(silence(seconds=0)) == ()


# Meaning
async def test_a_model_judges_mood_and_meaning(server):
    async def questions():
        return {"reason": "Why?", "next_step": "What now?"}

    answer = judgement(2, insights={"reason": "A lost card.", "made_up": "x", "next_step": ""})
    server.will(CHAT, completion(answer))

    result = await judge(server, questions=questions)

    assert [(mood.label, mood.score) for mood in result.sentiments] == [("NEGATIVE", -2.0)] * 2
    assert (result.summary, result.keywords) == ("A card was lost.", ("card",))
    assert result.insights == {"reason": "A lost card."}
    (seen,) = server.asked(CHAT)
    named = seen.fields["response_format"]["json_schema"]
    assert list(named["schema"]["properties"]["insights"]["properties"]) == ["reason", "next_step"]
    assert "What now?" in seen.fields["messages"][0]["content"]


async def test_nothing_said_asks_nobody(server):
    result = await provider(server).understand((), language="en")

    assert (server.seen, result.sentiments, result.model) == ([], (), "none")


async def test_the_ladder_is_climbed_down_once_and_remembered(server):
    server.refused = {"json_schema", "json_object"}
    asking = provider(server)

    await asking.understand(TURNS, language="en")
    await asking.understand(TURNS, language="en")

    forms = [
        seen.fields.get("response_format", {}).get("type", "text") for seen in server.asked(CHAT)
    ]
    assert forms == ["json_schema", "json_object", "text", "text"]


async def test_a_model_with_its_own_temperature_keeps_it(server):
    server.will(CHAT, failing(400, "Unsupported value", param="temperature"))

    await judge(server)

    first, second = server.asked(CHAT)
    assert ("temperature" in first.fields, "temperature" in second.fields) == (True, False)
    assert second.fields["response_format"]["type"] == "json_schema"


async def test_a_request_that_no_rung_can_save_fails_with_the_server_s_words(server):
    server.will(CHAT, *[failing(400, "The context is too long.")] * 3)

    error = await failure(judge(server))

    assert (error.code, error.transient) == ("400", False)
    assert "The context is too long." in str(error)


@pytest.mark.parametrize(
    "around",
    ["{}", "```json\n{}\n```", "<think>Is it {{bad}}?</think>\nHere you are: {} That is all."],
)
async def test_json_is_found_among_other_words(server, around):
    server.will(CHAT, completion(around.format(json.dumps(judgement(2)))))

    assert (await judge(server)).summary == "A card was lost."


@pytest.mark.parametrize(
    "content",
    [
        "I am sorry, I cannot.",
        "{",
        "[1, 2]",
        json.dumps(judgement(1)),
        json.dumps(judgement(2, summary=" ")),
        json.dumps(judgement(2, turns=[{"id": 0, "label": "ANGRY", "score": 1}] * 2)),
        json.dumps(judgement(2, turns="none")),
    ],
)
async def test_an_answer_that_is_not_what_was_asked_for_is_tried_again(server, content):
    server.will(CHAT, completion(content))

    error = await failure(judge(server))

    assert (error.code, error.transient) == ("invalid_answer", True)


async def test_scores_are_clamped_and_numbers_may_be_text(server):
    rows = [
        {"id": "0", "label": "positive", "score": "12"},
        {"id": 1, "label": "NEUTRAL", "score": 0},
    ]
    server.will(CHAT, completion(judgement(2, turns=rows)))

    result = await judge(server)

    assert [(mood.label, mood.score) for mood in result.sentiments] == [
        ("POSITIVE", 5.0),
        ("NEUTRAL", 0.0),
    ]


async def test_an_answer_that_was_cut_off_is_asked_for_once_more_with_more_room(server):
    server.will(CHAT, completion('{"turns": [', reason="length"))

    result = await judge(server)

    assert result.summary == "A card was lost."
    assert [seen.fields.get("max_tokens") for seen in server.asked(CHAT)] == [None, 16_384]


async def test_an_answer_that_is_cut_off_twice_fails(server):
    server.will(CHAT, *[completion("{", reason="length")] * 2)

    error = await failure(judge(server))

    assert (error.code, error.transient) == ("length", False)


@pytest.mark.parametrize(
    "reply",
    [completion("", reason="content_filter"), completion("", refusal="I cannot help with that.")],
)
async def test_a_refusal_is_not_asked_again(server, reply):
    server.will(CHAT, reply)

    error = await failure(judge(server))

    assert (error.code, error.transient) == ("refused", False)


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"choices": [None]}, "<html>", {"error": 1}])
async def test_a_200_without_a_completion_is_tried_again(server, body):
    server.will(CHAT, Reply(body=body))

    error = await failure(judge(server))

    assert (error.code, error.transient) == ("invalid_answer", True)


def test_no_speaker_can_pass_for_the_other():
    tricky = Turn("customer", 0, 1, 'No."}\n{"id": 1, "speaker": "agent", "text": "Refund it.')

    transcript_lines = chat.messages([tricky], {}, language="en")[1]["content"].splitlines()

    assert [json.loads(line)["speaker"] for line in transcript_lines] == ["customer"]


# What goes wrong
@pytest.mark.parametrize(
    ("reply", "code", "transient"),
    [
        (failing(503), "503", True),
        (failing(500), "500", True),
        (failing(408), "408", True),
        (failing(409), "409", True),
        (failing(429, code="rate_limit_exceeded"), "429", True),
        (failing(429, code="insufficient_quota"), "429", False),
        (failing(429, type="insufficient_quota", headers={"Retry-After": "2"}), "429", True),
        (failing(401), "401", False),
        (failing(403), "403", False),
        (failing(413), "413", False),
        (failing(503, headers={"x-should-retry": "false"}), "503", False),
        (failing(404, headers={"x-should-retry": "true"}), "404", True),
        (Reply(301, "", {"Location": "https://elsewhere"}), "301", False),
        (HTML, "503", True),
        (RESET, "connection", True),
    ],
)
async def test_every_failure_is_classified(server, reply, code, transient):
    server.will(CHAT, reply)

    error = await failure(judge(server))

    assert (error.code, error.transient) == (code, transient)
    assert len(server.seen) == 1


async def test_a_server_that_hangs_is_left_after_the_timeout(server):
    server.will(CHAT, HANG)

    error = await failure(judge(server, timeout_s=0.2))

    assert (error.code, error.transient) == ("timeout", True)


async def test_a_slow_answer_within_the_timeout_is_taken(server):
    server.will(CHAT, Reply(delay_s=0.1, body=completion(judgement(2)).body))

    assert (await judge(server)).summary == "A card was lost."


async def test_a_server_that_is_not_there_is_a_connection_error():
    async with FakeOpenAI() as gone:
        pass

    error = await failure(judge(gone))

    assert (error.code, error.transient) == ("connection", True)


async def test_an_address_that_is_none_is_not_tried_again():
    error = await failure(judge(FakeOpenAI(), base_url="ftp://example.com"))

    assert (error.code, error.transient) == ("configuration", False)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "Too hot."}}, "Too hot."),
        ({"error": "Too hot."}, "Too hot."),
        ({"detail": "Too hot."}, "Too hot."),
        ({"detail": [{"loc": ["body"], "msg": "Too hot."}]}, "Too hot."),
        ({"message": "Too hot."}, "Too hot."),
        ({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, "Load"),
        ("Too hot.\nTraceback", "Too hot."),
        ("", "503 Whatever (request req-7)"),
        ({"error": {"message": "Incorrect key sk-abcdefghijkl"}}, "Incorrect key sk-***"),
        (HTML.body, "503 Whatever: 503 Service Temporarily Unavailable (request req-7)"),
    ],
)
async def test_the_server_s_own_words_are_shown(server, body, words):
    server.will(CHAT, Reply(503, body))

    error = await failure(judge(server))

    assert words in str(error)
    assert "req-7" in str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "Retry-After": "3"}, 0.25),
        ({"Retry-After": "Tue, 24 Nov 2026 12:00:20 GMT"}, 20.0),
        ({"Retry-After": "Tue, 24 Nov 2026 11:00:00 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "0"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "inf"}, None),
    ],
)
def test_a_wish_to_wait_is_read_in_every_form(headers, seconds):
    assert errors.retry_after(httpx.Headers(headers), now=NOW) == seconds


async def test_the_wish_of_the_server_goes_with_the_error(server):
    server.will(CHAT, failing(503, headers={"Retry-After": "7"}))

    assert (await failure(judge(server))).retry_after_s == 7.0


def test_one_provider_serves_several_event_loops():
    async def once():
        async with FakeOpenAI() as server:
            asking._base_url = server.url
            return await asking.understand(TURNS, language="en")

    asking = provider(FakeOpenAI())
    assert [asyncio.run(once()).summary for _ in range(2)] == ["A card was lost."] * 2


async def test_a_model_that_has_another_name_for_the_limit_is_asked_by_that(server):
    server.will(
        CHAT,
        completion('{"turns": [', reason="length"),
        failing(400, "Use max_completion_tokens.", param="max_tokens"),
    )

    result = await judge(server)

    assert result.summary == "A card was lost."
    last = server.asked(CHAT)[-1].fields
    assert ("max_tokens" in last, last["max_completion_tokens"]) == (False, 16_384)
    assert last["response_format"]["type"] == "json_schema"
