"""Which calls are open: each process tells the database, and its rows expire when it dies."""

import asyncio
import json
import time
from datetime import timedelta

import httpx
import psutil
import pytest
from channels.db import database_sync_to_async
from django.utils import timezone
from websockets.asyncio.client import connect

from benchmarks.rig.services import Service, kill
from calls import services
from calls.models import CallViewing
from calls.tests.factories import live_call
from supervisor.live.viewings import ALIVE, CHANGE_S, RENEW_S, Viewings
from supervisor.tests.live.test_event_stream import Listener
from supervisor.tests.live.test_feed import Watcher

pytestmark = pytest.mark.django_db(transaction=True)
in_thread = database_sync_to_async


@pytest.fixture
def viewings():
    return Viewings()


def rows():
    return sorted(CallViewing.objects.values_list("call__call_id", "viewers"))


async def eventually(expected):
    async with asyncio.timeout(10):
        while True:
            if await in_thread(rows)() == expected:
                return
            await asyncio.sleep(0.02)


def test_each_open_call_has_one_row_per_process_that_expires(viewings):
    call = live_call()
    before = timezone.now()

    viewings.write({call.pk: 2}, 0)
    Viewings().write({call.pk: 1}, 0)

    assert [viewers for _, viewers in rows()] == [1, 2]
    assert len({row.process for row in CallViewing.objects.all()}) == 2
    assert all(row.alive_until >= before + ALIVE for row in CallViewing.objects.all())


def test_a_call_that_is_closed_loses_its_row_and_others_stay(viewings):
    first, second = live_call("a"), live_call("b")
    viewings.write({first.pk: 1, second.pk: 1}, 0)

    viewings.write({second.pk: 3}, 1)

    assert rows() == [("b", 3)]


def test_rows_of_dead_processes_are_deleted_by_whoever_writes(viewings):
    call = live_call("a")
    dead = {"call": call, "process": "dead", "viewers": 7}
    CallViewing.objects.create(**dead, alive_until=timezone.now() - timedelta(seconds=1))

    viewings.write({call.pk: 1}, 0)

    assert rows() == [("a", 1)]


def test_a_call_that_was_deleted_meanwhile_is_left_out(viewings):
    call, gone = live_call("a"), live_call("b")
    open_calls = {call.pk: 1, gone.pk: 1}
    gone.delete()

    viewings.write(open_calls, 0)

    assert rows() == [("a", 1)]


def test_a_row_that_was_considered_expired_is_restored(viewings):
    call = live_call("a")
    viewings.write({call.pk: 1}, 0)
    CallViewing.objects.all().delete()

    viewings.write({call.pk: 1}, RENEW_S)

    assert rows() == [("a", 1)]


def test_changes_are_written_together_and_rows_are_renewed(viewings):
    call = live_call()

    assert not viewings.are_due({}, clock=0)
    assert viewings.are_due({call.pk: 1}, clock=0)
    viewings.write({call.pk: 1}, 0)

    assert not viewings.are_due({call.pk: 2}, clock=CHANGE_S - 0.1)
    assert viewings.are_due({call.pk: 2}, clock=CHANGE_S)
    assert not viewings.are_due({call.pk: 1}, clock=RENEW_S - 0.1)
    assert viewings.are_due({call.pk: 1}, clock=RENEW_S)
    assert timedelta(seconds=2 * RENEW_S) < ALIVE


@pytest.fixture
def _open(settings):
    settings.API_AUTH = "open"
    settings.GROUP_COMMIT = False
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.mark.usefixtures("_open")
async def test_sockets_and_streams_count_until_they_leave():
    call = await in_thread(live_call)("call-1")
    client, listener = Watcher(), Listener("watch=call-1")
    await client.hello()
    await client.send_json_to({"type": "subscribe", "call_ids": ["call-1", "not-yet"]})
    await eventually([("call-1", 1)])

    await listener.open()
    await eventually([("call-1", 2)])

    await listener.close()
    await eventually([("call-1", 1)])
    await client.disconnect()
    assert await in_thread(rows)() == []
    await in_thread(call.refresh_from_db)()


@pytest.mark.usefixtures("_open")
async def test_an_ended_call_has_no_priority():
    await in_thread(live_call)("call-1")
    client = Watcher()
    await client.hello()
    await client.send_json_to({"type": "subscribe", "call_ids": ["call-1"]})
    await eventually([("call-1", 1)])

    await in_thread(services.end_call)(call_id="call-1")

    await eventually([])
    assert await in_thread(rows)() == []
    await client.disconnect()


ROWS = """
from calls.models import CallViewing
print(sorted(CallViewing.objects.values_list("call__call_id", "viewers")))
"""
EXPIRE = """
from django.utils import timezone
from calls.models import CallViewing
CallViewing.objects.filter(viewers=2).update(alive_until=timezone.now())
"""


def listen(address):
    return connect(f"{address.replace('http', 'ws')}/stream/ws/supervisor")


async def subscribe(client):
    await client.send(json.dumps({"type": "subscribe", "call_ids": ["call-1"]}))
    while json.loads(await asyncio.wait_for(client.recv(), 10))["type"] != "live_transcript":
        pass


@pytest.mark.slow
@pytest.mark.processes
async def test_the_rows_of_a_killed_process_stay_until_they_expire(tmp_path):
    with Service(tmp_path, API_AUTH="open") as service:
        dying = service.web()
        process = psutil.Process(service.processes[-1].pid)
        living = service.web()
        async with httpx.AsyncClient() as carrier:
            (await carrier.post(f"{dying}/v1/call/call-1/start", json={})).raise_for_status()

        async def shown(code=ROWS):
            return (await asyncio.to_thread(service.run, "shell", "-v0", "-c", code)).stdout.strip()

        async def once(expected):
            """Return the rows once they are as expected, or after a minute."""
            found, deadline = await shown(), time.monotonic() + 60
            while expected != found and time.monotonic() < deadline:
                found = await shown()
            return found

        async with listen(dying) as first, listen(dying) as second:
            await subscribe(first)
            await subscribe(second)
            assert await once("[('call-1', 2)]") == "[('call-1', 2)]"
            kill(process)

        async with listen(living) as client:
            await subscribe(client)
            both = "[('call-1', 1), ('call-1', 2)]"
            assert await once(both) == both
            await shown(EXPIRE)
            assert await once("[('call-1', 1)]") == "[('call-1', 1)]"
        assert await once("[]") == "[]"
