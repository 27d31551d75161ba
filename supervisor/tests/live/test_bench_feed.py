"""The benchmark of the feed: what it counts and compares, and the options it refuses."""

import asyncio
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from benchmarks.feed.audience import Delays, Watcher
from benchmarks.feed.memory import MemoryLog
from benchmarks.feed.outages import differs
from benchmarks.feed.replicas import Replica
from benchmarks.management.commands.bench_feed import _failures, _summary

EVENT = b'{"type":"x","offset":%d,"at":"2026-01-31T12:00:00+00:00"}'


def watcher(*pieces):
    async def listen():
        one = Watcher(1, Delays())
        for piece in pieces:
            one.data_received(piece)
        return one

    return asyncio.run(listen())


def test_an_event_received_in_two_pieces_counts_once():
    whole = EVENT % 1 + EVENT % 2

    seen = watcher(whole[:70], whole[70:])

    assert (seen.count, seen.last) == (2, 2)


def test_a_ping_between_events_is_answered_once():
    answers = []
    one = watcher()
    one._transport = SimpleNamespace(write=answers.append)

    for piece in (EVENT % 1, b"\x89\x04\n\xff12", EVENT % 2):
        one.data_received(piece)

    assert answers == [b"\x8a\x84\0\0\0\0\n\xff12"]
    assert one.count == 2


def test_missed_and_duplicate_events_of_a_socket_are_counted():
    watchers = [watcher(EVENT % 1, EVENT % 2), watcher(EVENT % 2, EVENT % 1)]

    seen = _summary(watchers, Delays(), 2)

    assert (seen["missed"], seen["out_of_order"]) == (1, 1)


def test_quantiles_are_those_of_all_delays():
    delays = Delays()
    for number in range(1, 101):
        delays.add(number / 1000)

    assert [delays.quantile(share) for share in (0.5, 0.99, 1)] == [50, 99, 100]


@pytest.mark.parametrize(
    ("seconds", "samples", "growth"),
    [
        (600, [50.0, 90.0, 100.0, 100.0, 101.0, 100.0], 1.0),
        (600, [50.0, 50.0, 50.0, 100.0, 150.0, 200.0], 100.0),
        (20, [50.0, 50.0, 50.0, 100.0, 150.0, 200.0], None),
    ],
)
def test_memory_is_checked_after_the_warm_up(seconds, samples, growth):
    memory = MemoryLog(0, seconds=seconds)
    memory.mb = samples

    assert memory.growth_percent == growth


def test_a_value_above_its_limit_is_named():
    seen = {"missed": 0, "p99_ms": 1200, "memory_growth_percent": None, "differing_clients": 2}

    assert _failures(seen) == ["p99 ms 1200, at most 1000", "differing clients 2, at most 0"]


TRUTH = {"old": ("ARCHIVED", 4), "new": ("IN_PROGRESS", 1)}


@pytest.mark.parametrize(
    ("known", "is_wrong"),
    [
        (TRUTH, False),
        ({"new": ("IN_PROGRESS", 1)}, False),  # as after a snapshot that no longer held the other
        ({"old": ("ARCHIVED", 4)}, True),
        ({**TRUTH, "old": ("PROCESSING_AI", 3)}, True),
        ({**TRUTH, "never was": ("COMPLETED", 2)}, True),
    ],
)
def test_a_client_with_missing_or_wrong_calls_differs(known, is_wrong):
    assert differs(known, {"new": ("IN_PROGRESS", 1)}, TRUTH) is is_wrong


def change(offset, version, state):
    return {
        "type": "state_change", "call_id": "a", "state": state, "offset": offset,
        "data": {"version": version},
    }  # fmt: skip


async def test_a_replica_ignores_known_events_and_starts_again_from_a_snapshot():
    replica = Replica(1)
    snapshot = {
        "type": "snapshot", "epoch": "e", "head": 5,
        "calls": [{"call_id": "a", "state": "COMPLETED", "version": 2}],
    }  # fmt: skip

    await replica._take({**snapshot, "calls": [], "head": 1}, None)
    await replica._take(change(3, 1, "IN_PROGRESS"), None)
    await replica._take(change(2, 2, "COMPLETED"), None)
    assert (replica.calls, replica.offset) == ({"a": ("IN_PROGRESS", 1)}, 3)

    await replica._take(snapshot, None)
    await replica._take(change(6, 1, "IN_PROGRESS"), None)
    assert (replica.calls, replica.offset) == ({"a": ("COMPLETED", 2)}, 6)


@pytest.mark.parametrize("option", ["--supervisors", "--rate", "--seconds", "--clients"])
def test_a_size_out_of_range_is_refused(option):
    with pytest.raises(CommandError, match="must be from"):
        call_command("bench_feed", option, "0")
