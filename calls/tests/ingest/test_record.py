"""The write path counts order, duplicates, gaps and late packets right for every input."""

import contextlib
import logging
import random

import pytest
from django.db import connection, transaction

from calls import services
from calls.ingest.record import record_packets
from calls.ingest.streams.late_log import LateLog
from calls.ingest.tables import CallRow
from calls.models import Call, CallEvent, Packet
from calls.tests.factories import ended_call, packet
from calls.tests.ingest.statements import captured

pytestmark = pytest.mark.django_db


def counters(call_id="c"):
    call = Call.objects.get(call_id=call_id)
    return call.packet_count, call.last_sequence, call.missing_count, call.duplicate_count


def gaps(call_id="c"):
    found = CallEvent.objects.filter(call__call_id=call_id, type="gap_detected")
    return [(gap.data["expected"], gap.data["received"]) for gap in found]


def record(*sequences, call_id="c", **fields):
    """Record packets one after the other, each in a transaction of its own."""
    for sequence in sequences:
        record_packets([packet(call_id, sequence, **fields)])


def test_the_first_packet_opens_the_call_and_logs_it():
    record(1)

    event = CallEvent.objects.get()
    assert counters() == (1, 1, 0, 0)
    assert (event.type, event.state, event.data["previous"]) == (
        "state_change",
        "IN_PROGRESS",
        None,
    )


def test_a_packet_is_stored_as_received():
    record_packets([packet("c", 7, "é ☎", track="agent", timestamp=1.25, media="text/plain")])

    stored = Packet.objects.select_related("stream").get()
    assert (stored.sequence, stored.data, stored.track) == (7, "é ☎", "agent")
    assert (stored.timestamp, stored.stream.media, stored.late) == (1.25, "text/plain", False)


def test_a_repeated_packet_is_stored_once_and_counted():
    record(1, 2, 2, 1)

    assert Packet.objects.count() == 2
    assert counters() == (2, 2, 0, 2)


def test_a_packet_repeated_within_one_batch_is_stored_once():
    record_packets([packet("c", 1, "once"), packet("c", 1, "once")])

    assert Packet.objects.get().data == "once"
    assert counters() == (1, 1, 0, 1)


def test_a_gap_is_logged_with_the_expected_and_the_received_number(caplog):
    caplog.set_level(logging.DEBUG, "calls.ingest")

    record(1, 5)

    assert gaps() == [(2, 5)]
    assert "expected sequence 2, received 5" in caplog.text
    assert counters() == (2, 5, 3, 0)


def test_a_gap_that_is_filled_is_no_longer_missing():
    record(1, 5, 3, 2, 4)

    assert counters() == (5, 5, 0, 0)
    assert Call.objects.get().streams.get().reordered_count == 3


def test_disorder_within_a_batch_is_not_a_gap():
    record_packets([packet("c", 3), packet("c", 1), packet("c", 2)])

    assert gaps() == []


@pytest.mark.parametrize(
    ("sequences", "missing"),
    [
        *[([1, 2], 0), ([0, 1], 0), ([2], 1), ([5], 4), ([5, 0], 4), ([2, 1, 0], 0), ([0, 9], 8)],
        *[([99], 98), ([100, 101], 0), ([51234, 51236], 1)],
    ],
)
def test_sequences_start_at_0_or_1_or_far_from_them(sequences, missing):
    record(*sequences)

    assert counters()[2] == missing


def test_any_order_with_any_repetition_ends_in_the_same_counters():
    sequences = list(range(1, 40)) + list(range(5, 15))
    random.Random(4711).shuffle(sequences)

    record(*sequences)

    assert counters() == (39, 39, 0, 10)


def test_the_greatest_sequence_is_accepted():
    record(1, 2**53 - 1)

    assert counters() == (2, 2**53 - 1, 2**53 - 3, 0)


def test_each_stream_counts_separately():
    record(1, 2, stream="first")
    record(1, 4, stream="second")

    assert counters() == (4, 4, 2, 0)
    streams = Call.objects.get().streams.order_by("name")
    assert [(s.name, s.packet_count, s.missing_count) for s in streams] == [
        ("first", 2, 0),
        ("second", 2, 2),
    ]


