"""The outermost layer of HTTP, driven as a server drives it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async

from callcenter.asgi import application
from calls.api.limits import BodyLimit
from calls.models import Packet

LIMIT = 1_000
PACKET = {"sequence": 1, "data": "hello", "timestamp": 1.5}


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the length of the body, once all of it is here."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


async def answer(
    app: Any, *chunks: bytes, announced: bytes | None = None, path: str = "/"
) -> tuple[int, dict[bytes, bytes], bytes]:
    headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
    headers += [(b"content-length", announced)] if announced is not None else []
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": headers,
        "query_string": b"",
    }
    communicator = ApplicationCommunicator(app, scope)
    for at, chunk in enumerate(chunks, 1):
        more = at < len(chunks)
        await communicator.send_input({"type": "http.request", "body": chunk, "more_body": more})
    head = await communicator.receive_output(5)
    body = await communicator.receive_output(5)
    await communicator.wait(5)
    return head["status"], dict(head["headers"]), body["body"]


async def test_a_body_of_exactly_the_limit_passes():
    status, _, body = await answer(BodyLimit(echo, limit=LIMIT), b"x" * LIMIT, announced=b"1000")

    assert (status, body) == (200, b"1000")


@pytest.mark.parametrize("announced", [b"1001", b"9" * 18, b"9" * 19, b"9" * 5_000])
async def test_a_body_announced_over_the_limit_is_refused_unread(announced):
    status, headers, body = await answer(BodyLimit(echo, limit=LIMIT), announced=announced)

    assert status == 413
    assert json.loads(body) == {"detail": "The body is larger than the limit of 1000 bytes."}
    assert headers[b"connection"] == b"close"


async def test_a_chunked_body_over_the_limit_is_refused_while_it_arrives():
    chunks = [b"x" * 400] * 5

    status, _, body = await answer(BodyLimit(echo, limit=LIMIT), *chunks)

    assert status == 413
    assert b"1000 bytes" in body


async def test_a_body_that_is_longer_than_announced_is_refused_as_well():
    app = BodyLimit(echo, limit=LIMIT)

    status, _, _ = await answer(app, b"x" * 1_001, announced=b"10")

    assert status == 413


@pytest.mark.parametrize("announced", [b"", b"-5", b"ten"])
async def test_an_invalid_content_length_is_ignored_and_bytes_are_counted(announced):
    status, _, body = await answer(BodyLimit(echo, limit=LIMIT), b"x" * 10, announced=announced)

    assert (status, body) == (200, b"10")


async def test_other_protocols_than_http_pass_untouched():
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    await BodyLimit(app, limit=LIMIT)({"type": "lifespan"}, "receive", "send")

    assert seen == [({"type": "lifespan"}, "receive", "send")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("announce", [True, False], ids=["announced", "chunked"])
async def test_the_server_takes_a_packet_announced_or_chunked(settings, announce):
    settings.API_AUTH = "open"
    body = json.dumps(PACKET).encode()

    status, _, answered = await answer(
        application,
        body[:10],
        body[10:],
        announced=str(len(body)).encode() if announce else None,
        path="/v1/call/stream/c-1",
    )

    assert (status, json.loads(answered)) == (202, {"status": "accepted"})
    assert await database_sync_to_async(Packet.objects.count)() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("announce", [True, False], ids=["announced", "chunked"])
async def test_the_server_refuses_a_body_over_the_limit_in_json(settings, announce):
    chunks = [b"x" * 1024 * 1024] * 5

    status, headers, body = await answer(
        application,
        *chunks,
        announced=str(5 * 1024 * 1024).encode() if announce else None,
        path="/v1/call/stream/c-1/batch",
    )

    assert status == 413
    assert headers[b"content-type"] == b"application/json"
    assert str(settings.BODY_LIMIT) in json.loads(body)["detail"]
