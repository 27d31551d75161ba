"""A supervisor who does not read, next to one who does, on a real server."""

import asyncio
import json
import socket

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks.rig.services import Service
from supervisor.protocol import CLOSE_PATIENCE_S

pytestmark = pytest.mark.processes

COUNT = 2000
# More than the buffers of any system, and read by the feed in several batches.
MAKE_EVENTS = f"""
from django.db import transaction
from django.utils import timezone
from calls import events
from calls.events.alerts import AlertRaised
entry = AlertRaised(alert=1, rule="r", kind="k", severity="notice", found="f",
                    quote="x" * 10_000, speaker="customer", offset_ms=None)
with transaction.atomic():
    events.append([(events.NoCall(), entry)] * {COUNT}, at=timezone.now())
"""
PATIENCE_S = 0.5
# After that it is told why; it is cut off CLOSE_PATIENCE_S later.
WITHIN_S = PATIENCE_S + CLOSE_PATIENCE_S / 2
MEMORY_LIMIT = 150 * 2**20


@pytest.fixture
def service(tmp_path):
    with Service(tmp_path, API_AUTH="open", FEED_PATIENCE=str(PATIENCE_S)) as running:
        yield running


def small_socket(address):
    """A connection with small buffers, so that unread data soon blocks the server."""
    host, port = address.removeprefix("http://").split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((host, int(port)))
    connection.setblocking(False)
    return connection


def listen(address, **options):
    return connect(f"{address.replace('http', 'ws')}/stream/ws/supervisor", **options)


async def offsets_of(client, count):
    offsets = []
    while len(offsets) < count:
        message = json.loads(await asyncio.wait_for(client.recv(), 30))
        if "offset" in message:
            offsets.append(message["offset"])
    return offsets


async def closing_code(client):
    """Read what is left, to the end."""
    try:
        while True:
            await asyncio.wait_for(client.recv(), 30)
    except ConnectionClosed as error:
        return error.rcvd.code if error.rcvd else None


async def come_back(address, offsets):
    """Resume as a page does after it was closed, here from 500 events ago."""
    async with listen(address, max_size=None) as client:
        epoch = json.loads(await client.recv())["epoch"]
        resume = {"type": "resume", "epoch": epoch, "offset": offsets[-501]}
        await client.send(json.dumps(resume))
        assert await offsets_of(client, 500) == offsets[-500:]


def peers_of(process):
    return {tuple(each.raddr) for each in process.net_connections("tcp") if each.raddr}


@pytest.mark.slow
async def test_a_client_that_does_not_read_is_closed_with_a_code_and_slows_nobody(service):
    address = service.web()
    server = psutil.Process(service.processes[-1].pid)
    slow_options = {"max_queue": 1, "close_timeout": 1}
    async with (
        listen(address, sock=small_socket(address), **slow_options) as slow,
        listen(address, sock=small_socket(address), **slow_options) as dead,
        listen(address, max_size=None) as quick,
    ):
        before = server.memory_info().rss
        making = asyncio.create_task(asyncio.to_thread(service.run, "shell", "-c", MAKE_EVENTS))
        offsets = await offsets_of(quick, 1)
        reading = asyncio.create_task(offsets_of(quick, COUNT - 1))
        await asyncio.sleep(WITHIN_S)

        assert await closing_code(slow) == 4408
        offsets += await reading
        await making
        assert offsets == list(range(offsets[0], offsets[0] + COUNT))
        assert server.memory_info().rss - before < MEMORY_LIMIT
        await come_back(address, offsets)
        # Who never reads is cut off: the server does not wait for it.
        for _ in range(100):
            if is_gone := dead.local_address not in peers_of(server):
                break
            await asyncio.sleep(0.1)
        assert is_gone
