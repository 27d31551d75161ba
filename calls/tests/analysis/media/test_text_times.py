"""Timestamps of text calls: every unit, epoch and mistake gives turns in order."""

import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from calls.analysis.media.assembly import assemble
from calls.analysis.media.packets import PacketRow
from calls.analysis.media.stamps import LONGEST_S
from calls.analysis.media.timeline import MAX_GAP_S

TEXT = "text/plain"
UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
EPOCHS = {"relative": 0.0, "epoch": 1_764_300_000.0, "monotonic": 86_400.0 * 3}
SPEECH_S = [0.0, 4.0, 8.0, 12.0, 17.0, 21.0]  # when six packets were spoken
WORDS = "Hello my parcel has not come"


def call_of(stamps, words=WORDS, **more):
    rows = [
        PacketRow("s", ("agent", "customer")[n % 2], n, stamp, f"{words} {n}", "")
        for n, stamp in enumerate(stamps, 1)
    ]
    return assemble(rows, TEXT, **more)


def begins(call):
    return [turn.begin_ms for turn in call.turns]


def order(call):
    return [int(turn.text.rsplit(" ", 1)[1]) for turn in call.turns]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("epoch", EPOCHS)
def test_every_unit_and_epoch_gives_the_same_times(unit, epoch):
    call = call_of([(EPOCHS[epoch] + at) * UNITS[unit] for at in SPEECH_S])

    assert begins(call) == [round(at * 1000) for at in SPEECH_S]
    assert call.notes == ()


@pytest.mark.parametrize("before_1970_s", [62_135_596_800, 11_644_473_600], ids=[".NET", "Windows"])
def test_ticks_of_100_ns_since_another_epoch_give_the_same_times(before_1970_s):
    begin = (before_1970_s + 1_764_300_000) * 10_000_000

    call = call_of([float(begin + round(at * 1e7)) for at in SPEECH_S])

    assert begins(call) == [round(at * 1000) for at in SPEECH_S]
    assert call.notes == ()


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([0, 1764300004, 1764300008], [0, 3500, 7500]),  # 0 for unknown
        ([1764300000, 0, 1764300008], [0, None, 8000]),
        ([1764300000, 0, 0, 1764300008], None),
        ([0, 0, 4, 8], None),
        ([1, 4, 1e300, 12], [0, 3000, None, 11000]),
        ([-1e308, 1e308], None),
        ([1, 4, -1e308, 12, 15], [0, 3000, None, 11000, 14000]),
        ([float("inf"), float("nan"), 3.0, 6.0], None),
        ([5, 4, 7], [0, None, 2000]),
    ],
)
def test_packets_without_a_usable_time_are_placed_next_to_their_neighbours(stamps, expected):
    call = call_of(stamps)

    assert order(call) == list(range(1, len(stamps) + 1))
    assert all(turn.end_ms > turn.begin_ms for turn in call.turns)
    assert call.duration_ms < 60_000
    if expected and stamps[0] != 0:
        for found, wanted in zip(begins(call), expected, strict=True):
            assert wanted is None or found == wanted


def test_a_jump_of_the_clock_is_cut_as_in_audio():
    call = call_of([1, 4, 1e6, 1e6 + 4])

    assert begins(call) == [0, 3000, 603_000, 607_000]
    assert any("1 implausibly long gaps were cut to 600 s" in note for note in call.notes)


@pytest.mark.parametrize("back_s", [20, 3600, 1e9])
def test_a_clock_that_is_set_back_keeps_the_order_and_says_so(back_s):
    call = call_of([1e9 + 10, 1e9 + 20, 1e9 + 30, *(1e9 + 30 - back_s + at for at in (5, 8, 12))])

    assert order(call) == [1, 2, 3, 4, 5, 6]
    assert begins(call)[:3] == [0, 10_000, 20_000]
    assert call.duration_ms < 40_000
    assert any("set back 1 times" in note for note in call.notes)


