"""One process, or several one after another, find the same utterances in a live call."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.analysis.live.audio.call import LiveCall
from calls.analysis.media.packets import PacketRow, speaker_map
from calls.tests.analysis.live.listening import SILENCE, LoudDetector, spoken

SPANS = [(1, 2), (3, 3.7), (5, 7), (14, 15), (16, 17.5), (23, 24)]


def rows_of(*spans, seconds=26, track="customer", first=1, begin_s=0.0, step=1):
    return [
        PacketRow("s", each.track, first + (each.sequence - first) * step, each.timestamp,
                  each.data, each.media, received=1e9 + each.timestamp)
        for each in spoken("c", *spans, seconds=seconds, track=track, first=first, begin_s=begin_s)
    ]  # fmt: skip


def a_call(positions=None):
    live = LiveCall(speakers=speaker_map({}), detector=LoudDetector, positions=positions)
    live.open_stream("s", offset_ms=0)
    return live


def hear(live, rows, *, now=0.0, at_a_time=3):
    found = []
    for at in range(0, len(rows), at_a_time):
        live.add(rows[at : at + at_a_time], now + at)
        found += live.utterances(now + at)
    return found


def facts(utterances):
    return [
        (each.channel, each.before.number, each.begin_ms, each.end_ms, each.fingerprint)
        for each in utterances
    ]


@settings(max_examples=6, deadline=None)
@given(st.integers(1, 255), st.integers(1, 255))
def test_a_process_that_continues_finds_the_same_utterances_and_fingerprints(one, two):
    rows = rows_of(*SPANS)
    whole = a_call()
    expected = facts([*hear(whole, rows), *whole.utterances(1e6, all_of_it=True)])
    found, positions, until = [], None, 0
    for cut in sorted({one, two}):
        live = a_call(positions)
        found += hear(live, resumed(rows, positions)[: cut - until_of(positions)])
        positions, until = json.loads(json.dumps(live.positions({}))), cut

    last = a_call(positions)
    found += [*hear(last, resumed(rows, positions)), *last.utterances(1e6, all_of_it=True)]

    assert until > 0
    assert facts(found) == expected


def until_of(positions):
    """Return how many packets are before the anchor."""
    anchors = (positions or {"streams": {}})["streams"].get("s", {})
    return min((each[0] for each in anchors.values()), default=1) - 1


def resumed(rows, positions):
    return rows[until_of(positions) :]


def test_an_utterance_whose_words_are_not_stored_is_found_again():
    rows = rows_of(*SPANS)
    first = a_call()
    found = hear(first, rows[:185])
    pending = {found[-1].channel: found[-1].before}
    positions = json.loads(json.dumps(first.positions(pending)))

    second = a_call(positions)
    again = hear(second, resumed(rows, positions))

    assert facts(again)[0] == facts(found)[-1]


def test_a_track_that_starts_later_is_placed_by_the_clock():
    agent = rows_of((1, 2), seconds=12, track="agent", step=2)
    late = rows_of((6, 7), seconds=7, track="customer", first=102, begin_s=5.0, step=2)
    rows = sorted([*agent, *late], key=lambda row: row.timestamp)
    rows = [row._replace(sequence=number) for number, row in enumerate(rows, 1)]
    live = a_call()

    found = [*hear(live, rows), *live.utterances(1e6, all_of_it=True)]

    assert [each.speaker for each in found] == ["agent", "customer"]
    assert found[1].begin_ms == pytest.approx(5_800, abs=150)


def test_one_silent_side_does_not_hold_the_other_one_up():
    rows = rows_of((1, 2), track="agent", seconds=4, step=2)
    silent = [
        row._replace(track="customer", data=SILENCE, sequence=row.sequence + 1) for row in rows
    ]
    live = a_call()

    found = hear(live, sorted([*rows, *silent], key=lambda row: row.sequence))

    assert [each.speaker for each in found] == ["agent"]


def test_a_damaged_packet_is_silence():
    rows = rows_of((1, 3), seconds=5)
    rows[20] = rows[20]._replace(data="%%%")
    live = a_call()

    (found,) = hear(live, rows)

    begin = 20 * 800 - found.place
    assert not np.any(found.samples[begin : begin + 800])
    assert np.any(found.samples[begin + 800 :])


def test_repeated_and_late_packets_change_nothing():
    rows = rows_of((1, 2), seconds=4)
    twice = [row for row in rows for _ in range(2)]
    live = a_call()

    (found,) = [*hear(live, [*twice, *rows[:10]], at_a_time=7)]

    (expected,) = hear(a_call(), rows)
    assert facts([found]) == facts([expected])
