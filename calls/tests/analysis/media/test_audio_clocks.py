"""Time stamps of audio: unknown, wild and set-back ones move no sound and hide no silence."""

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.analysis.media.clocks import with_known_stamps, without_leaps
from calls.analysis.media.g711 import MULAW
from calls.analysis.media.packets import PacketRow
from calls.tests.analysis.media.test_media_timeline import PACKET_S, heard, row, shape

UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
ORIGINS = {"from 0": 0.0, "monotonic": 86_400.0, "epoch": 1_764_300_000.0}
PAUSE_S = 3.0
COUNT = 300
WILD = [0.0, 4e12, 1e300, -1e308, float("nan"), float("inf"), -5.0]


def spoken(count=COUNT, *, pause_at=200):
    """Return when packets were spoken, with one pause."""
    return [at * PACKET_S + (PAUSE_S if at >= pause_at else 0) for at in range(count)]


def shape_of(stamps, lost=()):
    return shape(heard([row(at, stamp) for at, stamp in enumerate(stamps) if at not in lost]))


PLAIN = [("sound", 4000), ("silence", 3000), ("sound", 2000)]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(
    "unknown",
    [[1, 2, 3], range(50, 90), [*range(10, 60, 2)], [299], [0]],
    ids=["first ones", "many in a row", "every other one", "last", "very first"],
)
def test_0_for_unknown_moves_no_sound(unit, origin, unknown):
    stamps = [(ORIGINS[origin] + at) * UNITS[unit] for at in spoken()]
    for at in unknown:
        stamps[at] = 0.0

    if origin == "monotonic" and 0 in unknown:
        return  # 0 may be the start of this clock
    assert shape_of(stamps) == PLAIN


@pytest.mark.parametrize("wild", WILD)
@pytest.mark.parametrize("count", [1, 2, 3, 20])
@pytest.mark.parametrize("begin", [0, 1, 100, 279])
def test_wild_stamps_in_a_row_move_no_sound(wild, count, begin):
    stamps = [ORIGINS["epoch"] + at for at in spoken()]
    count = min(count, 3) if begin == 0 else count
    stamps[begin : begin + count] = [wild] * count

    assert shape_of(stamps) == PLAIN


@pytest.mark.parametrize("back_s", [5, 60, 3600, 1e9])
def test_a_clock_that_is_set_back_hides_no_silence_and_is_noted(back_s):
    stamps = [
        1e9 + 10 + at - (back_s if number >= 100 else 0) for number, at in enumerate(spoken())
    ]
    lost = range(150, 160)
    audio = heard([row(at, stamp) for at, stamp in enumerate(stamps) if at not in lost])

    assert shape(audio) == [
        *(("sound", 3000), ("silence", 200), ("sound", 800), ("silence", 3000), ("sound", 2000))
    ]
    assert "The sender's clock was set back 1 times: the audio is in its order." in audio.notes
    assert not any("jumped" in note for note in audio.notes)


def test_a_clock_that_stands_at_0_is_no_clock():
    assert shape_of([0.0] * 100) == [("sound", 2000)]


def test_a_pause_is_no_leap():
    ahead = np.repeat([0.0, 3.0, 10.0], 100)

    found, set_back = without_leaps(ahead)

    assert np.array_equal(found, ahead)
    assert set_back == 0


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=60))
def test_any_stamps_at_all_become_numbers(stamps):
    cleaned = np.array([each if abs(each) <= 1e19 else np.nan for each in stamps])
    audio_s = np.arange(len(stamps)) * PACKET_S

    known = with_known_stamps(cleaned, audio_s)
    found, set_back = without_leaps(known - audio_s)

    assert np.isfinite(known).all()
    assert np.isfinite(found).all()
    assert len(found) == len(stamps)
    assert 0 <= set_back < len(stamps)


@settings(deadline=None, max_examples=60)
@given(
    unit=st.sampled_from(sorted(UNITS.values())),
    origin=st.sampled_from([86_400.0, 1_764_300_000.0]),
    runs=st.lists(
        st.tuples(st.integers(1, 280), st.integers(1, 15), st.sampled_from(WILD)), max_size=4
    ),
    back_s=st.sampled_from([0, 30, 7200]),
    back_at=st.integers(20, 180),
)
def test_a_clock_in_any_unit_with_odd_stamps_and_set_back_gives_the_spoken_silences(
    unit, origin, runs, back_s, back_at
):
    stamps = [
        (origin + at - (back_s if number >= back_at else 0)) * unit
        for number, at in enumerate(spoken())
    ]
    for begin, count, wild in runs:
        end = min(begin + count, COUNT - 5)
        # Where the clock is odd, nothing shows whether a pause or a change of the clock began.
        if not any(begin - 2 <= edge <= end + 2 for edge in (back_at, 200)):
            stamps[begin:end] = [wild] * (end - begin)

    assert shape_of(stamps) == PLAIN


@settings(deadline=None)
@given(
    streams=st.lists(
        st.fixed_dictionaries(
            {
                "packet_ms": st.sampled_from([20, 200, 1000]),
                "runs": st.lists(st.integers(1, 12), min_size=1, max_size=3),
                "then_s": st.sampled_from([0.0, 0.02, 0.5, 3.0]),
            }
        ),
        min_size=2,
        max_size=5,
    )
)
def test_streams_of_a_speaker_follow_one_another_whatever_sets_their_clocks_back(streams):
    rows, begin_s = [], 0.0
    for place, stream in enumerate(streams):
        packet_s, sequence = stream["packet_ms"] / 1000, 0
        for run in stream["runs"]:
            for at in range(run):  # each run counts from the start of the stream
                code = bytes([len(rows) % 100 + 1])
                data = base64.b64encode(code * (8 * stream["packet_ms"])).decode()
                stamp = begin_s + at * packet_s
                rows.append(PacketRow(f"s{place}", "customer", sequence, stamp, data, ""))
                sequence += 1
        begin_s += sequence * packet_s + stream["then_s"]

    (channel,) = heard(rows, stream_order=[f"s{place}" for place in range(len(streams))]).channels

    sound = np.concatenate([np.repeat(MULAW[_code(row)], _length(row)) for row in rows])
    assert np.array_equal(channel.samples[channel.samples != 0], sound)


def _code(row):
    return base64.b64decode(row.data)[0]


def _length(row):
    return len(base64.b64decode(row.data))
