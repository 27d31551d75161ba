"""The queue of the writer: a burst is taken whole, and nobody waits long for company."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager

from calls.ingest.gathering import BURST_S, Gathering
from calls.ingest.requests import StoreRequest
from calls.tests.factories import packet


def request(sequence):
    return StoreRequest([packet("c", sequence)], done=None, arrived_at=float(sequence))


def put(gathering, lock, sequence, loop=None):
    with lock:
        gathering.put(request(sequence), loop)


def sequences(requests):
    return [each.packets[0].sequence for each in requests]


@asynccontextmanager
async def waiting_writer(gathering):
    """Start a writer, and go on when it waits. Yields what it will have taken."""
    writer = asyncio.create_task(asyncio.to_thread(gathering.take, None))
    while not gathering._changed._waiters:  # noqa: ASYNC110 (a thread's state, without an event)
        await asyncio.sleep(0)
    yield writer
    await writer


async def test_a_loop_that_is_still_reading_a_burst_does_not_wake_the_writer():
    lock, loop = threading.Lock(), asyncio.get_running_loop()
    gathering = Gathering(lock)
    gathering.expect(3)

    async with waiting_writer(gathering) as writer:
        put(gathering, lock, 1, loop)
        time.sleep(20 * BURST_S)  # noqa: ASYNC251 (a slow loop; a writer that woke up would take the first)
        put(gathering, lock, 2, loop)
        put(gathering, lock, 3, loop)

        assert sequences(await writer) == [1, 2, 3]


async def test_a_burst_that_is_smaller_than_the_last_is_taken_without_the_others():
    lock = threading.Lock()
    gathering = Gathering(lock)
    gathering.expect(3)

    async with waiting_writer(gathering) as writer:
        put(gathering, lock, 1, asyncio.get_running_loop())

        assert sequences(await asyncio.wait_for(writer, 10)) == [1]


async def test_the_end_of_an_earlier_burst_does_not_end_a_later_one():
    lock, loop = threading.Lock(), asyncio.get_running_loop()
    gathering = Gathering(lock)
    async with waiting_writer(gathering) as writer:
        put(gathering, lock, 1, loop)
        await writer
    gathering.expect(2)

    async with waiting_writer(gathering) as writer:
        put(gathering, lock, 2, loop)
        gathering._end(0)
        time.sleep(20 * BURST_S)  # noqa: ASYNC251 (the loop must not end this burst either)
        put(gathering, lock, 3, loop)

        assert sequences(await writer) == [2, 3]


async def test_requests_that_arrived_during_a_transaction_wait_for_company_only_briefly():
    lock = threading.Lock()
    gathering = Gathering(lock)
    put(gathering, lock, 1)
    gathering.expect(60)

    taken = await asyncio.wait_for(asyncio.to_thread(gathering.take, None), 10)

    assert sequences(taken) == [1]
    assert gathering.age_s(now=5.0) == 4.0


async def test_a_closed_queue_is_taken_without_waiting(monkeypatch):
    monkeypatch.setattr("calls.ingest.gathering.GATHER_S", 60)
    lock = threading.Lock()
    gathering = Gathering(lock)
    gathering.expect(60)
    put(gathering, lock, 1)
    with lock:
        gathering.close()

    assert sequences(gathering.take(None)) == [1]
    assert gathering.take(None) == []
