"""The benchmark of the feed: what it counts, and what it refuses."""

import asyncio

import pytest
from django.core.management import CommandError, call_command

from supervisor.benchmark.audience import Watcher
from supervisor.management.commands.bench_feed import _summary

EVENT = b'{"type":"x","offset":%d,"at":"2026-01-31T12:00:00+00:00"}'


def watcher(*pieces):
    async def listen():
        one = Watcher(1)
        for piece in pieces:
            one.data_received(piece)
        return one

    return asyncio.run(listen())


def test_an_event_that_comes_in_two_pieces_counts_once():
    whole = EVENT % 1 + EVENT % 2

    assert watcher(whole[:70], whole[70:]).offsets == [1, 2]


def test_what_one_socket_missed_is_counted():
    seen = _summary([watcher(EVENT % 1, EVENT % 2), watcher(EVENT % 2)])

    assert (seen["events"], seen["missed"], seen["out_of_order"]) == (2, 1, 0)


@pytest.mark.parametrize("option", ["--supervisors", "--rate", "--seconds"])
def test_a_size_out_of_range_is_refused(option):
    with pytest.raises(CommandError, match="must be from"):
        call_command("bench_feed", option, "0")
