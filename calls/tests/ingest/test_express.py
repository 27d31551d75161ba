"""The fast lane and the slow lane respond alike and store alike, whatever arrives."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from channels.db import database_sync_to_async
from django.core.asgi import get_asgi_application

from calls.api.limits import BodyLimit
from calls.ingest import express
from calls.ingest.express import ExpressLane
from calls.ingest.requests import Unavailable
from calls.keys import create_key
from calls.models import Call, Packet, Stream
from calls.tests.ingest.test_malformed import (
    BATCH,
    BODIES,
    FIELDS,
    GOOD,
    NDJSON,
    PACKET,
    ROUTES,
    Case,
    batch,
    doc,
    packet,
    with_field,
    with_raw,
)

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = 4 * 1024 * 1024


class Refusing:
    """Stands behind the fast lane and must not be asked."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError(f"{scope['path']} went to the slow lane")


FAST = [
    packet("plain", doc(GOOD), ""),
    packet("all fields", doc({**GOOD, "stream": "s", "track": "agent", "media": "text/plain"}), ""),
    packet("unknown fields", doc({**GOOD, "extra": {"a": [1]}}), ""),
    packet("sequence 0", with_field("sequence", 0), ""),
    packet("the greatest sequence", with_field("sequence", 2**53 - 1), ""),
    packet("integer timestamp", with_field("timestamp", 7), ""),
    packet("negative timestamp", with_field("timestamp", -7.25), ""),
    packet("data at the limit", with_field("data", "x" * 65_536), ""),
    packet("multi-byte data at the limit", with_field("data", "é" * 32_768), ""),
    packet("empty data", with_field("data", ""), ""),
    packet("white space", b"  " + json.dumps(GOOD, indent=4).encode() + b"\n", ""),
    packet("escapes", with_raw("data", rb'"\ud83d\ude00 \n \u00e9"'), ""),
    packet("a field twice", doc(GOOD)[:-1] + b', "sequence": 8}', ""),
    packet("charset", doc(GOOD), "", content_type="application/json; charset=utf-8"),
    packet("json accepted", doc(GOOD), "", headers={"Accept": "application/json"}),
    batch("two", doc([GOOD, {**GOOD, "sequence": 2}]), ""),
    batch("the same twice", doc([GOOD, GOOD]), ""),
    batch("out of order with a gap", doc([{**GOOD, "sequence": n} for n in (9, 3, 1)]), ""),
    batch("1,000", doc([{**GOOD, "sequence": n} for n in range(1000)]), ""),
    batch("lines", b"\n".join([doc(GOOD), b"", doc({**GOOD, "sequence": 2})]), "",
          content_type=NDJSON),
]  # fmt: skip
SLOW = [
    packet("a byte order mark", b"\xef\xbb\xbf" + doc(GOOD), ""),
    packet("pages accepted", doc(GOOD), "", headers={"Accept": "text/html,*/*;q=0.1"}),
    packet("a cookie", doc(GOOD), "", headers={"Cookie": "sessionid=nonsense"}),
    packet("a foreign host", doc(GOOD), "", headers={"Host": "evil.example"}),
    packet("over 4 MiB", b" " * (LIMIT + 1), "4194304"),
    batch("some bad", doc([GOOD, {}, {**GOOD, "sequence": 5}]), ""),
    batch("atomic", doc([GOOD]), "")._replace(url=f"{BATCH}?atomic=true"),
]
ALIKE = FAST + SLOW + FIELDS + BODIES + ROUTES


async def answer(app: Any, case: Case) -> tuple[int, Any, Any]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Content-Type": case.content_type} if case.content_type else {}
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        response = await client.request(
            case.method, case.url, content=case.body, headers={**headers, **case.headers}
        )
    # Pages have a nonce in them.
    is_json = response.headers["content-type"].startswith("application/json")
    body = response.json() if is_json else response.headers["content-type"]
    return response.status_code, body, response.headers.get("retry-after")


