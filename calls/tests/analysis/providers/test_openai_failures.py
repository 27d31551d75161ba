"""Every failure of an OpenAI-compatible server: its class, its message, and when to retry."""

from datetime import UTC, datetime

import httpx
import pytest

from calls.analysis.providers.openai import errors
from calls.tests.analysis.providers.fake_openai import (
    CHAT,
    HANG,
    HTML,
    RESET,
    FakeOpenAI,
    Reply,
    completion,
    failing,
    judgement,
)
from calls.tests.analysis.providers.openai_calls import failure, judge

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


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


async def test_a_hanging_server_is_abandoned_after_the_timeout(server):
    server.will(CHAT, HANG)

    error = await failure(judge(server, timeout_s=0.2))

    assert (error.code, error.transient) == ("timeout", True)


async def test_a_slow_answer_within_the_timeout_is_taken(server):
    server.will(CHAT, Reply(delay_s=0.1, body=completion(judgement(2)).body))

    assert (await judge(server)).summary == "A card was lost."


async def test_an_absent_server_is_a_connection_error():
    async with FakeOpenAI() as gone:
        pass

    error = await failure(judge(gone))

    assert (error.code, error.transient) == ("connection", True)


async def test_an_invalid_address_is_not_tried_again():
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
async def test_the_servers_own_message_is_shown(server, body, words):
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
def test_a_retry_time_is_read_in_every_form(headers, seconds):
    assert errors.retry_after(httpx.Headers(headers), now=NOW) == seconds


async def test_the_error_carries_the_retry_time_of_the_server(server):
    server.will(CHAT, failing(503, headers={"Retry-After": "7"}))

    assert (await failure(judge(server))).retry_after_s == 7.0
