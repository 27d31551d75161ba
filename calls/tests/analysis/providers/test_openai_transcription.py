"""Transcribing with an OpenAI-compatible server: files sent, and turns and times received."""

import pytest

from calls.analysis.providers.openai.transcription import (
    Unreadable,
    read_answer,
    spread,
)
from calls.conversation import CallAudio, Span
from calls.tests.analysis.providers.fake_openai import (
    SAID,
    TRANSCRIBE,
    Reply,
    transcript,
)
from calls.tests.analysis.providers.openai_calls import (
    CUSTOMER_ONLY,
    failure,
    hear,
    provider,
    silence,
    tone,
)

EXTENT = Span(0, 4000)


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


async def test_a_silent_channel_is_not_sent_and_the_result_says_so(server):
    result = await hear(server)

    assert [skipped.reason for skipped in result.skipped] == [
        "No speech was found in the agent's channel, so it was not sent."
    ]


async def test_a_silent_call_sends_no_request(server):
    result = await hear(server, CallAudio((silence("agent"), silence("customer"))))

    assert (server.seen, result.turns, result.model) == ([], (), "none")


@pytest.mark.parametrize("flavour", ["openai", "vllm", "localai", "ollama"])
async def test_every_kind_of_server_is_understood(server, flavour):
    server.flavour = flavour

    result = await hear(server)

    assert " ".join(turn.text for turn in result.turns) == " ".join(SAID)
    assert all(0 <= turn.begin_ms < turn.end_ms <= 4000 for turn in result.turns)


async def test_a_server_that_supports_only_json_is_asked_for_json_and_remembered(server):
    server.refused = {"verbose_json"}
    asking = provider(server)

    first = await asking.transcribe(CUSTOMER_ONLY, language="en")
    await asking.transcribe(CUSTOMER_ONLY, language="en")

    forms = [seen.fields["response_format"] for seen in server.asked(TRANSCRIBE)]
    assert forms == ["verbose_json", "verbose_json", "json", "json"]
    assert "times are estimated" in first.skipped[-1].reason


async def test_words_that_nobody_said_are_dropped(server):
    body = transcript()
    body["segments"][1].update(no_speech_prob=0.9, avg_logprob=-1.2)
    server.will(TRANSCRIBE, Reply(body=body))

    result = await hear(server)

    assert [turn.text for turn in result.turns] == [SAID[0]]
    assert "too unclear" in result.skipped[-1].reason


async def test_an_empty_response_to_audible_speech_is_retried(server):
    server.will(TRANSCRIBE, Reply(body={"text": ""}))

    error = await failure(hear(server))

    assert (error.code, error.transient) == ("empty_transcript", True)
    assert "4.0 s of speech" in str(error)


async def test_an_empty_response_to_a_cough_is_accepted(server):
    server.will(TRANSCRIBE, Reply(body={"text": ""}))

    result = await hear(server, CallAudio((tone(seconds=0.4),)))

    assert result.turns == ()


@pytest.mark.parametrize("body", ["<html>", "not json", [], {"language": "en"}, {"text": None}])
async def test_a_response_without_text_is_retried(server, body):
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


def test_times_outside_the_audio_are_clamped():
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


def test_a_response_of_another_type_is_unreadable():
    with pytest.raises(Unreadable):
        read_answer({"text": 7}, "agent", EXTENT, [])
