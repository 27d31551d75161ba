"""Packets that share a number: content and time tell duplicates from a restarted stream."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls.ingest.record import record_packets
from calls.ingest.streams import runs
from calls.models import Call, CallEvent, Packet, PrunedRange, Stream
from calls.tests.factories import packet

pytestmark = pytest.mark.django_db


def said(sequence, timestamp, words="", **fields):
    return packet("c", sequence, words or f"{sequence} at {timestamp}", timestamp=timestamp,
                  **fields)  # fmt: skip


def talk(numbers, *, begin=0.0, step=0.02, words="", **fields):
    """Packets with these numbers, ``step`` seconds apart."""
    return [
        said(number, round(begin + at * step, 6), f"{words} {at}", **fields)
        for at, number in enumerate(numbers)
    ]


def record(packets, *, size=1):
    for at in range(0, len(packets), size):
        record_packets(packets[at : at + size])


def stored(call_id="c"):
    """The numbers in each run."""
    found = {}
    rows = Packet.objects.filter(stream__call__call_id=call_id).order_by("stream__run", "sequence")
    for run, sequence in rows.values_list("stream__run", "sequence"):
        found.setdefault(run, []).append(sequence)
    return found


def test_the_same_number_with_other_data_is_another_packet():
    record([said(1, 0.0, "first"), said(1, 0.0, "second")])

    assert stored() == {1: [1], 2: [1]}
    assert Call.objects.get().duplicate_count == 0


@pytest.mark.parametrize("change", [{"timestamp": 9.0}, {"track": "agent"}, {"data": "other"}])
@pytest.mark.parametrize("size", [1, 2])
def test_time_track_and_data_distinguish_a_packet_from_a_duplicate(change, size):
    same = {"data": "words", "timestamp": 1.0, "track": "customer"}

    record([packet("c", 1, **same), packet("c", 1, **{**same, **change})], size=size)

    assert stored() == {1: [1], 2: [1]}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_resent_batch_is_a_duplicate_in_every_run(size):
    both = [*talk(range(1, 31), words="before"), *talk(range(1, 21), words="after")]

    record(both, size=size)
    record(both, size=size)

    assert stored() == {1: [*range(1, 31)], 2: [*range(1, 21)]}
    assert Call.objects.get().duplicate_count == 50
    assert list(Stream.objects.order_by("run").values_list("duplicate_count", flat=True)) == [
        30,
        20,
    ]


WRAPS = [
    ("16 bits", [65534, 65535], [0, 1, 2]),
    ("32 bits", [2**32 - 2, 2**32 - 1], [0, 1, 2]),
    ("16 bits with a loss", [65530, 65533], [1, 2]),
]
RESTARTS = [
    ("restart at 1", range(1000, 1101), range(1, 51)),
    ("restart at 0", range(500, 601), range(51)),
    ("restart anywhere below", range(51234, 51301), range(20000, 20051)),
    ("restart anywhere above", range(100, 201), range(51234, 51301)),
    ("the same numbers", range(1, 51), range(1, 51)),
]


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(("before", "after"), [each[1:] for each in WRAPS + RESTARTS],
                         ids=[each[0] for each in WRAPS + RESTARTS])  # fmt: skip
@pytest.mark.parametrize("clock", ["runs on", "was reset"])
def test_a_numbering_that_restarts_is_another_run(before, after, clock, size):
    first = talk(before, begin=0.0)
    begin = len(first) * 0.02 if clock == "runs on" else 0.0

    record([*first, *talk(after, begin=begin, words="after")], size=size)

    assert stored() == {1: [*before], 2: [*after]}


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(("before", "after"), [each[1:] for each in WRAPS],
                         ids=[each[0] for each in WRAPS])  # fmt: skip
def test_a_wrap_around_is_recognised_without_a_clock(before, after, size):
    record(talk([*before, *after], step=0.0), size=size)

    assert stored() == {1: [*before], 2: [*after]}


@pytest.mark.parametrize(
    "numbers",
    [[65534, 65535, 0, 1], range(51234, 51300), range(2**53 - 20, 2**53)],
    ids=["wrap", "begins anywhere", "greatest numbers"],
)
def test_a_numbering_that_begins_anywhere_loses_nothing(numbers):
    record(talk(numbers))

    call = Call.objects.get()
    assert (call.packet_count, call.missing_count) == (len(numbers), 0)
    assert not CallEvent.objects.filter(type="gap_detected").exists()


def test_a_loss_is_counted_in_its_run():
    record([*talk([1000, 1001, 1003], begin=0.0), *talk([1, 2, 5], begin=50.0)])

    assert [s.missing_count for s in Stream.objects.order_by("run")] == [1, 2]
    assert Call.objects.get().missing_count == 3


@pytest.mark.parametrize("step", [0.0, 0.02, 4.0])
def test_disorder_opens_no_new_run(step):
    packets = talk(range(1, 61), step=step)
    shuffled = [one for at in range(0, 60, 10) for one in reversed(packets[at : at + 10])]

    record(shuffled)

    assert stored() == {1: [*range(1, 61)]}
    assert Call.objects.get().missing_count == 0


@pytest.mark.parametrize("size", [1, 1000])
def test_very_late_packets_fill_their_gap(size):
    packets = talk(range(1, 3001))

    record([*packets[:500], *packets[1500:]], size=1000)
    record(packets[500:1500], size=size if size > 1 else 50)

    assert stored() == {1: [*range(1, 3001)]}
    assert Call.objects.get().missing_count == 0


def test_a_straggler_goes_to_its_previous_run():
    packets = talk([65530, 65531, 65532, 65533, 65534, 65535, 0, 1, 2])
    late = packets.pop(3)

    record([*packets, late])

    assert stored() == {1: [*range(65530, 65536)], 2: [0, 1, 2]}


@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize("step", [0.0, 0.02])
def test_two_senders_under_one_name_each_have_a_run(step, size):
    agent = talk(range(1, 41), step=step, track="agent", words="a")
    customer = talk(range(1, 41), step=step, track="customer", words="c")

    record([one for pair in zip(agent, customer, strict=True) for one in pair], size=size)

    assert stored() == {1: [*range(1, 41)], 2: [*range(1, 41)]}
    assert list(Stream.objects.order_by("run").values_list("track", flat=True)) == [
        "agent",
        "customer",
    ]


@pytest.mark.parametrize("clock", [0.0, -1.0, 1e300, 5e-324])
def test_a_single_wild_timestamp_opens_no_run(clock):
    packets = talk(range(1, 41))
    packets[20] = said(21, clock)

    record(packets)

    assert stored() == {1: [*range(1, 41)]}


def test_numbers_that_count_samples_are_one_run():
    record(talk(range(0, 8000 * 60, 8000), step=1.0))

    assert len(stored()) == 1


def test_a_long_outage_is_a_gap():
    record([*talk(range(1, 101)), *talk(range(5001, 5101), begin=100.0)])

    assert len(stored()) == 1
    assert Call.objects.get().missing_count == 4900


def test_a_pruned_packet_is_a_duplicate_by_its_number_and_the_range_of_the_clock():
    packets = talk(range(1, 51))
    record(packets, size=50)
    Packet.objects.all().delete()
    PrunedRange.objects.create(stream=Stream.objects.get(), first_sequence=1, last_sequence=50)

    record([packets[10], said(11, 99.0, "after a restart")])

    assert stored() == {2: [11]}
    assert Call.objects.get().duplicate_count == 1


def test_streams_from_before_the_clock_was_recorded_find_their_duplicates():
    packets = talk(range(1, 11))
    record(packets)
    Stream.objects.update(earliest=None, latest=None, track="*")

    record([*packets, said(11, 1.0), said(3, 1.0, "other words")])

    assert stored() == {1: [*range(1, 12)], 2: [3]}
    assert Call.objects.get().duplicate_count == 10
    assert Stream.objects.get(run=1).earliest is None


def test_a_run_has_the_media_of_the_one_before_unless_it_declares_its_own():
    record([said(1, 0.0, media="text/plain"), said(1, 1.0), said(1, 2.0, media="audio/x-alaw")])

    media = Stream.objects.order_by("run").values_list("media", flat=True)
    assert list(media) == ["text/plain", "text/plain", "audio/x-alaw"]


def test_beyond_the_limit_of_runs_packets_are_kept_under_other_numbers(monkeypatch):
    monkeypatch.setattr(runs, "MAX_RUNS", 3)

    record([said(1, 0.0, f"words {at}") for at in range(6)], size=4)

    assert stored() == {1: [1], 2: [1], 3: [1, 2, 3, 4]}
    assert Packet.objects.values("data").distinct().count() == 6


def test_packets_in_order_cost_no_further_query_in_any_run():
    record([*talk(range(1000, 1020)), *talk(range(1, 20), begin=10.0)], size=10)

    with CaptureQueriesContext(connection) as queries:
        record_packets([said(20, 20.0)])

    assert not [one for one in queries.captured_queries if "WITH suspect" in one["sql"]]


@st.composite
def deliveries(draw):
    """Packets of a sender that begins anywhere, restarts and repeats, in batches of any cut."""
    packets, clock, step = [], 0.0, draw(st.sampled_from([0.0, 0.02, 1.0]))
    for run in range(draw(st.integers(1, 4))):
        begin = draw(st.sampled_from([0, 1, 7, 1000, 40_000, 65_530, 2**32 - 5, 2**53 - 200]))
        wrap = next((each for each in (2**16, 2**32) if begin < each), 2**60)
        count = draw(st.integers(1, 40))
        clock = 0.0 if draw(st.booleans()) else clock
        for at in range(count):
            clock += step
            track = draw(st.sampled_from(["agent", "customer"]))
            number = (begin + at) % wrap
            packets.append(said(number, round(clock, 3), f"run {run} packet {at}", track=track))
    window = draw(st.integers(1, 8))
    order = sorted(range(len(packets)), key=lambda at: at + draw(st.integers(0, window - 1)))
    sent = [packets[at] for at in order]
    for at in draw(st.lists(st.integers(0, len(sent) - 1), max_size=10)):
        sent.insert(at + 1, sent[at])
    return packets, sent, draw(st.integers(1, 60))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(deliveries())
def test_every_packet_is_stored_once_whatever_its_number(delivery):
    packets, sent, size = delivery
    Call.objects.all().delete()

    record(sent, size=size)

    rows = Packet.objects.values_list("data", flat=True)
    assert sorted(rows) == sorted(one.data for one in packets)
    call = Call.objects.get()
    assert call.packet_count == len(packets)
    assert call.duplicate_count == len(sent) - len(packets)
    assert call.missing_count == sum(stream.missing_count for stream in call.streams.all())