def test_the_media_of_a_stream_is_the_first_that_was_named():
    record(1)
    record(2, media="audio/x-mulaw;rate=8000")
    record(3, media="text/plain")

    assert Call.objects.get().streams.get().media == "audio/x-mulaw;rate=8000"


@pytest.mark.parametrize("state", ["COMPLETED", "ARCHIVED"])
def test_a_late_packet_is_stored_and_flagged(state, call_in, caplog):
    call_in(state, "c")

    record(8, 9)

    assert list(Packet.objects.values_list("sequence", "late")) == [(8, True), (9, True)]
    assert Call.objects.get().late_count == 2
    assert Call.objects.get().state == state
    assert caplog.messages == [f"call c: late packets, 1 so far; the call is {state}"]
    event = CallEvent.objects.filter(type="late_packets").first()
    assert event.data == {"stream": "", "sequences": [8], "count": 1}


def test_many_calls_in_one_batch_are_all_recorded():
    record_packets([packet(f"c-{n}", s) for n in range(20) for s in (1, 2, 3)])

    assert set(Call.objects.values_list("packet_count", "missing_count")) == {(3, 0)}
    assert Call.objects.count() == 20


def test_the_number_of_statements_does_not_grow_with_packets_or_calls():
    calls = [f"c-{n}" for n in range(30)]
    record_packets([packet(c, 1) for c in calls])
    record_packets([packet("alone", 1)])

    # Savepoint and its release, the calls, their streams, packets, and two updates.
    with captured() as few:
        record_packets([packet("alone", 2)])
    with captured() as many:
        record_packets([packet(c, s) for c in calls for s in (2, 3, 4, 5)])
    assert len(few) == len(many) <= 7


def test_an_ended_call_is_not_opened_again_by_a_packet():
    call = ended_call("over")

    record(99, call_id="over")

    assert Call.objects.count() == 1
    with pytest.raises(services.NotPossible):
        services.end_call(call_id=call.call_id)


def test_late_packets_of_a_call_are_logged_once_a_minute_with_their_number(caplog):
    late_log = LateLog()
    calls = [
        CallRow(1, "c", "ARCHIVED", 0, None, 0, 5, 0),
        CallRow(2, "d", "FAILED", 0, None, 0, 1, 0),
    ]

    for second, call in ((0, 0), (1, 0), (59, 1), (59, 0), (61, 0), (61, 1)):
        late_log.warn(calls[call], now_s=100.0 + second)

    assert caplog.messages == [
        "call c: late packets, 5 so far; the call is ARCHIVED",
        "call d: late packets, 1 so far; the call is FAILED",
        "call c: late packets, 5 so far; the call is ARCHIVED",
    ]


def test_a_call_whose_end_is_rolled_back_is_not_logged_as_ended(caplog):
    record(1, 5)

    with contextlib.suppress(InterruptedError), transaction.atomic():
        services.end_call(call_id="c")
        raise InterruptedError

    assert "ended" not in caplog.text


def test_a_call_with_losses_writes_one_line_at_its_end(caplog, django_capture_on_commit_callbacks):
    record(1, 5, 9)

    with django_capture_on_commit_callbacks(execute=True):
        services.end_call(call_id="c")

    [line] = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert line.getMessage() == "call c ended (requested): 3 packets, 6 missing, 0 duplicates"


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="reads SQLite's plans")
def test_no_statement_of_the_write_path_reads_a_whole_table():
    def two_calls(sequence):
        return [
            packet(call_id, sequence, stream=stream)
            for call_id in ("c-1", "c-2")
            for stream in ("left", "right")
        ]

    record_packets(two_calls(1))
    with captured() as written:
        record_packets(two_calls(2))

    steps = [step for sql in written for step in plan_of(sql)]
    assert [step for step in steps if step.startswith("SCAN calls_")] == []
    assert any("calls_stream USING INDEX" in step and "name=?" in step for step in steps)


def plan_of(sql):
    if not sql.startswith(("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")):
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql.replace('%', '%%')}")
        return [row[3] for row in cursor.fetchall()]
