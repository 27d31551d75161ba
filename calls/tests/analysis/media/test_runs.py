"""Senders that restart their numbering, from packets to turns and tracks, in spoken order."""

import base64

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls.analysis.media.assembly import assemble
from calls.analysis.media.packets import PacketRow, typed_packets, unique_packets
from calls.analysis.media.runs import join_runs
from calls.analysis.media.tracks import build_tracks, place_tracks
from calls.analysis.recording.material import load_material
from calls.ingest.record import record_packets
from calls.models import Call, Packet
from calls.tests.factories import packet

AUDIO = "audio/l16;rate=8000"
ONCE = "The sender restarted its numbering once."
SHARED = "Several numberings share one stream: their packets were merged by their times."


def row(sequence, stamp, data="", *, run=1, received=0.0, track="customer", stream="s"):
    return PacketRow(stream, track, sequence, stamp, data, "text/plain", run, received)


def words(rows):
    return " ".join(turn.text for turn in assemble(rows).turns).split()


def spoken(rows):
    """The rows' data in the order of the analysis."""
    joined, _ = join_runs(unique_packets(rows))
    ordered = sorted(joined, key=lambda each: each.sequence)
    assert [each.sequence for each in joined] == [each.sequence for each in ordered]
    return [each.data for each in joined]


def notes(rows):
    return join_runs(unique_packets(rows))[1]


def run(names, number, *, begin=0.0, step=1.0, received=None, first=1, track="customer"):
    """The packets of one run. ``received`` is when the first one arrived; then at their pace."""
    return [
        row(first + at, begin + at * step, name, run=number, track=track,
            received=0.0 if received is None else received + at * step)
        for at, name in enumerate(names)
    ]  # fmt: skip


def test_one_run_stays_as_it_is():
    rows = run("abc", 1, first=51234)

    assert join_runs(rows) == (rows, [])


@pytest.mark.parametrize("begin", [3.0, 0.0, 100.0], ids=["runs on", "was reset", "later"])
@pytest.mark.parametrize("received", [None, 60.0], ids=["uploaded", "live"])
def test_a_run_that_follows_comes_after(begin, received):
    later = None if received is None else received + max(3.0, begin)
    rows = [*run("abc", 1, received=received), *run("def", 2, begin=begin, received=later)]

    assert spoken(rows) == list("abcdef")
    assert notes(rows) == [ONCE]


def test_a_reset_clock_is_placed_by_the_time_of_reception():
    rows = [*run("abc", 1, step=4.0, received=100.0), *run("def", 2, step=4.0, received=150.0)]

    joined, _ = join_runs(rows)

    assert [each.timestamp for each in joined] == [0.0, 4.0, 8.0, 50.0, 54.0, 58.0]


def test_without_a_clock_runs_come_one_after_the_other():
    assert spoken([*run("abc", 1, step=0.0), *run("def", 2, step=0.0)]) == list("abcdef")


@pytest.mark.parametrize("received", [None, 60.0], ids=["uploaded", "live"])
def test_concurrent_runs_merge_by_their_clocks(received):
    later = None if received is None else received + 0.5
    agent = run("ace", 1, track="agent", received=received)
    customer = run("bdf", 2, begin=0.5, received=later)

    assert spoken([*agent, *customer]) == list("abcdef")
    assert notes([*agent, *customer]) == [SHARED]


def test_concurrent_runs_without_a_clock_merge_by_their_numbers():
    rows = [*run("ace", 1, step=0.0, track="agent"), *run("bdf", 2, step=0.0)]

    assert spoken(rows) == list("abcdef")


def test_a_loss_in_a_run_stays_a_loss():
    rows = [*run("ab", 1), *run("cd", 2, begin=2.0)]
    rows[3] = rows[3]._replace(sequence=5)

    joined, _ = join_runs(rows)

    assert [each.sequence for each in joined] == [1, 2, 3, 7]


@pytest.mark.parametrize(
    "numbers", [[65534, 65535, 0, 1], [2**32 - 2, 2**32 - 1, 0, 1]], ids=["16 bits", "32 bits"]
)
def test_a_wrap_that_was_stored_as_one_run_is_in_spoken_order(numbers):
    rows = [row(n, at, word) for n, at, word in zip(numbers, (1, 4, 8, 12), "abcd", strict=True)]

    assert words(rows) == list("abcd")
    assert ONCE in assemble(rows).notes


@pytest.mark.parametrize("times", [(9, 4, 8, 12), (5, 5, 5, 5), (1, 9, 2, 12)])
def test_with_an_inconclusive_clock_the_numbers_decide_the_order(times):
    rows = [row(n, at, word) for n, at, word in zip([0, 1, 9000, 9001], times, "abcd", strict=True)]

    assert spoken(rows) == list("abcd")


@pytest.mark.parametrize("restarts", [1, 2, 3])
def test_the_note_says_how_often_the_numbering_restarted(restarts):
    rows = [each for n in range(restarts + 1) for each in run("ab", n + 1, begin=10.0 * n)]

    times = {1: "once", 2: "twice", 3: "3 times"}[restarts]
    assert notes(rows) == [f"The sender restarted its numbering {times}."]


