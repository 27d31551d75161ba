"""Periodic work runs once per period, with any number of workers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from calls.models import MinuteSample
from calls.monitoring.samples import take_sample

pytestmark = pytest.mark.django_db(transaction=True)
needs_postgres = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has one writer"
)
WORKERS = 8


def at_once(work):
    """Run it in WORKERS threads at the same moment, each with its own connection."""
    barrier = threading.Barrier(WORKERS)

    def start(_):
        barrier.wait(timeout=10)
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKERS) as threads:
        return list(threads.map(start, range(WORKERS)))


@pytest.fixture
def sweep():
    Schedule.objects.all().delete()
    return Schedule.objects.create(
        name="sweep", func="calls.tasks.sweep", schedule_type="I", minutes=1, repeats=-1
    )


@needs_postgres
def test_a_sweep_that_is_due_is_queued_by_one_worker(sweep):
    for period in range(1, 4):
        Schedule.objects.update(next_run=timezone.now() - timedelta(seconds=1))

        at_once(scheduler)

        assert OrmQ.objects.count() == period


def test_missed_periods_are_not_made_up_for(sweep):
    Schedule.objects.update(next_run=timezone.now() - timedelta(hours=3))

    scheduler()
    scheduler()

    assert OrmQ.objects.count() == 1
    assert Schedule.objects.get().next_run > timezone.now()


def test_simultaneous_sweeps_take_one_sample():
    take_sample()
    take_sample()

    assert MinuteSample.objects.count() == 1
