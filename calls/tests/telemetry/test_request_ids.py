"""Request ids: who sets them, and where they appear."""

import asyncio

import pytest

from calls.monitoring.log_context import log_fields
from calls.telemetry.request_ids import read_request_id
from calls.telemetry.serving import Observed


def ask(headers=()):
    """Return the id in the answer, and the one that lines of the log would carry."""
    seen, sent = [], []

    async def app(scope, receive, send):
        seen.append(log_fields().get("request_id"))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/healthz", "headers": list(headers)}
    asyncio.run(Observed(app)(scope, None, send))
    answered = dict(sent[0]["headers"])
    assert answered[b"a"] == b"b"
    return answered[b"x-request-id"].decode(), seen[0]


def test_the_senders_id_is_returned_and_logged():
    assert ask([(b"x-request-id", b"pbx-7.42")]) == ("pbx-7.42", "pbx-7.42")


@pytest.mark.parametrize("value", [b"", b"a b", b"x" * 65, b'"},{"', b"\xff", b"a\nb"])
def test_an_id_that_could_do_harm_is_replaced(value):
    answered, logged = ask([(b"x-request-id", value)])

    assert answered == logged
    assert answered.encode() != value
    assert len(answered) > 8


def test_each_request_without_an_id_gets_one_of_its_own():
    assert ask()[0] != ask()[0]
    assert read_request_id({"headers": []}) != read_request_id({"headers": []})


def test_nothing_is_left_in_the_log_after_the_request():
    ask()

    assert log_fields() == {}
