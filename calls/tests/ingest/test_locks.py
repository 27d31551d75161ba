"""Locks of other transactions delay only the packets that need them. PostgreSQL only."""

import threading
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from calls import events
from calls.ingest.buffer import ANSWER_WITHIN_S, Buffer
from calls.ingest.patience import record_patiently
from calls.ingest.record import record_packets
from calls.ingest.requests import Unavailable, Way
from calls.models import Call, Packet
from calls.tests.factories import packet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _postgresql():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no locks on rows")


@pytest.fixture
def buffer():
    own = Buffer()
    yield own
    own.close()


@contextmanager
def elsewhere(statement, *values):
    """Run a statement in a transaction of another connection, and leave it open."""
    taken, over = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(statement, values)
                taken.set()
                assert over.wait(60)
                transaction.set_rollback(True)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(10)
    try:
        yield
    finally:
        over.set()
        thread.join(10)


def sequences(call_id):
    stored = Packet.objects.filter(stream__call__call_id=call_id).order_by("id")
    return list(stored.values_list("sequence", flat=True))


def test_a_locked_row_of_one_call_does_not_hold_up_the_others(buffer):
    record_packets([packet("held", 1), packet("free", 1)])

    with elsewhere("SELECT 1 FROM calls_call WHERE call_id = %s FOR UPDATE", "held"):
        held = [buffer.submit([packet("held", at)], Way.SOCKET) for at in (2, 3)]
        for at in range(2, 30):
            buffer.submit([packet("free", at)]).result(timeout=ANSWER_WITHIN_S)
        assert sequences("held") == [1]
        with pytest.raises(Unavailable):
            held[0].result(timeout=10)

    while True:  # as a socket does
        try:
            buffer.submit([packet("held", 2), packet("held", 3)]).result(timeout=10)
            break
        except Unavailable:
            pass
    assert sequences("held") == [1, 2, 3]
    assert Call.objects.get(call_id="held").missing_count == 0


def test_a_call_that_another_transaction_is_opening_does_not_hold_up_the_others(buffer):
    record_packets([packet("free", 1)])
    columns = [each.column for each in Call._meta.concrete_fields if each.column != "id"]
    record_packets([packet("pattern", 1)])
    copied = ", ".join("'opening'" if name == "call_id" else name for name in columns)

    with elsewhere(
        f"INSERT INTO calls_call ({', '.join(columns)}) SELECT {copied} FROM calls_call "
        "WHERE call_id = 'pattern'"
    ):
        opening = buffer.submit([packet("opening", 1)], Way.SOCKET)
        free = [buffer.submit([packet("free", at)]) for at in (2, 3)]
        for future in free:
            future.result(timeout=10)
        assert not Call.objects.filter(call_id="opening").exists()

    try:
        opening.result(timeout=10)
    except Unavailable:
        buffer.submit([packet("opening", 1)]).result(timeout=10)
    assert sequences("opening") == [1]


def test_a_held_lock_of_the_log_stops_only_packets_that_make_an_entry(buffer):
    record_packets([packet("quiet", 1), packet("gap", 1)])

    with elsewhere("SELECT pg_advisory_xact_lock(%s)", events._APPEND_LOCK):
        with_gap = buffer.submit([packet("gap", 5)], Way.SOCKET)
        quiet = [buffer.submit([packet("quiet", at)]) for at in (2, 3)]
        for future in quiet:
            future.result(timeout=10)
        with pytest.raises(Unavailable):
            with_gap.result(timeout=10)

    buffer.submit([packet("gap", 5)]).result(timeout=10)
    assert sequences("gap") == [1, 5]


def test_a_locked_table_causes_a_refusal_instead_of_a_long_wait(buffer):
    record_packets([packet("c", 1)])

    with elsewhere("LOCK TABLE calls_packet IN ACCESS EXCLUSIVE MODE"):
        futures = [buffer.submit([packet(f"c-{at}", 1)]) for at in range(50)]
        for future in futures:
            with pytest.raises(Unavailable):
                future.result(timeout=10)

    buffer.submit([packet("c", 2)], Way.SOCKET).result(timeout=10)
    assert sequences("c") == [1, 2]


def test_a_terminated_connection_is_replaced_without_a_refusal():
    pids = []

    def record(packets):
        record_patiently(packets)
        pids.append(connection.connection.info.backend_pid)

    buffer = Buffer(record=record)
    buffer.submit([packet("c", 1)]).result(timeout=10)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pids[0]])

    buffer.submit([packet("c", 2)]).result(timeout=10)

    assert sequences("c") == [1, 2]
    assert len(set(pids)) == 2
    buffer.close()
