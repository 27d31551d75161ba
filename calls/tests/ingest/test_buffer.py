"""Group commit: together when it goes well, apart when it does not, and never lost."""

import threading

import pytest
from django.db import DataError, OperationalError

from calls.ingest import buffer as buffer_module
from calls.ingest.buffer import Buffer, Unavailable, store
from calls.models import Packet
from calls.tests.factories import packet


class Recorder:
    """Stands for the write path: holds the first transaction until told to go on."""

    def __init__(self, fail=lambda packets: None):
        self.transactions = []
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.fail = fail

    def __call__(self, packets):
        self.entered.set()
        assert self.go_on.wait(10)
        self.fail(packets)
        self.transactions.append([packet.sequence for packet in packets])


def submit_behind_the_first(buffer, recorder, sequences):
    """Submit one request, wait until its transaction has begun, then submit the others."""
    first = buffer.submit([packet("c", 0)])
    assert recorder.entered.wait(10)
    others = [buffer.submit([packet("c", at)]) for at in sequences]
    recorder.go_on.set()
    return [first, *others]


def test_what_arrives_during_a_transaction_is_written_by_the_next_one():
    recorder = Recorder()
    buffer = Buffer(record=recorder)

    futures = submit_behind_the_first(buffer, recorder, [1, 2, 3])

    for future in futures:
        future.result(timeout=10)
    assert recorder.transactions == [[0], [1, 2, 3]]


def test_clients_that_were_answered_together_are_written_together_again(monkeypatch):
    recorder = Recorder()
    buffer = Buffer(record=recorder)
    for answered in submit_behind_the_first(buffer, recorder, [1, 2]):
        answered.result(timeout=10)
    monkeypatch.setattr(buffer_module, "GATHER_S", 60)

    early = buffer.submit([packet("c", 3)])
    late = buffer.submit([packet("c", 4)])

    early.result(timeout=10)
    late.result(timeout=10)
    assert recorder.transactions == [[0], [1, 2], [3, 4]]


def test_a_packet_without_company_does_not_wait_for_it():
    recorder = Recorder()
    buffer = Buffer(record=recorder)
    for answered in submit_behind_the_first(buffer, recorder, [1, 2]):
        answered.result(timeout=10)

    buffer.submit([packet("c", 3)]).result(timeout=10)

    assert recorder.transactions == [[0], [1, 2], [3]]


def test_a_poisonous_packet_never_fails_its_neighbours():
    def fail(packets):
        if any(packet.sequence == 2 for packet in packets):
            raise DataError("poison")

    recorder = Recorder(fail)
    buffer = Buffer(record=recorder)

    futures = submit_behind_the_first(buffer, recorder, [1, 2, 3])

    assert isinstance(futures[2].exception(timeout=10), DataError)
    assert [future.exception(timeout=10) for at, future in enumerate(futures) if at != 2] == [
        None,
        None,
        None,
    ]
    assert recorder.transactions == [[0], [1], [3]]


def test_a_database_that_is_away_refuses_everybody_and_is_asked_again():
    outages = [OperationalError("gone"), None]

    def fail(packets):
        if error := outages.pop(0):
            raise error

    recorder = Recorder(fail)
    recorder.go_on.set()
    buffer = Buffer(record=recorder)

    with pytest.raises(Unavailable, match="database"):
        buffer.submit([packet("c", 1)]).result(timeout=10)
    buffer.submit([packet("c", 1)]).result(timeout=10)

    assert recorder.transactions == [[1]]


def test_a_full_buffer_refuses_more():
    recorder = Recorder()
    buffer = Buffer(record=recorder, capacity=2)
    buffer.submit([packet("c", 0)])
    assert recorder.entered.wait(10)
    waiting = buffer.submit([packet("c", 1), packet("c", 2)])

    with pytest.raises(Unavailable, match="waiting"):
        buffer.submit([packet("c", 3)])

    recorder.go_on.set()
    waiting.result(timeout=10)


def test_closing_writes_what_is_waiting():
    recorder = Recorder()
    buffer = Buffer(record=recorder)
    futures = submit_behind_the_first(buffer, recorder, [1])

    buffer.close()

    assert all(future.done() for future in futures)
    with pytest.raises(Unavailable):
        buffer.submit([packet("c", 9)])


@pytest.mark.django_db(transaction=True)
def test_store_returns_when_the_packets_are_committed(settings, monkeypatch):
    settings.GROUP_COMMIT = True
    own = Buffer()
    monkeypatch.setattr(buffer_module, "_buffer", own)

    store([packet("stored", 1), packet("stored", 2)])

    assert Packet.objects.filter(stream__call__call_id="stored").count() == 2
    own.close()