def tone(value, seconds=0.02):
    return base64.b64encode(np.full(round(8000 * seconds), value, "<i2").tobytes()).decode()


def test_the_audio_of_a_wrapped_numbering_is_in_spoken_order_without_a_gap():
    numbers = [*range(65500, 65536), *range(40)]
    rows = [
        row(number, at * 0.02, tone(at + 1), run=1 + (number < 100))._replace(media=AUDIO)
        for at, number in enumerate(numbers)
    ]

    call = assemble(rows)

    heard = call.channels[0].samples[::160]
    assert [*heard] == [*range(1, len(numbers) + 1)]
    assert call.missing == ()
    assert ONCE in call.notes


def test_two_tracks_that_number_separately_keep_their_own_time_and_losses():
    agent = [row(n, n * 0.02, tone(n), track="agent", run=1) for n in range(1, 101)]
    customer = [row(n, 0.01 + n * 0.02, tone(n), run=2) for n in range(1, 101) if n != 50]
    rows = [each._replace(media=AUDIO) for each in [*agent, *customer]]

    call = assemble(rows)

    assert [channel.speaker for channel in call.channels] == ["agent", "customer"]
    assert [(span.begin_ms, span.end_ms) for span in call.missing] == [(980, 1000)]
    assert [*call.channels[0].samples[::160]] == [*range(1, 101)]


# --- The whole path ---
BEGINS = [0, 1, 1000, 40_000, 65_530, 2**32 - 5, 2**53 - 500]


@st.composite
def senders(draw):
    """Packets in spoken order, the same as they are sent, and the size of the batches."""
    clock = draw(st.sampled_from(["runs on", "is reset", "stands still"]))
    step = 0.0 if clock == "stands still" else draw(st.sampled_from([0.02, 1.0, 4.0]))
    # A 0 after a stream from 1, with the time of that 1, could be its late first packet.
    begins = st.sampled_from(BEGINS[1:] if clock == "is reset" else BEGINS)
    same = draw(begins)
    packets, sent, now = [], [], 0.0
    window = draw(st.integers(1, 4))
    for number in range(draw(st.integers(1, 4))):
        # Without a clock, only numbers that are taken show that the numbering restarts.
        begin = same if clock == "stands still" else draw(begins)
        wrap = next((each for each in (2**16, 2**32) if begin < each), 2**60)
        now = 0.0 if clock == "is reset" else now
        run = []
        for at in range(draw(st.integers(8, 30))):
            now += step
            data = f"r{number}p{at}"
            run.append(packet("c", (begin + at) % wrap, data, timestamp=round(now, 3)))
        order = sorted(range(len(run)), key=lambda at: at + draw(st.integers(0, window - 1)))
        packets += run
        sent += [run[at] for at in order]
    for at in draw(st.lists(st.integers(0, len(sent) - 1), max_size=6)):
        sent.insert(at + 1, sent[at])
    return packets, sent, draw(st.integers(1, 70))


def store(sent, size):
    Call.objects.all().delete()
    for at in range(0, len(sent), size):
        record_packets(sent[at : at + size])
    return Call.objects.get()


whole_path = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.django_db
@whole_path
@given(senders())
def test_every_packet_is_heard_once_in_spoken_order(sender):
    packets, sent, size = sender

    call = store(sent, size)

    said = " ".join(turn.text for turn in load_material(call).turns).split()
    assert said == [each.data for each in packets]


@pytest.mark.django_db
@whole_path
@given(senders(), st.integers(1, 9))
def test_two_numberings_in_one_stream_are_both_heard_in_spoken_order(sender, lead):
    packets, sent, size = sender
    names = {"agent": [], "customer": []}
    both = []
    for at, each in enumerate(sent):
        both.append(each)
        other = packet("c", each.sequence, f"x{each.data}", timestamp=each.timestamp + 0.001,
                       track="agent")  # fmt: skip
        both.insert(max(0, len(both) - 1 - at % lead), other)

    call = store(both, size)

    for turn in load_material(call).turns:
        names[turn.speaker] += turn.text.split()
    assert sorted(names["customer"]) == sorted(each.data for each in packets)
    assert sorted(names["agent"]) == sorted(f"x{each.data}" for each in packets)


@pytest.mark.django_db
@whole_path
@given(senders())
def test_the_tracks_of_audio_hold_every_packet_in_spoken_order(sender):
    packets, sent, _ = sender
    store(sent, 7)
    rows = [
        PacketRow(
            each.stream.name, each.track, each.sequence, each.timestamp,
            base64.b64encode(each.data.encode().ljust(8)).decode(), AUDIO, each.stream.run,
            each.received_at.timestamp(),
        )
        for each in Packet.objects.select_related("stream")
    ]  # fmt: skip
    joined, _ = join_runs(unique_packets(rows))

    (placed,) = place_tracks(build_tracks(typed_packets(joined, AUDIO)))

    heard = [piece.payload.decode().strip() for piece in placed.track.pieces]
    assert heard == [each.data for each in packets]
    assert (placed.begins[1:] >= placed.begins[:-1]).all()
