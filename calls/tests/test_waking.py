"""The worker is woken once per transaction, once per batch, and never by what was rolled back."""

from __future__ import annotations

from contextlib import suppress

import pytest
from django.db import transaction
from django_q.models import OrmQ

from calls import services
from calls.lifecycle import CallState
from calls.waking import wake_worker, waking_once

pytestmark = pytest.mark.django_db(transaction=True)


class Undo(Exception):
    """Rolls a block back."""


def jobs():
    return OrmQ.objects.count()


def test_a_transaction_queues_one_job_for_all_its_calls(call_in):
    for number in range(3):
        call_in(CallState.IN_PROGRESS, f"c-{number}")

    with transaction.atomic():
        for number in range(3):
            services.end_call(call_id=f"c-{number}")

    assert jobs() == 1


def test_the_next_transaction_queues_a_job_of_its_own():
    for _ in range(2):
        with transaction.atomic():
            wake_worker()

    assert jobs() == 2


@transaction.atomic
def wake_in_a_decorated_function():
    wake_worker()


def test_a_decorated_function_queues_a_job_each_time():
    wake_in_a_decorated_function()
    wake_in_a_decorated_function()

    assert jobs() == 2


def test_outside_a_transaction_each_call_queues_a_job():
    wake_worker()
    wake_worker()

    assert jobs() == 2


def test_the_job_is_rolled_back_with_the_transaction_and_the_next_one_queues_it():
    with suppress(Undo), transaction.atomic():
        wake_worker()
        raise Undo
    assert jobs() == 0

    with transaction.atomic():
        wake_worker()

    assert jobs() == 1


def test_a_job_rolled_back_with_a_savepoint_is_queued_again():
    with transaction.atomic():
        with suppress(Undo), transaction.atomic():
            wake_worker()
            raise Undo
        wake_worker()

    assert jobs() == 1


def test_a_job_from_a_released_savepoint_counts_until_the_outer_savepoint_is_rolled_back():
    with transaction.atomic():
        with suppress(Undo), transaction.atomic():
            with transaction.atomic():
                wake_worker()
            wake_worker()
            assert jobs() == 1
            raise Undo
        assert jobs() == 0
        wake_worker()

    assert jobs() == 1


def test_a_batch_queues_one_job_when_it_ends(call_in):
    for number in range(3):
        call_in(CallState.FAILED, f"c-{number}")

    with waking_once():
        with waking_once():
            for number in range(3):
                services.retry_call(call_id=f"c-{number}")
        assert jobs() == 0

    assert jobs() == 1


def test_a_batch_in_which_every_call_refuses_queues_nothing(call_in):
    call_in(CallState.ARCHIVED, "c-1")

    with waking_once(), pytest.raises(services.NotPossible):
        services.retry_call(call_id="c-1")

    assert jobs() == 0


def test_a_failed_batch_does_not_suppress_the_next_job():
    with suppress(Undo), waking_once():
        wake_worker()
        raise Undo
    assert jobs() == 0

    wake_worker()

    assert jobs() == 1
