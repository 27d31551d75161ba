"""The channel layer of one process: shared messages, and what happens to slow members."""

import asyncio

import pytest
from channels.exceptions import ChannelFull

from supervisor.live.layer import ProcessLayer


@pytest.fixture
def layer():
    return ProcessLayer(capacity=3)


async def test_every_member_of_a_group_gets_the_same_message(layer):
    message = {"type": "x"}
    for channel in ("one", "two"):
        await layer.group_add("all", channel)

    await layer.group_send("all", message)

    assert await layer.receive("one") is message
    assert await layer.receive("two") is message


async def test_a_slow_member_is_told_once_and_does_not_affect_others(layer):
    for channel in ("slow", "quick"):
        await layer.group_add("all", channel)

    seen = []
    for number in range(5):
        await layer.group_send("all", {"type": "x", "number": number})
        seen.append((await layer.receive("quick"))["number"])

    assert seen == [0, 1, 2, 3, 4]
    assert await layer.receive("slow") == {"type": "layer.overflow"}
    assert list(layer._groups["all"]) == ["quick"]
    assert "slow" not in layer._boxes


async def test_a_full_channel_refuses_what_is_sent_to_it_alone(layer):
    for _ in range(3):
        await layer.send("one", {"type": "x"})

    with pytest.raises(ChannelFull):
        await layer.send("one", {"type": "x"})


async def test_a_member_that_has_left_is_removed_with_its_messages(layer):
    await layer.group_add("all", "one")
    await layer.group_send("all", {"type": "x"})

    await layer.group_discard("all", "one")
    await layer.group_send("all", {"type": "x"})

    assert (layer._boxes, layer._groups) == ({}, {})


async def test_a_receiver_that_stops_waiting_is_removed(layer):
    channel = await layer.new_channel()
    waiting = asyncio.create_task(layer.receive(channel))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert layer._boxes == {}