def test_turns_of_the_same_second_share_it():
    call = call_of([4, 4, 6], words="one two three")

    assert [(turn.begin_ms, turn.end_ms) for turn in call.turns] == [
        (0, 1000), (1000, 2000), (2000, 3600),
    ]  # fmt: skip


def test_the_lines_of_a_packet_end_before_the_next_packet_begins():
    rows = [
        PacketRow("s", "", 1, 0.0, "Agent: one two three four\nCustomer: five six seven eight", ""),
        PacketRow("s", "agent", 2, 1.6, "nine", ""),
    ]

    call = assemble(rows, TEXT)

    assert [(turn.begin_ms, turn.end_ms) for turn in call.turns] == [
        (0, 800), (800, 1600), (1600, 2000),
    ]  # fmt: skip


def test_the_time_of_reception_distinguishes_a_slow_chat_from_milliseconds():
    stamps = [5.0 + 250 * n for n in range(6)]

    slow = call_of(stamps, words="yes", received_s=1250.0)
    fast = call_of(stamps, words="yes", received_s=None)

    assert begins(slow)[-1] == 1_250_000
    assert begins(fast)[-1] == 1_250


def test_streams_with_clocks_that_have_nothing_in_common_stay_near():
    rows = [
        PacketRow("a", "agent", 1, 1.0, "Good morning", ""),
        PacketRow("a", "agent", 2, 5.0, "How can I help", ""),
        PacketRow("b", "customer", 1, 1_764_300_000.0, "Hello", ""),
        PacketRow("b", "customer", 2, 1_764_300_004.0, "I have a question", ""),
    ]

    call = assemble(rows, TEXT)

    assert call.duration_ms < (MAX_GAP_S + 60) * 1000
    assert any("implausibly long" in note for note in call.notes)


def test_many_jumps_cannot_make_a_call_of_years():
    tracemalloc.start()
    call = call_of([n * 1e6 for n in range(1, 2001) for _ in (0, 1)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert call.duration_ms <= LONGEST_S * 1000 + 60_000
    assert peak < 50e6


STAMPS = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 1e300, -1e308, 1e9])


@settings(deadline=None)
@example([0.0, 0.0, -(2.0**53 + 4), -(2.0**53 + 4)])
@given(st.lists(STAMPS, min_size=1, max_size=40))
def test_any_stamps_at_all_give_turns_in_their_order_within_the_limit(stamps):
    call = call_of(stamps)

    assert order(call) == list(range(1, len(stamps) + 1))
    assert all(turn.end_ms > turn.begin_ms >= 0 for turn in call.turns)
    assert call.duration_ms <= LONGEST_S * 1000 + 10_000 * len(stamps)


@settings(deadline=None)
@given(
    steps=st.lists(st.integers(1_000, 20_000), min_size=8, max_size=30),
    unit=st.sampled_from(sorted(UNITS.values())),
    origin=st.sampled_from([0.0, 1_764_300_000.0]) | st.floats(1.0, 1e6),
    wild=st.lists(st.sampled_from([0.0, 1e300, -1e308, 4e12, float("nan")]), max_size=2),
    data=st.data(),
)
def test_a_clock_in_any_unit_with_some_wild_stamps_gives_the_spoken_times(
    steps, unit, origin, wild, data
):
    spoken_ms = [sum(steps[:n]) for n in range(len(steps))]
    stamps = [(origin + at / 1000) * unit for at in spoken_ms]
    places = data.draw(st.lists(st.integers(1, len(stamps) - 2), max_size=len(wild), unique=True))
    for place, stamp in zip(places, wild, strict=False):
        stamps[place] = stamp

    call = call_of(stamps)

    assert order(call) == list(range(1, len(stamps) + 1))
    for number, (found, wanted) in enumerate(zip(begins(call), spoken_ms, strict=True)):
        if number not in places:
            assert abs(found - wanted) <= 1
