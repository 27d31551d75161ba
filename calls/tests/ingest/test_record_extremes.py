"""The write path under floods, absurd numbers and strange text."""

from __future__ import annotations

import pytest

from calls.ingest.packets import MAX_SEQUENCE
from calls.ingest.record import LATE_SEQUENCES_LISTED, record_packets
from calls.lifecycle import CallState
from calls.models import Call, CallEvent, Packet, Stream
from calls.tests.factories import packet
from calls.tests.ingest.statements import captured

pytestmark = pytest.mark.django_db


def record(*sequences, **fields):
    record_packets([packet("c-1", sequence, **fields) for sequence in sequences])


def statements(batch):
    with captured() as found:
        record_packets(batch)
    return len(found)


def test_an_empty_list_of_packets_does_nothing():
    record_packets([])

    assert not Call.objects.exists()


@pytest.mark.parametrize(
    ("batches", "missing", "gaps"),
    [
        ([[10]], 9, [(1, 10)]),
        ([[1, 3]], 1, [(2, 3)]),
        ([[1, 4, 9]], 6, [(2, 4), (5, 9)]),
        ([[3, 2, 1, 0]], 0, []),
        ([[2], [0]], 1, [(1, 2)]),
        ([[1], [5], [5], [1]], 3, [(2, 5)]),
        ([[0], [MAX_SEQUENCE]], MAX_SEQUENCE - 1, [(1, MAX_SEQUENCE)]),
        ([[51234], [51236]], 1, [(51235, 51236)]),
    ],
    ids=str,
)
def test_gaps_name_what_was_expected_and_the_count_is_what_is_still_missing(batches, missing, gaps):
    for batch in batches:
        record(*batch)

    found = CallEvent.objects.filter(type="gap_detected").values_list("data", flat=True)
    assert [(data["expected"], data["received"]) for data in found] == gaps
    assert Call.objects.get().missing_count == Stream.objects.get().missing_count == missing


def test_a_batch_of_the_greatest_size_may_be_sent_again():
    record(*range(1, 1_001))

    record(*range(1, 1_001))

    call = Call.objects.get()
    assert Packet.objects.count() == 1_000
    assert (call.packet_count, call.duplicate_count, call.missing_count) == (1_000, 1_000, 0)


def test_a_flood_of_late_packets_is_one_event_of_bounded_size(call_in):
    call_in(CallState.ARCHIVED)

    record(*range(1, 501))

    data = CallEvent.objects.get().data
    assert data["count"] == 500
    assert data["sequences"] == list(range(1, LATE_SEQUENCES_LISTED + 1))


def test_a_late_duplicate_counts_as_a_duplicate_not_as_late(call_in):
    record(1)
    Call.objects.filter(call_id="c-1").update(state=CallState.ARCHIVED)

    record(1)

    call = Call.objects.get()
    assert (call.late_count, call.duplicate_count) == (0, 1)


def test_a_late_packet_fills_the_gap_that_it_left():
    record(1, 3)
    Call.objects.filter(call_id="c-1").update(state=CallState.COMPLETED)

    record(2)

    assert Call.objects.get().missing_count == 0


def test_packets_of_many_streams_take_as_few_statements_as_those_of_one():
    def needed(streams, sequence):
        return statements([packet("c-1", sequence, stream=str(at)) for at in range(streams)])

    needed(200, 1)

    assert needed(200, 2) == needed(1, 3)


def test_repeats_of_many_calls_take_as_few_statements_as_those_of_few():
    def needed(calls):
        return statements([packet(f"c-{at}", 1) for at in calls])

    few, many = range(2), range(2, 202)
    needed(few)
    needed(many)

    assert needed(many) == needed(few)


def test_absurd_numbers_of_missing_packets_overflow_nothing():
    for sequence in (1, MAX_SEQUENCE, MAX_SEQUENCE):
        record_packets([packet("c-1", sequence, stream=str(at)) for at in range(1_000)])

    call = Call.objects.get()
    assert (call.packet_count, call.duplicate_count) == (2_000, 1_000)
    assert call.missing_count > MAX_SEQUENCE


def test_text_of_every_kind_is_returned_unchanged():
    words = "tab\t line\n quote\" back\\slash \\N {curly} ключ 😀 \x7f\x01 null NULL %s '; --"

    record(1, data=words, stream="ключ\t\\", track="😀\n")

    row = Packet.objects.select_related("stream").get()
    assert (row.data, row.stream.name, row.track) == (words, "ключ\t\\", "😀\n")
