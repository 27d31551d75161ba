"""Group commit: one transaction if all goes well, separate ones if not, and no packet lost."""

import threading

import pytest
from django.db import DataError, OperationalError
from psycopg.errors import LockNotAvailable

from calls.ingest import buffer as buffer_module
from calls.ingest import gathering
from calls.ingest.buffer import Buffer, store
from calls.ingest.pressure import FULL_TRANSACTION, STREAMS_CALM_S
from calls.ingest.requests import Unavailable, Way
from calls.ingest.sidelined import HOLD_S
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


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def lock_timeout():
    error = OperationalError("canceling statement due to lock timeout")
    error.__cause__ = LockNotAvailable()
    return error


def submit_waiting(buffer, recorder, sequences):
    """Submit one request, wait until its transaction has begun, then submit the others."""
    first = buffer.submit([packet("c-0", 0)])
    assert recorder.entered.wait(10)
    return [first, *(buffer.submit([packet(f"c-{at}", at)]) for at in sequences)]


def submit_behind_the_first(buffer, recorder, sequences):
    futures = submit_waiting(buffer, recorder, sequences)
    recorder.go_on.set()
    return futures


def test_packets_that_arrive_during_a_transaction_are_written_by_the_next_one():
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
    monkeypatch.setattr(gathering, "GATHER_S", 60)

    early = buffer.submit([packet("c", 3)])
    late = buffer.submit([packet("c", 4)])

    early.result(timeout=10)
    late.result(timeout=10)
    assert recorder.transactions == [[0], [1, 2], [3, 4]]


def test_a_single_packet_does_not_wait_for_others():
    recorder = Recorder()
    buffer = Buffer(record=recorder)
    for answered in submit_behind_the_first(buffer, recorder, [1, 2]):
        answered.result(timeout=10)

    buffer.submit([packet("c", 3)]).result(timeout=10)

    assert recorder.transactions == [[0], [1, 2], [3]]


def test_an_invalid_packet_never_fails_its_neighbours():
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


def test_a_database_outage_refuses_everything_and_is_retried():
    outages = [OperationalError("gone"), OperationalError("still gone"), None]

    def fail(packets):
        if error := outages.pop(0):
            raise error

    recorder = Recorder(fail)
    recorder.go_on.set()
    clock = Clock()
    buffer = Buffer(record=recorder, clock=clock)

    with pytest.raises(Unavailable, match="database"):
        buffer.submit([packet("c", 1)]).result(timeout=10)
    with pytest.raises(Unavailable, match="database"):
        buffer.submit([packet("c", 1)])  # at once, without asking again
    assert buffer.oldest_age_s() == 0.0
    clock.now += 60
    assert buffer.oldest_age_s() == buffer.shedding_for_s() == 60.0
    buffer.submit([packet("c", 1)]).result(timeout=10)

    assert recorder.transactions == [[1]]


def test_a_full_buffer_refuses_further_packets():
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


def test_a_lost_connection_is_replaced_before_anybody_is_refused():
    errors = [OperationalError("terminated"), None]

    def fail(packets):
        if error := errors.pop(0):
            raise error

    recorder = Recorder(fail)
    recorder.go_on.set()

    Buffer(record=recorder).submit([packet("c", 1)]).result(timeout=10)

    assert recorder.transactions == [[1]]


def test_http_is_refused_while_packets_wait_too_long_and_sockets_are_not():
    recorder, clock = Recorder(), Clock()
    buffer = Buffer(record=recorder, clock=clock)
    first = buffer.submit([packet("c", 0)])
    assert recorder.entered.wait(10)

    clock.now += 1.0
    for way in (Way.SINGLE, Way.BATCH):
        with pytest.raises(Unavailable, match="overloaded"):
            buffer.submit([packet("c", 1)], way)
        with pytest.raises(Unavailable, match="overloaded"):
            buffer.check(way)
    patient = [
        buffer.submit([packet("c", at)], way) for at, way in ((2, Way.SOCKET), (3, Way.CARRIER))
    ]

    assert buffer.admit_stream() is False
    assert buffer.oldest_age_s() == 1.0
    assert buffer.refused == {Way.SINGLE: 2, Way.BATCH: 2}
    recorder.go_on.set()
    for answered in [first, *patient]:
        answered.result(timeout=10)


def test_a_queue_that_would_take_too_long_refuses_more_before_anybody_waits():
    def slow(packets):
        clock.now += 0.001 * len(packets)

    recorder, clock = Recorder(slow), Clock()
    recorder.go_on.set()
    buffer = Buffer(record=recorder, clock=clock)
    buffer.submit([packet("c", at) for at in range(200)]).result(timeout=10)
    recorder.go_on.clear()
    recorder.entered.clear()
    first = buffer.submit([packet("c", 201)])
    assert recorder.entered.wait(10)

    waiting = buffer.submit([packet("c", at) for at in range(300, 600)])  # 0.3 s of work
    with pytest.raises(Unavailable, match="overloaded"):
        buffer.submit([packet("c", 601)])

    recorder.go_on.set()
    first.result(timeout=10)
    waiting.result(timeout=10)


