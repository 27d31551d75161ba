"""How packets of live calls are read: along the index, none twice, and none too late."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from calls.models import Call, Packet, Stream
from calls.tests.factories import live_call
from supervisor.listen.packets import (
    LiveStreamRow,
    first_since,
    is_audible,
    read_calls,
    read_packets,
    statement,
)
from supervisor.tests.listen.sounds import say, sounding_call

pytestmark = pytest.mark.django_db


def stream_of(call):
    (stream,) = read_calls([call.pk])[call.pk].streams
    return stream


def sequences(found):
    return {pk: [row.sequence for row in rows] for pk, rows in found}


def test_packets_are_read_from_a_sequence_on():
    one, two = stream_of(sounding_call()), stream_of(sounding_call())

    found = sequences(read_packets({one: 18, two: 20}))

    assert found == {one.pk: [18, 19, 20], two.pk: [20]}


def test_all_calls_share_one_statement(django_assert_num_queries):
    wanted = {stream_of(sounding_call(1)): 1 for _ in range(20)}

    with django_assert_num_queries(1):
        found = list(read_packets(wanted))

    assert len(found) == 20


def test_a_packet_that_was_overtaken_is_found():
    call = say("overtaken", 1, without={5})
    stream = stream_of(call)
    Packet.objects.create(
        stream_id=stream.pk, sequence=5, timestamp=0.0, received_at=timezone.now(), data="x"
    )

    (_, rows) = next(read_packets({stream: 5}))

    assert rows[0].sequence == 5


def test_the_statement_reads_a_range_of_the_index_and_no_more():
    stream = Stream.objects.create(call=Call.objects.create(call_id="long"))
    others = [Stream.objects.create(call=stream.call, name=str(n)) for n in range(5)]
    now = timezone.now()
    Packet.objects.bulk_create(
        Packet(stream=each, sequence=n, timestamp=0.0, received_at=now, data="x" * 216)
        for each in [stream, *others]
        for n in range(2000)
    )

    with connection.cursor() as cursor:
        explain = "EXPLAIN"
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE calls_packet")
        else:
            explain = "EXPLAIN QUERY PLAN"
        values = [v for each in [stream, *others] for v in (each.pk, 1990, 500)]
        cursor.execute(f"{explain} {statement(6)}", values)
        plan = "\n".join(str(row) for row in cursor.fetchall())

    if connection.vendor == "postgresql":
        assert plan.count("Index Scan using one_packet_per_sequence") == 6
        assert "Seq Scan on calls_packet" not in plan
        assert "sequence >= 1990" in plan
    else:
        assert plan.count("(stream_id=? AND sequence>?)") == 6
        assert "SCAN calls_packet" not in plan


def test_a_listener_starts_with_the_newest_packets():
    call = sounding_call()
    stream = stream_of(call)
    old = timezone.now() - timedelta(minutes=1)
    Packet.objects.filter(sequence__lte=15).update(received_at=old)

    assert first_since(stream, timezone.now() - timedelta(seconds=30)) == 16
    assert first_since(stream, timezone.now() + timedelta(seconds=30)) == 21
    assert first_since(LiveStreamRow(0, "", 1, ""), old) == 0


def test_a_call_is_read_with_two_queries(django_assert_num_queries):
    calls = [sounding_call(1) for _ in range(5)]

    with django_assert_num_queries(2):
        found = read_calls([call.pk for call in calls])

    assert len(found) == 5


def test_a_corrected_format_is_used():
    call = sounding_call()
    Call.objects.update(media_override="audio/x-mulaw;rate=8000")

    assert stream_of(call).media == "audio/x-mulaw;rate=8000"


def test_only_audio_calls_can_be_listened_to():
    assert is_audible(sounding_call())
    assert not is_audible(live_call())


def test_undeclared_sound_is_recognised():
    call = sounding_call()
    Stream.objects.update(media="")

    assert is_audible(call)
