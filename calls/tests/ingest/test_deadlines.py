"""Deadlines: the late are told, and the others never notice."""

import asyncio

import pytest

from calls.ingest.gathering import Deadlines


class Late(Exception):
    pass


async def test_a_future_that_is_late_gets_the_exception():
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(0.01, Late)
    first, second = loop.create_future(), loop.create_future()

    deadlines.watch(first, loop)
    deadlines.watch(second, loop)

    for future in (first, second):
        with pytest.raises(Late):
            await asyncio.wait_for(future, 10)


async def test_a_future_that_is_in_time_keeps_its_result():
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(0.01, Late)
    early, late = loop.create_future(), loop.create_future()
    deadlines.watch(early, loop)
    early.set_result(None)
    deadlines.watch(late, loop)

    with pytest.raises(Late):
        await asyncio.wait_for(late, 10)

    assert early.result() is None


async def test_deadlines_go_on_after_nothing_was_waiting():
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(0.01, Late)
    for _ in range(2):
        future = loop.create_future()
        deadlines.watch(future, loop)
        with pytest.raises(Late):
            await asyncio.wait_for(future, 10)


async def test_futures_that_are_done_are_not_kept():
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(60, Late)

    for _ in range(100):
        future = loop.create_future()
        deadlines.watch(future, loop)
        future.set_result(None)

    assert len(deadlines._waiting[loop]) == 1


def test_each_event_loop_has_its_own_deadlines():
    deadlines = Deadlines(0.01, Late)

    async def wait():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        deadlines.watch(future, loop)
        await asyncio.wait_for(future, 10)

    for _ in range(2):
        with pytest.raises(Late):
            asyncio.run(wait())