@pytest.mark.parametrize("way", Way)
def test_full_transactions_of_sockets_count_and_those_of_uploads_do_not(way):
    def slow(packets):
        clock.now += 0.2

    recorder, clock = Recorder(slow), Clock()
    recorder.go_on.set()
    buffer = Buffer(record=recorder, clock=clock)

    buffer.submit([packet("c", at) for at in range(FULL_TRANSACTION)], way).result(timeout=10)
    buffer.close()

    assert buffer._lag.writer.seconds() == pytest.approx(0.0 if way.is_http else 0.2)


def test_requests_are_accepted_again_soon_after_the_backlog_is_written():
    recorder, clock = Recorder(), Clock()
    buffer = Buffer(record=recorder, clock=clock)
    first = buffer.submit([packet("c", 0)])
    assert recorder.entered.wait(10)
    clock.now += 3.0
    assert buffer.admit_stream() is False
    assert buffer.shedding_for_s() == 0.0
    recorder.go_on.set()
    first.result(timeout=10)
    while buffer.oldest_age_s():
        pass

    clock.now += STREAMS_CALM_S

    assert buffer.admit_stream()
    assert buffer.shedding_for_s() is None
    buffer.submit([packet("c", 1)]).result(timeout=10)


def test_a_request_that_nobody_waits_for_is_not_written():
    recorder = Recorder()
    buffer = Buffer(record=recorder)
    first, given_up, last = submit_waiting(buffer, recorder, [1, 2])

    assert given_up.cancel()
    recorder.go_on.set()

    first.result(timeout=10)
    last.result(timeout=10)
    assert recorder.transactions == [[0], [2]]


def test_one_invalid_packet_costs_few_transactions():
    def fail(packets):
        attempts.append(len(packets))
        if any(packet.sequence == 100 for packet in packets):
            raise DataError("poison")

    attempts = []
    recorder = Recorder(fail)
    buffer = Buffer(record=recorder)

    futures = submit_behind_the_first(buffer, recorder, range(1, 513))

    assert isinstance(futures[100].exception(timeout=10), DataError)
    for future in futures[:100] + futures[101:]:
        future.result(timeout=10)
    assert len(attempts) <= 2 + 2 * 9  # halves of halves


class LockingRecorder(Recorder):
    """Stands for the write path while other transactions hold some calls."""

    def __init__(self):
        super().__init__()
        self.locked = set()
        self.go_on.set()

    def __call__(self, packets):
        locked = {packet.call_id for packet in packets} & self.locked
        super().__call__([packet for packet in packets if packet.call_id not in locked])
        return locked


def test_a_locked_call_does_not_hold_up_others_and_keeps_its_order():
    recorder = LockingRecorder()
    recorder.locked = {"held"}
    buffer = Buffer(record=recorder)

    held = [buffer.submit([packet("held", at)], Way.SOCKET) for at in (1, 2)]
    free = [buffer.submit([packet("free", at)]) for at in (7, 8)]
    for future in free:
        future.result(timeout=10)
    assert not any(future.done() for future in held)
    held.append(buffer.submit([packet("held", 3)], Way.SOCKET))
    recorder.locked = set()

    for future in held:
        future.result(timeout=10)
    stored = [at for each in recorder.transactions for at in each]
    assert [at for at in stored if at < 7] == [1, 2, 3]
    buffer.close()


def test_the_clients_of_a_call_that_stays_locked_are_told_to_send_again(caplog):
    recorder, clock = LockingRecorder(), Clock()
    recorder.locked = {"held"}
    buffer = Buffer(record=recorder, clock=clock)
    futures = [buffer.submit([packet("held", at)]) for at in (1, 2)]

    clock.now += HOLD_S

    for future in futures:
        with pytest.raises(Unavailable, match="holds this call"):
            future.result(timeout=10)
    assert buffer.shedding_for_s() is None
    assert caplog.messages == ["call held is locked by another transaction, its packets wait"]
    buffer.close()


def test_a_lock_that_cannot_be_skipped_holds_up_only_those_that_need_it():
    def fail(packets):
        if any(packet.sequence == 3 for packet in packets) and is_held.is_set():
            raise lock_timeout()

    is_held = threading.Event()
    is_held.set()
    recorder = Recorder(fail)
    buffer = Buffer(record=recorder)

    futures = submit_behind_the_first(buffer, recorder, range(1, 9))

    for at, future in enumerate(futures):
        if at != 3:
            future.result(timeout=10)
    assert not futures[3].done()
    is_held.clear()
    futures[3].result(timeout=10)
    buffer.close()


def test_a_lock_that_all_packets_need_is_waited_for_only_once():
    def fail(packets):
        clock.now += 0.3
        if packets[0].sequence:
            raise lock_timeout()

    recorder, clock = Recorder(fail), Clock()
    buffer = Buffer(record=recorder, clock=clock)

    futures = submit_behind_the_first(buffer, recorder, range(1, 129))

    futures[0].result(timeout=10)
    for future in futures[1:]:
        with pytest.raises(Unavailable):
            future.result(timeout=10)
    assert clock.now < 110
    buffer.close()


@pytest.mark.django_db(transaction=True)
def test_store_returns_when_the_packets_are_committed(settings, monkeypatch):
    settings.GROUP_COMMIT = True
    own = Buffer()
    monkeypatch.setattr(buffer_module._Process, "buffer", own)

    store([packet("stored", 1), packet("stored", 2)])

    assert Packet.objects.filter(stream__call__call_id="stored").count() == 2
    own.close()
