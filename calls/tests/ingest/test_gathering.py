"""The queue of the writer: a burst is taken whole, and nobody waits for long, on either side."""

import asyncio
import threading
import time
from contextlib import asynccontextmanager

import pytest

from calls.ingest.gathering import BURST_S, Deadlines, Gathering
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


class Late(Exception):
    pass


async def wait_too_long(deadlines):
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    deadlines.watch(future, loop)
    with pytest.raises(Late):
        await asyncio.wait_for(future, 10)


async def test_futures_that_are_late_get_the_exception_again_and_again():
    deadlines = Deadlines(0.01, Late)

    await asyncio.gather(wait_too_long(deadlines), wait_too_long(deadlines))
    await wait_too_long(deadlines)


def test_each_event_loop_has_its_own_deadlines():
    deadlines = Deadlines(0.01, Late)

    for _ in range(2):
        asyncio.run(wait_too_long(deadlines))


async def test_a_future_that_is_in_time_keeps_its_result():
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(0.01, Late)
    early = loop.create_future()
    deadlines.watch(early, loop)
    early.set_result(None)

    await wait_too_long(deadlines)

    assert early.result() is None


async def test_futures_that_are_done_are_not_kept():
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(60, Late)

    for _ in range(100):
        future = loop.create_future()
        deadlines.watch(future, loop)
        future.set_result(None)

    assert len(deadlines._waiting[loop]) == 1
