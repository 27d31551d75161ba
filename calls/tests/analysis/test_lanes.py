"""Writes that share a transaction, even with a bad one among them."""

import asyncio

from calls.analysis.group_commit import Lane


async def in_thread(function, *args):
    return await asyncio.to_thread(function, *args)


async def test_items_that_arrive_together_are_written_together():
    batches = []

    def write(items):
        batches.append(list(items))
        return [item * 2 for item in items]

    lane = Lane(write, in_thread)

    assert await asyncio.gather(*(lane.put(n) for n in range(5))) == [0, 2, 4, 6, 8]
    assert batches == [[0, 1, 2, 3, 4]]


async def test_an_item_that_breaks_the_transaction_does_not_affect_others():
    def write(items):
        if 3 in items:
            raise RuntimeError("3 cannot be written")
        return list(items)

    lane = Lane(write, in_thread)

    results = await asyncio.gather(*(lane.put(n) for n in range(5)), return_exceptions=True)

    assert [result for result in results if not isinstance(result, Exception)] == [0, 1, 2, 4]
    assert str(results[3]) == "3 cannot be written"


async def test_a_refused_item_gets_its_own_exception():
    lane = Lane(lambda items: [LookupError(item) if item else item for item in items], in_thread)

    results = await asyncio.gather(lane.put(0), lane.put(1), return_exceptions=True)

    assert results[0] == 0
    assert isinstance(results[1], LookupError)


async def test_an_item_cancelled_before_the_write_is_left_out():
    written = []
    lane = Lane(lambda items: [written.append(item) for item in items], in_thread)
    given_up = asyncio.create_task(lane.put("given up"))
    wanted = asyncio.create_task(lane.put("wanted"))
    await asyncio.sleep(0)

    given_up.cancel()
    await wanted
    await lane.close()

    assert written == ["wanted"]
