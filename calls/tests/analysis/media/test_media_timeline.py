"""Silence goes where packets are missing or the sender paused, and nowhere else."""

import base64
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.analysis.media.assembly import assemble
from calls.analysis.media.packets import PacketRow
from calls.conversation import CallAudio, Span

MULAW_8K = "audio/x-mulaw;rate=8000"
PACKET_S = 0.02


def row(sequence: int, at: float, track: str = "agent", stream: str = "s", ms: int = 20):
    """A packet of ``ms`` of a constant sound, another one for each side."""
    code = b"\x80" if track == "agent" else b"\x90"
    data = base64.b64encode(code * (8 * ms)).decode()
    return PacketRow(stream, track, sequence, at, data, "")


def shape(audio: CallAudio, speaker: str = "agent") -> list[tuple[str, int]]:
    """A channel as runs of sound and silence, in ms."""
    samples = next(each.samples for each in audio.channels if each.speaker == speaker)
    sound = samples != 0
    edges = [0, *(np.flatnonzero(np.diff(sound)) + 1), len(sound)]
    return [
        ("sound" if sound[begin] else "silence", (end - begin) // 8)
        for begin, end in pairwise(edges)
    ]


def heard(rows, **more) -> CallAudio:
    audio = assemble(rows, MULAW_8K, **more)
    assert isinstance(audio, CallAudio)
    return audio


# One track
def test_a_call_without_gaps_has_no_silence():
    audio = heard([row(i, i * PACKET_S) for i in range(100)])

    assert shape(audio) == [("sound", 2000)]
    assert audio.missing == ()


@pytest.mark.parametrize("clock", [lambda i: i * PACKET_S, lambda i: 5.0, lambda i: -i * 7.0])
def test_missing_packets_become_silence_of_their_length_despite_the_clock(clock):
    audio = heard([row(i, clock(i)) for i in range(100) if i not in (40, 41, 42)])

    assert shape(audio) == [("sound", 800), ("silence", 60), ("sound", 1140)]
    assert audio.missing == (Span(800, 860),)


@settings(deadline=None)
@given(st.lists(st.floats(-0.09, 0.09), min_size=60, max_size=60))
def test_jitter_of_the_clock_never_inserts_or_cuts_a_sample(jitter):
    audio = heard([row(i, i * PACKET_S + extra) for i, extra in enumerate(jitter)])

    assert shape(audio) == [("sound", 1200)]


def test_a_stall_that_is_caught_up_inserts_nothing():
    stamps = [i * PACKET_S + (0.5 if i == 50 else 0) for i in range(100)]
    for late in range(51, 75):
        stamps[late] = max(stamps[late], stamps[50])

    audio = heard([row(i, at) for i, at in enumerate(stamps)])

    assert shape(audio) == [("sound", 2000)]


def test_packets_stamped_in_groups_insert_nothing():
    audio = heard([row(i, i // 50) for i in range(200)])

    assert shape(audio) == [("sound", 4000)]


def test_a_clock_that_runs_one_percent_fast_inserts_nothing():
    audio = heard([row(i, i * PACKET_S * 1.01) for i in range(3000)])

    assert shape(audio) == [("sound", 60000)]


def test_a_pause_of_the_sender_becomes_silence_but_is_not_missing():
    audio = heard([row(i, i * PACKET_S + (3.0 if i >= 60 else 0)) for i in range(100)])

    assert shape(audio) == [("sound", 1200), ("silence", 3000), ("sound", 800)]
    assert audio.missing == ()
    assert any("paused 1 times, 3.0 s" in note for note in audio.notes)


@pytest.mark.parametrize(("jump_s", "silence"), [(0.19, 0), (0.2, 200), (0.25, 250)])
def test_a_pause_counts_from_200_ms(jump_s, silence):
    audio = heard([row(i, i * PACKET_S + (jump_s if i >= 60 else 0)) for i in range(100)])

    assert audio.duration_ms == 2000 + silence


def test_small_unnumbered_losses_are_filled_once_they_add_up():
    def lag(i: int) -> float:
        return (i // 100) * 0.1

    audio = heard([row(i, i * PACKET_S + lag(i)) for i in range(500)])

    assert audio.duration_ms == 10_000 + 400


def test_a_loss_during_a_pause_covers_both():
    audio = heard([row(i, i * PACKET_S + (3.0 if i > 60 else 0)) for i in range(100) if i != 60])

    assert shape(audio) == [("sound", 1200), ("silence", 3020), ("sound", 780)]
    assert audio.missing == (Span(1200, 4220),)


def test_a_jump_of_the_sequence_alone_is_not_a_loss():
    audio = heard([row(i if i < 50 else i + 1_000_000, i * PACKET_S) for i in range(100)])

    assert shape(audio) == [("sound", 2000)]
    assert any("jumped 1 times" in note for note in audio.notes)


@pytest.mark.parametrize("unit", [3, 10, 160])
def test_a_sequence_that_counts_samples_is_understood(unit):
    audio = heard([row(i * unit, i * PACKET_S) for i in range(100) if i not in (30, 31)])

    assert shape(audio) == [("sound", 600), ("silence", 40), ("sound", 1360)]
    assert audio.missing == (Span(600, 640),)
    assert audio.notes == ()


@pytest.mark.parametrize("origin", [0.0, 1_700_000_000_000.0])
def test_timestamps_in_milliseconds_are_recognised(origin):
    audio = heard([row(i, origin + i * 20 + (3000 if i >= 60 else 0)) for i in range(100)])

    assert shape(audio) == [("sound", 1200), ("silence", 3000), ("sound", 800)]


def test_a_single_wild_timestamp_is_ignored():
    for wild in (0.0, 4e9, float("nan"), float("inf")):
        stamps = [1_700_000_000 + i * PACKET_S for i in range(100)]
        stamps[50] = wild

        assert shape(heard([row(i, at) for i, at in enumerate(stamps)])) == [("sound", 2000)]


def test_an_absurd_gap_is_capped_with_a_note():
    audio = heard([row(i, i * PACKET_S + (1e9 if i >= 60 else 0)) for i in range(100)])

    assert audio.duration_ms == 2000 + 600_000
    assert any("implausibly long" in note for note in audio.notes)


def test_many_absurd_gaps_cannot_fill_the_memory():
    tracemalloc.start()
    audio = heard([row(i, i * PACKET_S + (i // 20) * 1e6) for i in range(2000)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert audio.duration_ms == 40_000 + 3_600_000
    assert peak < 500e6


def test_absurd_losses_are_capped_as_well():
    audio = heard([row(i if i < 50 else i + 10**12, 0.0) for i in range(100)])

    assert audio.duration_ms == 2000 + 600_000


# Two tracks that share their numbers
def pair(index: int, at: float, late: float = 0.0) -> list[PacketRow]:
    return [row(2 * index + 1, at, "agent"), row(2 * index + 2, at + late, "customer")]


def test_interleaved_tracks_without_gaps_have_no_silence():
    rows = [each for i in range(100) for each in pair(i, i * PACKET_S, late=0.01)]

    audio = heard(rows)

    assert shape(audio, "agent") == shape(audio, "customer") == [("sound", 2000)]
    assert audio.missing == ()


def test_a_loss_on_one_track_is_silence_on_that_track_only():
    rows = [each for i in range(100) for each in pair(i, i * PACKET_S)]
    agent = [each for each in rows if each.track == "agent" and each.sequence not in (41, 43)]

    audio = heard(agent + [each for each in rows if each.track == "customer"])

    assert shape(audio, "agent") == [("sound", 400), ("silence", 40), ("sound", 1560)]
    assert shape(audio, "customer") == [("sound", 2000)]
    assert audio.missing == (Span(400, 440),)


def test_a_loss_on_both_tracks_is_shared_by_the_clock():
    rows = [each for i in range(100) for each in pair(i, i * PACKET_S) if i not in range(20, 25)]

    audio = heard(rows)

    for speaker in ("agent", "customer"):
        assert shape(audio, speaker) == [("sound", 400), ("silence", 100), ("sound", 1500)]
    assert audio.missing == (Span(400, 500),)


def test_without_a_clock_a_loss_is_shared_by_the_tracks():
    rows = [each for i in range(100) for each in pair(i, 0.0) if i not in range(20, 25)]

    audio = heard(rows)

    for speaker in ("agent", "customer"):
        assert shape(audio, speaker) == [("sound", 400), ("silence", 100), ("sound", 1500)]


def test_a_track_that_starts_later_is_aligned_by_the_clock_and_padded():
    agent = [row(i, 100 + i * PACKET_S, "agent") for i in range(100)]
    customer = [row(1000 + i, 101.5 + i * PACKET_S, "customer") for i in range(20)]

    audio = heard(agent + customer)

    assert shape(audio, "customer") == [("silence", 1500), ("sound", 400), ("silence", 100)]
    assert shape(audio, "agent") == [("sound", 2000)]
    assert audio.missing == ()


def test_a_track_that_starts_implausibly_late_is_moved_near():
    agent = [row(i, i * PACKET_S, "agent") for i in range(100)]
    customer = [row(1000 + i, 1e6 + i * PACKET_S, "customer") for i in range(20)]

    audio = heard(agent + customer)

    assert audio.duration_ms == 2000 + 600_000 + 400
    assert any("implausibly late" in note for note in audio.notes)


def test_packets_of_a_second_sent_as_fast_as_possible_stay_aligned():
    rows = [
        each
        for i in range(20)
        for each in (
            row(2 * i + 1, i * 0.001, "agent", ms=1000),
            row(2 * i + 2, i * 0.001 + 0.0005, "customer", ms=1000),
        )
    ]

    audio = heard(rows)

    assert shape(audio, "agent") == shape(audio, "customer") == [("sound", 20_000)]


# Several streams
def stream(name: str, at: float, count: int = 50, track: str = "agent") -> list[PacketRow]:
    return [row(i, at + i * PACKET_S, track, name) for i in range(count)]


def test_a_second_stream_is_placed_by_the_clock():
    audio = heard(stream("b", 1002.5) + stream("a", 1000.0))

    assert shape(audio) == [("sound", 1000), ("silence", 1500), ("sound", 1000)]


def test_streams_for_each_speaker_run_side_by_side():
    audio = heard(stream("a", 0.0) + stream("b", 0.25, track="customer"))

    assert shape(audio, "agent") == [("sound", 1000), ("silence", 250)]
    assert shape(audio, "customer") == [("silence", 250), ("sound", 1000)]


def test_streams_that_each_count_from_zero_are_put_one_after_another():
    loss = [each for each in stream("b", 0.0) if each.sequence not in (10, 11)]

    audio = heard(stream("a", 0.0) + loss)

    assert shape(audio) == [("sound", 1200), ("silence", 40), ("sound", 760)]
    assert audio.missing == (Span(1200, 1240),)
    assert any("one follows another" in note for note in audio.notes)


def test_streams_without_a_common_clock_follow_in_the_order_they_were_opened():
    long, short = stream("a", 0.0, count=50), stream("b", 0.0, count=40)
    short = [each for each in short if each.sequence != 20]

    audio = heard(long + short, stream_order=["b", "a"])

    assert shape(audio) == [("sound", 400), ("silence", 20), ("sound", 1380)]


def test_a_stream_that_starts_years_later_is_moved_near():
    audio = heard(stream("a", 0.0) + stream("b", 1.7e9))

    assert audio.duration_ms == 2000 + 600_000
    assert any("gap between two streams" in note for note in audio.notes)


def test_missing_spans_of_all_tracks_are_merged_and_sorted():
    rows = [each for i in range(100) for each in pair(i, i * PACKET_S)]
    lost = {41, 43, 44, 46, 121}

    audio = heard([each for each in rows if each.sequence not in lost])

    assert audio.missing == (Span(400, 460), Span(1200, 1220))


# Size
def test_an_hour_of_two_channels_stays_below_500_mb():
    second = base64.b64encode(bytes(range(128, 148)) * 400).decode()
    rows = [
        PacketRow("s", track, 2 * i + n, float(i), second, "")
        for i in range(3600)
        for n, track in enumerate(("agent", "customer"))
    ]

    tracemalloc.start()
    audio = heard(rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert audio.duration_ms == 3_600_000
    assert peak < 500e6
