"""Open sockets end when their key is revoked, expires, is rotated or changes its networks."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.utils import timezone

from calls.keys import change_key, create_key, revoke_key, rotate_key, watch
from calls.keys.keyring import ring
from calls.models import ApiKey, Call
from calls.tests.ingest.carriers.carrier_calls import TWILIO_START, connect
from calls.tests.ingest.test_sockets import Sender

pytestmark = pytest.mark.django_db(transaction=True)
in_thread = database_sync_to_async
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _quick(settings):
    settings.API_AUTH = "key"
    settings.API_KEY_REFRESH = 0.04


def revoke(key: ApiKey) -> None:
    revoke_key(key)


def let_expire(key: ApiKey) -> None:
    ApiKey.objects.update(expires_at=timezone.now())


def rotate_at_once(key: ApiKey) -> None:
    rotate_key(key, overlap=timedelta(0))


def bind_elsewhere(key: ApiKey) -> None:
    change_key(key, name=key.name, expires_at=None, networks=["192.0.2.1"])


ENDS = [
    (revoke, 4401, "unknown or revoked"),
    (let_expire, 4401, "expired at"),
    (rotate_at_once, 4401, "was rotated"),
    (bind_elsewhere, 4403, "may not be used from"),
]


async def close_of(client) -> tuple[int, str]:
    while True:
        message = await client.receive_output(timeout=5)
        if message["type"] == "websocket.close":
            return message["code"], message["reason"]


@pytest.mark.parametrize(("end", "code", "reason"), ENDS)
async def test_a_socket_of_packets_is_closed_with_the_reason(end, code, reason):
    key, plain = await in_thread(create_key)(name="pbx", scopes=["ingest"])
    sender = Sender(headers=[(b"x-api-key", plain.encode())])
    await sender.ready()

    await in_thread(end)(key)

    closed = await close_of(sender)
    assert closed[0] == code
    assert reason in closed[1]
    assert len(closed[1].encode()) <= 123
    await sender.disconnect()


@pytest.mark.parametrize("in_start", [False, True], ids=["header", "start message"])
async def test_a_carriers_stream_is_closed_wherever_its_key_was_sent(in_start):
    key, plain = await in_thread(create_key)(name="twilio", scopes=["ingest"])
    start = json.loads(json.dumps(TWILIO_START))
    if in_start:
        start["start"]["customParameters"]["token"] = plain
    headers = [] if in_start else [(b"x-api-key", plain.encode())]
    carrier = await connect(headers=headers)
    await carrier.say(start)
    for _ in range(500):
        if await in_thread(Call.objects.exists)():
            break
        await asyncio.sleep(0.01)

    await in_thread(revoke_key)(key)

    assert (await close_of(carrier))[0] == 4401
    await carrier.disconnect()


async def test_a_socket_that_was_opened_with_the_old_secret_stays_open_during_the_overlap():
    key, plain = await in_thread(create_key)(name="pbx", scopes=["ingest"])
    sender = Sender(headers=[(b"x-api-key", plain.encode())])
    await sender.ready()

    await in_thread(rotate_key)(key, overlap=HOUR)

    assert await sender.receive_nothing(timeout=0.2)
    await sender.disconnect()


async def test_a_database_outage_closes_no_socket(monkeypatch):
    _, plain = await in_thread(create_key)(name="pbx", scopes=["ingest"])
    sender = Sender(headers=[(b"x-api-key", plain.encode())])
    await sender.ready()

    monkeypatch.setattr(ring, "_load", lambda: None)

    assert await sender.receive_nothing(timeout=0.2)
    await sender.disconnect()


async def test_sockets_of_one_key_share_one_check():
    _, plain = await in_thread(create_key)(name="pbx", scopes=["ingest"])
    await in_thread(ring.find)(plain)
    waiting = [asyncio.create_task(watch.until_refused(plain, "::1")) for _ in range(3)]
    await asyncio.sleep(0)
    watched = watch._loops[asyncio.get_running_loop()]

    assert [each.count for each in watched._sockets.values()] == [3]
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert not watched._sockets
    assert watched._looking is None
