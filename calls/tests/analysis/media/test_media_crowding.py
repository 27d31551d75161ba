"""Calls with very many streams and tracks are decoded with bounded work and memory."""

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.analysis.media.crowding import MAX_TRACKS, NAMED, Gaps, silence_limit_s, some_of
from calls.analysis.media.timeline import MAX_GAP_S, MAX_SILENCE_S
from calls.tests.analysis.media.test_media_timeline import PACKET_S, heard, row, shape


def test_a_track_for_each_packet_is_one_track_in_little_time():
    rows = [row(at, at * PACKET_S, f"track {at}") for at in range(10_000)]
    began = time.process_time()

    audio = heard(rows)

    assert time.process_time() - began < 5
    assert shape(audio, "customer") == [("sound", 200_000)]
    assert audio.notes[0].startswith("10,000 names of tracks are too many")


def test_known_sides_stay_separate_among_too_many_tracks():
    rows = [row(at, at * PACKET_S, f"track {at}") for at in range(MAX_TRACKS)]
    rows += [row(1000 + at, at * PACKET_S, "agent") for at in range(50)]

    audio = heard(rows)

    assert shape(audio, "agent")[0] == ("sound", 1000)
    assert len(audio.channels) == 2


def test_the_tracks_of_a_conference_stay_separate():
    rows = [row(at, 0.0, f"track {at}") for at in range(MAX_TRACKS)]

    audio = heard(rows)

    assert not any("too many" in note for note in audio.notes)
    assert max(map(len, audio.notes)) < 200


@pytest.mark.parametrize("inside", [0.0, 3000.0], ids=["between", "and inside"])
def test_the_silence_of_many_streams_cannot_fill_the_memory(inside):
    rows = []
    for stream in range(100):
        begin = stream * (inside + 599)
        rows += [
            row(1, begin, "agent", f"s{stream:03}"),
            row(2, begin + inside, "agent", f"s{stream:03}"),
        ]
    tracemalloc.start()

    audio = heard(rows)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert audio.duration_ms <= 1000 * (10 * MAX_SILENCE_S + 10)
    assert peak < 2e9
    assert len(audio.notes) < 20


def test_a_few_streams_keep_all_their_silence():
    assert silence_limit_s(1) == silence_limit_s(8) == MAX_SILENCE_S
    assert 80 * silence_limit_s(80) == 8 * MAX_SILENCE_S


@given(st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e4)), max_size=60))
def test_gaps_are_bounded_one_by_one_and_together(starts):
    gaps, end, silent = Gaps(), 0.0, 0.0

    for wanted, length in starts:
        start = gaps.cut(wanted, end)
        assert start <= max(wanted, end) + 1e-6
        assert start - end <= MAX_GAP_S + 1e-6
        silent += max(0.0, start - end)
        end = max(end, start + length)

    assert silent <= MAX_SILENCE_S + 1e-3


def test_a_note_names_a_few_and_counts_the_others():
    assert some_of(["a", ""]) == "a, (no name)"
    assert some_of(["x"] * (NAMED + 1_234)).endswith("x and 1,234 more")
