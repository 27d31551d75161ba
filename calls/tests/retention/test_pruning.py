"""Old attempts and records of jobs are removed; those of failures are kept longer."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import Failure, Success, Task

from calls import tasks
from calls.models import Attempt, Call
from calls.retention import history
from calls.retention.history import prune_history
from calls.tests.factories import archived_call, failed_call

pytestmark = pytest.mark.django_db


def make_older(call, **age):
    then = timezone.now() - timedelta(**age)
    Call.objects.filter(pk=call.pk).update(state_changed_at=then, packets_pruned_at=then)
    Attempt.objects.filter(call=call).update(finished_at=then)


def job(name, *, success, days):
    then = timezone.now() - timedelta(days=days)
    return Task.objects.create(
        id=name, name=name, func="calls.tasks.sweep", started=then, stopped=then, success=success
    )


def test_attempts_of_archived_calls_are_deleted_after_a_while():
    old, fresh = archived_call(), archived_call()
    make_older(old, days=91)
    make_older(fresh, days=89)

    assert prune_history()["attempts"] == 2
    assert not old.attempts.exists()
    assert fresh.attempts.count() == 2


def test_a_failed_call_keeps_its_attempts():
    call = failed_call()
    make_older(call, days=1000)

    assert prune_history()["attempts"] == 0
    assert call.attempts.exists()


def test_attempts_stay_while_there_are_packets_to_prune():
    call = archived_call()
    make_older(call, days=91)
    Call.objects.update(packets_pruned_at=None)

    assert prune_history()["attempts"] == 0


def test_attempts_are_kept_permanently_if_the_setting_says_so(settings):
    settings.ATTEMPT_RETENTION = None
    make_older(archived_call(), days=1000)

    assert prune_history()["attempts"] == 0


def test_records_of_failed_jobs_stay_longer_than_the_others():
    for days in (0, 2, 15):
        job(f"done-{days}", success=True, days=days)
        job(f"failed-{days}", success=False, days=days)

    prune_history()

    assert list(Success.objects.values_list("name", flat=True)) == ["done-0"]
    assert set(Failure.objects.values_list("name", flat=True)) == {"failed-0", "failed-2"}


def test_no_statement_removes_more_than_a_batch(monkeypatch):
    monkeypatch.setattr(history, "BATCH", 3)
    for number in range(5):
        job(f"done-{number}", success=True, days=5)

    assert [prune_history()["jobs"] for _ in range(3)] == [3, 2, 0]


def test_the_sweep_prunes():
    job("done", success=True, days=5)

    tasks.sweep()

    assert not Success.objects.exists()
