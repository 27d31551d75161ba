"""Responses in every form: used if their meaning is clear, otherwise a failure with a message."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.analysis.providers import ProviderError
from calls.analysis.providers.openai import chat, errors
from calls.analysis.providers.openai.completion import read_choice
from calls.analysis.providers.openai.doubt import is_subtitle
from calls.analysis.providers.openai.transcription import Segment, Unreadable, read_answer
from calls.conversation import Sentiment, Span, Turn
from calls.tests.analysis.providers.fake_openai import (
    CHAT,
    TRANSCRIBE,
    Reply,
    completion,
    judgement,
    transcript,
)
from calls.tests.analysis.providers.openai_calls import TURNS, failure, hear, judge

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
ANSWER = json.dumps(judgement(2), indent=1)
EXTENT = Span(0, 60_000)
THREE = [Turn("customer", at, at + 1, "Well.") for at in range(3)]


def message(**fields):
    return Reply(body={"choices": [{"message": fields, "finish_reason": "stop"}]})


# Where the answer is
@pytest.mark.parametrize(
    "reply",
    [
        message(content=[{"type": "text", "text": ANSWER}]),
        message(
            content=[
                {"type": "thinking", "thinking": [{"type": "text", "text": "Is it {bad}?"}]},
                {"type": "text", "text": ANSWER[:40]},
                {"type": "text", "text": ANSWER[40:]},
            ]
        ),
        message(content=[{"type": "text", "text": {"value": ANSWER}}]),
        message(content=["```json\n", ANSWER, "\n```"]),
        message(content=json.loads(ANSWER)),
        message(content=None, reasoning_content=f"So it is bad. {ANSWER}"),
        message(content="", reasoning=ANSWER),
        message(content=None, tool_calls=[{"function": {"name": "a", "arguments": ANSWER}}]),
        message(content=None, tool_calls=[{"function": {"arguments": json.loads(ANSWER)}}]),
        message(content=None, function_call={"name": "a", "arguments": ANSWER}),
    ],
)
async def test_the_answer_is_found_wherever_a_server_puts_it(server, reply):
    server.will(CHAT, reply)

    assert (await judge(server)).summary == "A card was lost."


@pytest.mark.parametrize(
    "text",
    [
        ANSWER + '\nNote: {"confidence": 0.9}',
        '{"plan": "judge the turns"}' + ANSWER,
        ANSWER.replace("\n}", ",\n}").replace("]", ", ]"),
        ANSWER.replace("A card was lost.", "A card\nwas lost."),
    ],
    ids=["afterthought", "plan", "trailing commas", "line end in a string"],
)
async def test_json_is_found_where_its_meaning_is_clear(server, text):
    server.will(CHAT, completion(text))

    assert (await judge(server)).summary.replace("\n", " ") == "A card was lost."


def test_commas_within_texts_stay():
    assert chat.read_json('{"summary": "Well,] and \\",}\\" he said,", "turns": [],}') == {
        "summary": 'Well,] and ",}" he said,',
        "turns": [],
    }


@pytest.mark.parametrize(
    "text",
    ['{"' * 400_000, '{"a":' * 300_000, "{" * 1_000_000, '{"a": "' + "{ " * 500_000, "[" * 900_000,
     '{"a": ' + "9" * 10_000 + "}"],
    ids=["names", "nests", "braces", "text", "lists", "digits"],
)  # fmt: skip
def test_a_response_that_is_not_json_is_given_up_after_bounded_work(text):
    with pytest.raises(Unreadable):
        chat.read_json(text)


# What it says
@pytest.mark.parametrize(
    ("row", "sentiment"),
    [
        ({"label": "MIXED", "score": -1}, Sentiment("NEUTRAL", 0.0)),
        ({"label": "mixed"}, Sentiment("NEUTRAL", 0.0)),
        ({"label": "FRUSTRATED", "score": -3}, Sentiment("NEGATIVE", -3.0)),
        ({"label": None, "score": "4"}, Sentiment("POSITIVE", 4.0)),
        ({"label": "Negative"}, Sentiment("NEGATIVE", -2.5)),
        ({"label": "POSITIVE", "score": None}, Sentiment("POSITIVE", 2.5)),
        ({"label": "NEGATIVE", "score": float("nan")}, Sentiment("NEGATIVE", -2.5)),
    ],
)
def test_a_sentiment_in_other_terms_is_understood(row, sentiment):
    answer = {"turns": [{"id": 0, **row}]}

    assert chat.read_sentiments(answer, THREE[:1]) == ((sentiment,), [])


async def test_a_turn_that_was_left_out_has_no_sentiment_and_the_result_says_so(server):
    rows = judgement(3)["turns"]
    answer = judgement(3, turns=[rows[0], rows[2]])

    sentiments, notes = chat.read_sentiments(answer, THREE)

    assert [each and each.label for each in sentiments] == ["NEGATIVE", None, "NEGATIVE"]
    assert notes == ["The AI left out 1 of 3 turns: they have no sentiment."]


@pytest.mark.parametrize("rows", [[], judgement(1)["turns"], "none", None, [None, 7]])
def test_a_response_with_less_than_half_of_the_turns_cannot_be_used(rows):
    with pytest.raises(Unreadable, match="of 3 turns have no sentiment"):
        chat.read_sentiments({"turns": rows}, THREE)


def test_turn_ids_that_start_at_one_are_recognised():
    labels = ["POSITIVE", "NEUTRAL", "NEGATIVE"]
    rows = [{"id": at, "label": label} for at, label in enumerate(labels, 1)]

    sentiments, notes = chat.read_sentiments({"turns": rows}, THREE)

    assert [each.label for each in sentiments] == labels
    assert notes == []


@pytest.mark.parametrize(
    ("summary", "text"),
    [
        (["A card was lost.", " A new one follows. "], "A card was lost. A new one follows."),
        ([["A card"], None, "was lost."], "A card was lost."),
        ("  A card. ", "A card."),
    ],
)
def test_a_summary_in_pieces_is_joined(summary, text):
    assert chat.read_summary({"summary": summary}) == text


def test_keywords_and_answers_in_other_types_are_read():
    assert chat.read_keywords({"keywords": "card, loss,, fee"}) == ("card", "loss", "fee")
    answers = {"a": ["x", "y"], "b": True, "c": 7, "d": None, "e": {}}
    assert chat.read_insights({"insights": answers}, dict.fromkeys(answers, "?")) == {
        "a": "x y",
        "b": "yes",
        "c": "7",
    }


# Errors inside a 200
@pytest.mark.parametrize(
    ("body", "code", "transient", "seconds"),
    [
        ({"error": {"code": 429, "message": "Slow down."}}, "429", True, None),
        ({"error": {"code": "429", "message": "Slow down.", "retry_after": 7}}, "429", True, 7.0),
        ({"error": {"type": "rate_limit_error", "message": "Slow down."}}, "429", True, None),
        (
            {"error": {"code": 429, "message": "Slow down.",
                       "metadata": {"headers": {"Retry-After": "9"}}}},
            *("429", True, 9.0),
        ),
        ({"error": {"code": "insufficient_quota", "message": "Slow down."}}, "429", False, None),
        ({"error": {"code": 401, "message": "Slow down."}}, "401", False, None),
        ({"error": {"type": "overloaded_error", "message": "Slow down."}}, "503", True, None),
        ({"error": "Slow down."}, "error_in_answer", True, None),
        ({"error": {"code": "odd", "message": "Slow down."}}, "error_in_answer", True, None),
        ({"choices": [{"error": {"code": 502, "message": "Slow down."}}]}, "502", True, None),
        (
            {"choices": [{"finish_reason": "error", "message": {"content": "Slow down."}}]},
            *("model_error", True, None),
        ),
    ],
)  # fmt: skip
async def test_an_error_is_what_its_body_says_it_is(server, body, code, transient, seconds):
    server.will(CHAT, Reply(body=body))

    error = await failure(judge(server))

    assert (error.code, error.transient, error.retry_after_s) == (code, transient, seconds)
    assert "Slow down." in str(error)
    assert error.request_id == "req-7"


async def test_a_refused_format_inside_a_200_is_asked_for_in_another_way(server):
    told = {"error": {"code": 400, "message": "no json_schema", "param": "response_format"}}
    server.will(CHAT, Reply(body=told))

    result = await judge(server)

    assert result.summary == "A card was lost."
    assert server.asked(CHAT)[1].fields["response_format"]["type"] == "json_object"


async def test_an_error_inside_a_200_of_a_transcription_is_an_error(server):
    server.will(TRANSCRIBE, Reply(body={"error": {"code": 503, "message": "Loading model"}}))

    error = await failure(hear(server))

    assert (error.code, error.transient) == ("503", True)
    assert "Loading model" in str(error)


async def test_an_endless_response_is_not_read_to_its_end(server, monkeypatch):
    monkeypatch.setattr(errors, "MAX_BYTES", 100_000)
    server.will(CHAT, completion("x" * 200_000))

    error = await failure(judge(server))

    assert (error.code, error.transient) == ("too_large", True)


# Times and inventions of a recogniser
def segment(start, end, text, **doubts):
    return {"start": start, "end": end, "text": text, **doubts}


def read(*segments, speech=(EXTENT,), **body):
    told = {"text": " ".join(each["text"] for each in segments), "segments": segments, **body}
    return read_answer({**told, "segments": list(segments)}, "customer", EXTENT, speech)


@pytest.mark.parametrize("text", [None, 7, {"text": "x"}])
def test_the_words_of_segments_are_enough(text):
    heard = read_answer(
        {"text": text, "segments": [segment(1, 2, "Hello there.")]}, "agent", EXTENT, [EXTENT]
    )

    assert [turn.text for turn in heard.turns] == ["Hello there."]


def test_times_of_a_clock_are_read():
    (turn,) = read(segment("00:00:01.200", "0:02,5", "Hello.")).turns

    assert (turn.begin_ms, turn.end_ms) == (1200, 2500)


@pytest.mark.parametrize("bad", [None, "soon", float("nan"), float("-inf"), -5])
def test_a_segment_without_times_lies_between_its_neighbours(bad):
    heard = read(segment(1, 2, "One."), segment(bad, bad, "Two."), segment(6, 7, "Three."))

    assert [(turn.text, turn.begin_ms, turn.end_ms) for turn in heard.turns] == [
        ("One.", 1000, 2000),
        ("Two.", 2000, 6000),
        ("Three.", 6000, 7000),
    ]
    assert heard.estimated


def test_a_loop_in_one_segment_is_dropped_even_without_a_score():
    heard = read(segment(1, 2, "My card is lost."), segment(2, 3.5, "okay " * 300))

    assert [turn.text for turn in heard.turns] == ["My card is lost."]
    assert heard.dropped == (Span(2000, 3500),)


def test_a_loop_of_segments_is_kept_once():
    heard = read(*(segment(at, at + 1, "Thank you.") for at in range(20)))

    assert [turn.begin_ms for turn in heard.turns] == [0]
    assert len(heard.dropped) == 19


def test_a_loop_without_times_is_kept_once():
    heard = read_answer({"text": "I see. " + "Okay. " * 300}, "agent", EXTENT, [EXTENT])

    assert [turn.text for turn in heard.turns] == ["I see.", "Okay."]


def test_people_may_repeat_themselves():
    heard = read(*(segment(at, at + 1, "Hello?") for at in range(4)))

    assert len(heard.turns) == 4


def test_subtitles_in_silence_are_dropped_and_other_words_there_are_doubtful():
    heard = read(
        segment(1, 3, "My card is lost."),
        segment(20, 22, "Thank you for watching!"),
        segment(40, 42, "My dog is grey."),
        speech=[Span(900, 3100)],
    )

    assert [turn.text for turn in heard.turns] == ["My card is lost.", "My dog is grey."]
    assert (heard.dropped, heard.doubtful) == ((Span(20_000, 22_000),), (Span(40_000, 42_000),))


def test_the_same_words_where_somebody_speaks_are_kept():
    heard = read(segment(20, 22, "Thank you for watching!"), speech=[Span(21_500, 23_000)])

    assert (len(heard.turns), heard.doubtful) == (1, ())


@pytest.mark.parametrize(
    ("text", "known"),
    [("Thanks for watching.", True), ("Please subscribe to my channel!", True), ("\u266a", True),
     ("Subtitles by the Amara.org community", True), ("Thank you.", False), ("Yes", False)],
)  # fmt: skip
def test_subtitles_are_recognised(text, known):
    assert is_subtitle(Segment(0, 1, text)) == known


async def test_doubtful_words_are_named_in_the_result(server):
    body = transcript()
    body["segments"].append(segment(3.9, 4.0, "Who are you?"))
    server.will(TRANSCRIBE, Reply(body=body))

    result = await hear(server, speech=lambda channel: (Span(500, 1500),))

    assert "lie where no speech was found: they may be invented" in result.skipped[-1].reason


# Any shape
@given(ANY_JSON)
def test_any_body_is_a_completion_or_a_provider_error(body):
    response = httpx.Response(200, content=json.dumps(body).encode())
    try:
        text, _ = read_choice(errors.unmask(response))
    except ProviderError:
        return

    assert isinstance(text, str)


@given(ANY_JSON)
def test_any_message_is_text_or_a_provider_error(content):
    for name in ("content", "reasoning_content", "tool_calls", "function_call", "refusal"):
        body = {"choices": [{"message": {name: content}}]}
        try:
            text, _ = read_choice(httpx.Response(200, content=json.dumps(body).encode()))
        except ProviderError:
            continue
        assert isinstance(text, str)


ANSWERS = st.dictionaries(st.sampled_from(["turns", "summary", "keywords", "insights"]), ANY_JSON)
ROWS = st.fixed_dictionaries({"id": ANY_JSON, "label": ANY_JSON, "score": ANY_JSON})


@given(ANSWERS, st.lists(ROWS, max_size=3))
def test_any_answer_is_understood_or_unreadable(answer, rows):
    for told in (answer, {**answer, "turns": rows}):
        try:
            sentiments, _ = chat.read_sentiments(told, TURNS)
            assert len(sentiments) == len(TURNS)
            chat.read_summary(told)
        except Unreadable:
            pass
        assert all(isinstance(word, str) for word in chat.read_keywords(told))
        assert all(isinstance(text, str) for text in chat.read_insights(told, {"a": "?"}).values())


TIMES = ANY_JSON | st.sampled_from(["00:00:01.2", "1e999", "-0", "nan"])
SEGMENTS = st.lists(
    st.fixed_dictionaries({}, optional=dict.fromkeys(("start", "end", "text", "words"), TIMES)),
    max_size=5,
)


@given(ANY_JSON, SEGMENTS, st.lists(ANY_JSON, max_size=2))
def test_any_transcription_lies_within_its_audio_or_is_unreadable(text, segments, words):
    body = {"text": text, "segments": segments, "words": words}
    try:
        heard = read_answer(body, "agent", Span(1000, 5000), [Span(2000, 3000)])
    except Unreadable:
        return

    assert all(1000 <= turn.begin_ms <= turn.end_ms <= 5000 for turn in heard.turns)
