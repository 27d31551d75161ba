"""What a stopping web process tells its clients, tested without a server."""

from __future__ import annotations

import asyncio
import json

import pytest
from django.core.management import CommandError, call_command

from calls.api.goodbye import Goodbye
from calls.operation.draining import CLOSE_RESTART, draining

HTTP = {"type": "http", "method": "GET", "path": "/v1/calls"}
SOCKET = {"type": "websocket", "path": "/v1/media"}


@pytest.fixture
def stopping(monkeypatch):
    monkeypatch.setattr(draining, "_has_begun", True)


async def ask(app, scope):
    said = []

    async def receive():
        return {"type": f"{scope['type']}.connect"}

    async def send(message):
        said.append(message)

    await Goodbye(app)(scope, receive, send)
    return said


async def answer(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
    await send({"type": "http.response.body", "body": b"Hello."})


async def never(scope, receive, send):
    raise asyncio.CancelledError


async def test_responses_are_passed_on_unchanged_until_the_process_stops():
    start, body = await ask(answer, HTTP)

    assert start["headers"] == [(b"a", b"b")]
    assert body["body"] == b"Hello."


async def test_a_response_closes_its_connection_once_the_process_stops(stopping):
    start, body = await ask(answer, HTTP)

    assert start["headers"] == [(b"a", b"b"), (b"connection", b"close")]
    assert body["body"] == b"Hello."


async def test_a_request_that_the_server_gives_up_may_be_sent_again(stopping):
    start, body = await ask(never, HTTP)

    assert start["status"] == 503
    assert (b"retry-after", b"1") in start["headers"]
    assert json.loads(body["body"]) == {
        "detail": "The server is restarting. Send the request again."
    }


async def test_a_request_that_its_client_gives_up_is_not_answered():
    with pytest.raises(asyncio.CancelledError):
        await ask(never, HTTP)


async def test_a_new_socket_is_refused_with_503_where_the_server_can_say_so(stopping):
    start, _ = await ask(never, {**SOCKET, "extensions": {"websocket.http.response": {}}})

    assert start["status"] == 503
    assert (b"retry-after", b"1") in start["headers"]


async def test_a_new_socket_is_closed_where_the_server_cannot(stopping):
    said = await ask(never, SOCKET)

    assert said == [{"type": "websocket.accept"}, {"type": "websocket.close", "code": 1013}]


async def test_everything_that_waits_for_the_stop_is_woken(monkeypatch):
    monkeypatch.setattr(draining, "_has_begun", False)
    waiting = [asyncio.create_task(draining.begun()) for _ in range(3)]
    await asyncio.sleep(0)

    draining.begin()

    assert await asyncio.gather(*waiting) == [CLOSE_RESTART] * 3
    assert await draining.begun() == CLOSE_RESTART


def test_the_local_profile_listens_on_no_public_address():
    with pytest.raises(CommandError, match=r"does not listen on 0\.0\.0\.0"):
        call_command("web", host="0.0.0.0")


def test_a_port_is_a_number_of_16_bits():
    with pytest.raises(CommandError, match="--port must be from 0 to 65535"):
        call_command("web", port=65_536)


def test_a_process_that_stops_is_not_ready_but_alive(client, stopping):
    not_ready = client.get("/readyz")

    assert not_ready.status_code == 503
    assert not_ready.json()["problems"] == ["This process has been told to stop."]
    assert client.get("/healthz").status_code == 200