def stored() -> Any:
    return (
        list(Call.objects.values_list("call_id", "packet_count", "last_sequence", "missing_count",
                                      "duplicate_count", "state")),
        list(Stream.objects.values_list("name", "media", "packet_count", "reordered_count")),
        list(Packet.objects.order_by("sequence").values_list("sequence", "track", "timestamp",
                                                             "data", "late")),
    )  # fmt: skip


def take_stored() -> Any:
    found = stored()
    Call.objects.all().delete()
    return found


@pytest.fixture
def slow_lane(settings):
    settings.API_AUTH = "open"
    return get_asgi_application()


@pytest.mark.parametrize("case", ALIKE, ids=lambda case: case.name)
async def test_both_lanes_answer_and_store_alike(slow_lane, case):
    slow = await answer(BodyLimit(slow_lane, limit=LIMIT), case)
    stored_by_slow = await database_sync_to_async(take_stored)()

    fast = await answer(ExpressLane(BodyLimit(slow_lane, limit=LIMIT)), case)
    stored_by_fast = await database_sync_to_async(take_stored)()

    assert fast == slow
    assert stored_by_fast == stored_by_slow


@pytest.mark.parametrize("case", FAST, ids=lambda case: case.name)
async def test_a_plain_packet_never_takes_the_slow_lane(settings, case):
    settings.API_AUTH = "open"

    status, _, _ = await answer(ExpressLane(Refusing()), case)

    assert status == 202


@pytest.mark.parametrize("length", [None, b"", b"-1", b"x", str(LIMIT + 1).encode(), b"9" * 5000])
async def test_a_body_of_unknown_or_excessive_length_is_left_to_the_slow_lane(settings, length):
    settings.API_AUTH = "open"
    passed_on = []

    async def slow(scope, receive, send):
        passed_on.append(scope["path"])

    headers = [(b"host", b"testserver"), (b"content-type", b"application/json")]
    if length is not None:
        headers.append((b"content-length", length))
    scope = {"type": "http", "method": "POST", "path": PACKET, "query_string": b"",
             "headers": headers}  # fmt: skip

    await ExpressLane(slow)(scope, None, None)

    assert passed_on == [PACKET]


def test_the_table_is_as_long_as_the_contract_is_wide():
    assert len(ALIKE) >= 60


@pytest.mark.parametrize("url", [PACKET, BATCH])
@pytest.mark.parametrize(("scope", "status"), [("ingest", 202), ("read", 403), (None, 401)])
async def test_both_lanes_need_the_same_key(settings, slow_lane, url, scope, status):
    settings.API_AUTH = "key"
    headers = {"Authorization": "Bearer cc_unknown_key"}
    if scope:
        _, plain = await database_sync_to_async(create_key)(name="pbx", scopes=[scope])
        headers = {"Authorization": f"Bearer {plain}"}
    body = doc(GOOD) if url == PACKET else doc([GOOD])
    case = Case("key", url, body, "", headers=headers)

    slow = await answer(slow_lane, case)
    fast = await answer(ExpressLane(slow_lane), case)

    assert fast == slow
    assert fast[0] == status


async def test_a_known_key_is_accepted_without_the_slow_lane(settings, slow_lane):
    settings.API_AUTH = "key"
    _, plain = await database_sync_to_async(create_key)(name="pbx", scopes=["ingest"])
    case = Case("key", PACKET, doc(GOOD), "", headers={"X-API-Key": plain})
    await answer(ExpressLane(slow_lane), case)  # the slow lane fills the ring

    status, _, _ = await answer(ExpressLane(Refusing()), case)

    assert status == 202


async def test_both_lanes_say_when_nothing_could_be_stored(slow_lane, monkeypatch):
    def refuse(*_):
        raise Unavailable("The database is not reachable.")

    async def refuse_async(*_):
        refuse()

    monkeypatch.setattr("calls.api.views.packets.store", refuse)
    monkeypatch.setattr(express, "store_async", refuse_async)
    case = packet("good", doc(GOOD), "")

    slow = await answer(slow_lane, case)
    fast = await answer(ExpressLane(Refusing()), case)

    assert fast == slow
    assert (fast[0], fast[2]) == (503, "1")
