"""Offsets become visible in order, whoever commits first."""

import threading

import pytest
from django.db import transaction
from django.utils import timezone

from calls import events
from calls.description import NAMES
from calls.events import CallDescribed
from calls.tests.factories import live_call
from calls.tests.threads import start_thread

pytestmark = pytest.mark.django_db(transaction=True)

NOTE = CallDescribed(**dict.fromkeys(NAMES, ""))


def append(call):
    events.append([(call, NOTE)], at=timezone.now())


def test_a_reader_never_sees_an_offset_before_a_smaller_one_exists():
    call = live_call()
    appended, may_commit = threading.Event(), threading.Event()

    def slow():
        with transaction.atomic():
            append(call)
            appended.set()
            assert may_commit.wait(10)

    def fast():
        with transaction.atomic():
            append(call)

    before = events.head()
    first = start_thread(slow)
    assert appended.wait(10)
    second = start_thread(fast)
    second.join(timeout=0.5)

    # The later transaction waits for the earlier one, so a reader cannot run past it.
    assert second.is_alive()
    assert events.read(after=before, limit=10) == []
    may_commit.set()
    first.join(10)
    second.join(10)
    offsets = [event.id for event in events.read(after=before, limit=10)]
    assert len(offsets) == 2
    assert offsets == sorted(offsets)


def test_a_reader_that_follows_many_writers_misses_nothing():
    call = live_call()
    writers, each = 4, 25
    start, seen = events.head(), []

    def write():
        for _ in range(each):
            with transaction.atomic():
                append(call)

    threads = [start_thread(write) for _ in range(writers)]
    while any(thread.is_alive() for thread in threads):
        seen += [event.id for event in events.read(after=max(seen, default=start), limit=500)]
    seen += [event.id for event in events.read(after=max(seen, default=start), limit=500)]

    stored = [event.id for event in events.read(after=start, limit=500)]
    assert seen == stored
    assert len(stored) == writers * each


def test_an_event_outside_a_transaction_is_refused():
    call = live_call()

    with pytest.raises(transaction.TransactionManagementError):
        append(call)
