"""Requests that are held until the call has been analysed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async as in_thread

from benchmarks.rig.services import Service
from benchmarks.rig.waiting import answers, post
from callcenter.asgi import application
from calls.api import stopping, waiting
from calls.keys import ring
from calls.tests.factories import archived_call, ended_call, failed_call, live_call

pytestmark = pytest.mark.django_db(transaction=True)
Ask = Callable[..., Awaitable["Asked"]]


@pytest.fixture(autouse=True)
def _open(settings, monkeypatch):
    settings.API_AUTH = "open"
    settings.ALLOWED_HOSTS = ["testserver"]
    monkeypatch.setattr(waiting, "POLL_S", 0.01)
    ring.forget()


class Asked:
    """One request, as a server passes it on."""

    def __init__(self, path: str, query: str = "") -> None:
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"testserver")],
        }
        self.server = ApplicationCommunicator(application, scope)

    async def answer(self) -> tuple[int, dict[str, Any]]:
        start = await self.server.receive_output(timeout=5)
        self.headers = {name.lower(): value for name, value in start["headers"]}
        body = b""
        while True:
            part = await self.server.receive_output(timeout=5)
            body += part.get("body", b"")
            if not part.get("more_body"):
                return start["status"], json.loads(body)

    async def is_held(self) -> bool:
        return await self.server.receive_nothing(timeout=0.15)


@pytest.fixture
async def ask():
    asked: list[Asked] = []

    async def send(call_id: str, wait: object = 60) -> Asked:
        request = Asked(f"/v1/call/{call_id}/transcript", f"wait={wait}")
        await request.server.send_input({"type": "http.request", "body": b""})
        asked.append(request)
        return request

    yield send
    for request in asked:
        await request.server.send_input({"type": "http.disconnect"})
        await request.server.wait(timeout=5)


async def test_a_request_is_held_until_the_call_has_been_analysed(ask: Ask):
    await in_thread(ended_call)("c-1")
    request = await ask("c-1")
    assert await request.is_held()

    await in_thread(_analyse)("c-1")

    status, answer = await request.answer()
    assert (status, answer["state"]) == (200, "ARCHIVED")
    assert answer["turns"][0]["sentiment"] == "NEUTRAL"


async def test_an_analysed_call_is_returned_at_once(ask: Ask):
    await in_thread(archived_call)("c-1")

    status, answer = await (await ask("c-1")).answer()

    assert (status, answer["live"]) == (200, False)


async def test_a_failed_or_unknown_call_is_returned_at_once(ask: Ask):
    await in_thread(failed_call)("c-1")

    failed, _ = await (await ask("c-1")).answer()
    unknown, _ = await (await ask("c-2")).answer()

    assert (failed, unknown) == (404, 404)


async def test_after_the_wait_the_response_is_the_same_as_without_a_wait(ask: Ask):
    await in_thread(live_call)("c-1")
    plain = await (await ask("c-1", 0)).answer()

    held = await (await ask("c-1", 1)).answer()

    assert held == plain
    assert held[0] == 404


@pytest.mark.parametrize("wait", ["-1", "61", "1.5", "long"])
async def test_a_wait_that_is_not_a_number_up_to_60_is_refused_by_name(ask: Ask, wait: str):
    await in_thread(live_call)("c-1")

    status, answer = await (await ask("c-1", wait)).answer()

    assert (status, answer) == (400, {"wait": ["Must be a whole number from 0 to 60."]})


async def test_more_requests_than_a_process_may_hold_are_refused_for_a_while(ask: Ask, monkeypatch):
    monkeypatch.setattr(waiting, "WAITERS_LIMIT", 1)
    await in_thread(live_call)("c-1")
    first = await ask("c-1")
    assert await first.is_held()

    second = await ask("c-1")

    status, _ = await second.answer()
    assert (status, second.headers[b"retry-after"]) == (503, b"1")


async def test_a_client_that_disconnects_makes_room_for_another(ask: Ask, monkeypatch):
    monkeypatch.setattr(waiting, "WAITERS_LIMIT", 1)
    await in_thread(live_call)("c-1")
    first = await ask("c-1")
    assert await first.is_held()

    await first.server.send_input({"type": "http.disconnect"})
    await first.server.wait(timeout=5)

    assert await (await ask("c-1")).is_held()


async def test_all_requests_share_one_query(ask: Ask, monkeypatch):
    looks: list[set[int]] = []
    look = waiting._settled_now
    monkeypatch.setattr(waiting, "_settled_now", lambda pks: looks.append(set(pks)) or look(pks))
    monkeypatch.setattr(waiting, "POLL_S", 0.1)
    calls = [await in_thread(live_call)(f"c-{at}") for at in range(3)]
    held = [await ask(call.call_id) for call in calls]

    for request in held:
        assert await request.is_held()

    assert len(looks) <= 10
    assert looks[-1] == {call.pk for call in calls}


async def test_a_deleted_call_returns_404(ask: Ask):
    call = await in_thread(live_call)("c-1")
    request = await ask("c-1")
    assert await request.is_held()

    await in_thread(call.delete)()

    assert (await request.answer())[0] == 404


async def test_a_server_that_stops_answers_every_request_at_once(ask: Ask, monkeypatch):
    await in_thread(live_call)("c-1")
    request = await ask("c-1")
    assert await request.is_held()
    told = asyncio.Event()
    told.set()

    monkeypatch.setattr(stopping, "_told", told)

    assert (await request.answer())[0] == 404


def _analyse(call_id: str) -> None:
    from calls.tests.factories import ANALYSIS, TRANSCRIPT, Stage, attempt, claim, one_call

    lease = claim()
    transcript = one_call.save_transcript(lease, attempt(lease), **TRANSCRIPT)
    tried = attempt(lease, Stage.UNDERSTAND)
    headline = {"customer_sentiment": "NEUTRAL"}
    one_call.archive(lease, tried, transcript=transcript, headline=headline, **ANALYSIS)


@pytest.mark.processes
def test_a_stopping_server_answers_waiting_requests_and_stops(tmp_path):
    with Service(tmp_path) as service:
        address = service.web()
        words = {"sequence": 1, "data": "Hello.", "timestamp": 0.4, "track": "customer"}
        post(f"{address}/v1/call/stream/c-1", words)
        held = HTTPConnection(address.removeprefix("http://"), timeout=20)
        held.request("GET", "/v1/call/c-1/transcript?wait=60")
        # The request above reached the server before this one.
        assert answers(f"{address}/v1/call/c-1")

        service.processes[-1].terminate()

        assert held.getresponse().status == 404
        held.close()
        service.processes[-1].wait(timeout=20)
