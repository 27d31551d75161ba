"""New packets of leased calls are read with one query, once, and without scanning their streams."""

import threading

import pytest
from django.db import connection, transaction

from calls.analysis.live.reading import PacketReader, _of_streams
from calls.models import Packet, Stream
from calls.tests.analysis.live.listening import receive, spoken
from calls.tests.factories import packet


def streams():
    return list(Stream.objects.order_by("pk").values_list("pk", flat=True))


def a_reader():
    reader = PacketReader()
    for pk in streams():
        reader.open(pk, since=None, above=None)
    return reader


def sequences(packets):
    return [each.sequence for each in packets]


@pytest.mark.django_db
def test_each_packet_is_read_once():
    receive(*(packet("c-1", n) for n in (1, 2, 3)))
    reader = a_reader()

    first = reader.read()
    receive(packet("c-1", 5), packet("c-1", 4))
    second = reader.read()
    third = reader.read()

    assert sequences(first) == [1, 2, 3]
    assert sorted(sequences(second)) == [4, 5]
    assert third == []


@pytest.mark.django_db
def test_all_calls_are_read_with_the_same_few_queries(django_assert_num_queries):
    for n in range(30):
        receive(packet(f"c-{n}", 1))
    reader = a_reader()
    reader.read()
    for n in range(30):
        receive(packet(f"c-{n}", 2))

    with django_assert_num_queries(2):
        found = reader.read()

    assert len(found) == 30


@pytest.mark.django_db
def test_a_stream_that_is_far_behind_is_read_in_pages(monkeypatch):
    monkeypatch.setattr("calls.analysis.live.reading.PAGE", 10)
    receive(*(packet("c-1", n) for n in range(1, 26)))
    reader = a_reader()

    read = [sequences(reader.read()) for _ in range(4)]

    assert [len(each) for each in read] == [10, 10, 5, 0]
    assert [n for page in read for n in page] == list(range(1, 26))


@pytest.mark.django_db
def test_an_unread_call_starts_with_its_newest_seconds():
    receive(*(packet("c-1", n) for n in range(1, 6)))
    Packet.objects.filter(sequence__lte=3).update(received_at="2026-01-01T00:00:00Z")
    reader = PacketReader()
    reader.open_newest(streams()[0], above=None, received_after=None)

    assert sequences(reader.read()) == [4, 5]


@pytest.mark.django_db
def test_new_packets_are_found_by_their_key():
    """Through the index by stream, the database would visit all packets of the streams."""
    for n in range(3):
        receive(*spoken(f"c-{n}", seconds=60))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE calls_packet")
    newest = Packet.objects.order_by("-pk").values_list("pk", flat=True)[0]

    plan = _of_streams(streams()).filter(pk__gt=newest - 5).order_by("pk").explain()

    assert "one_packet_per_sequence" not in plan
    assert "calls_packet_pkey" in plan or "PRIMARY KEY" in plan


@pytest.mark.django_db(transaction=True)
def test_a_packet_that_is_committed_after_one_with_a_higher_key_is_read():
    receive(packet("slow", 1), packet("fast", 1))
    reader = a_reader()
    reader.read()
    inserted, go_on = threading.Event(), threading.Event()

    def commit_late():
        with transaction.atomic():
            receive(packet("slow", 2))
            inserted.set()
            go_on.wait(10)
        connection.close()

    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    thread = threading.Thread(target=commit_late)
    thread.start()
    inserted.wait(10)
    receive(packet("fast", 2))
    before = [reader.read() for _ in range(3)]
    go_on.set()
    thread.join()

    after = reader.read()

    assert [n for page in before for n in sequences(page)] == [2]
    assert sequences(after) == [2]
