"""Two writers open the same call at once: one row, both packets, one event in the log."""

import threading

import pytest
from django.db import connection, transaction

from calls.ingest import record
from calls.models import Call, Packet
from calls.tests.factories import packet
from calls.tests.threads import start_thread

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_loser_of_a_race_takes_the_winners_call(monkeypatch, caplog):
    looked, may_go_on = threading.Event(), threading.Event()
    real_open = record.open_call

    def open_after_the_other(call_id, **more):
        looked.set()
        may_go_on.wait(2)  # on SQLite the other one cannot write before this one is done
        return real_open(call_id, **more)

    def winner():
        record.record_packets([packet("raced", 1)])
        may_go_on.set()

    def loser():
        record.record_packets([packet("raced", 2)])

    monkeypatch.setattr(record, "open_call", open_after_the_other)
    late = start_thread(loser)
    assert looked.wait(10)
    monkeypatch.setattr(record, "open_call", real_open)
    first = start_thread(winner)
    late.join(20)
    first.join(20)

    call = Call.objects.get()
    assert sorted(Packet.objects.values_list("sequence", flat=True)) == [1, 2]
    assert (call.packet_count, call.last_sequence) == (2, 2)
    if connection.vendor == "postgresql":
        assert "race condition caught: call raced" in caplog.text


def test_writers_of_the_same_calls_do_not_deadlock():
    calls = [f"shared-{n}" for n in range(6)]
    errors = []

    def write(order, first):
        try:
            for at in range(10):
                record.record_packets([packet(c, first + at, stream=str(first)) for c in order])
        except Exception as error:
            errors.append(error)

    threads = [
        start_thread(lambda: write(calls, 1)),
        start_thread(lambda: write(calls[::-1], 100)),
        start_thread(lambda: write(calls[3:] + calls[:3], 200)),
    ]
    for thread in threads:
        thread.join(60)

    assert errors == []
    assert list(Call.objects.values_list("packet_count", flat=True)) == [30] * 6


def test_writers_that_use_the_same_numbers_lose_nothing_and_repeat_nothing():
    errors = []

    def write(name):
        try:
            for at in range(1, 11):
                same = packet("numbered", at, f"shared {at}", timestamp=float(at))
                own = packet("numbered", at, f"{name} {at}", timestamp=at + 0.5, track=name)
                record.record_packets([same, own])
        except Exception as error:
            errors.append(error)

    threads = [start_thread(lambda name=name: write(name)) for name in ("a", "b", "c", "d")]
    for thread in threads:
        thread.join(60)

    assert errors == []
    stored = sorted(Packet.objects.values_list("data", flat=True))
    assert stored == sorted(f"{who} {at}" for who in ("shared", *"abcd") for at in range(1, 11))
    call = Call.objects.get()
    assert (call.packet_count, call.duplicate_count) == (50, 30)
    assert call.missing_count == sum(run.missing_count for run in call.streams.all())


def test_a_deleted_call_is_opened_again():
    record.record_packets([packet("gone", 1)])
    with transaction.atomic():
        Call.objects.all().delete()

    record.record_packets([packet("gone", 2)])

    assert Call.objects.get().packet_count == 1
