"""Removes old attempts and records of jobs.

Successful ones go sooner than failed ones. The attempts of a FAILED call are kept as long as the
call, because they explain the failure.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django_q.models import Failure, Success

from calls.clock import database_now
from calls.lifecycle import CallState
from calls.models import Attempt, LegalHold

BATCH = 1_000  # rows in one statement


def prune_history() -> dict[str, int]:
    """Remove up to one batch of each kind. Returns how many rows."""
    now = database_now()
    return {
        "attempts": _remove(_old_attempts(_before(settings.ATTEMPT_RETENTION, now))),
        "jobs": _remove(_old_jobs(Success.objects.all(), settings.JOB_RETENTION, now)),
        "failed jobs": _remove(
            _old_jobs(Failure.objects.all(), settings.FAILED_JOB_RETENTION, now)
        ),
    }


def _before(age: timedelta | None, now: datetime) -> datetime | None:
    return None if age is None else now - age


def _old_attempts(before: datetime | None) -> QuerySet[Attempt]:
    """Return attempts of calls that were archived before this time and have no packets left.

    Pruning packets needs the attempts: the start of the transcription shows which late packets it
    included.
    """
    if before is None:
        return Attempt.objects.none()
    return Attempt.objects.filter(
        call__state=CallState.ARCHIVED,
        call__state_changed_at__lt=before,
        finished_at__lt=before,
    ).exclude(
        Q(call__packets_pruned_at=None)
        | Exists(LegalHold.objects.active().filter(call=OuterRef("call")))
    )


def _old_jobs(jobs: QuerySet[Success], age: timedelta | None, now: datetime) -> QuerySet[Success]:
    before = _before(age, now)
    return jobs.none() if before is None else jobs.filter(stopped__lt=before)


def _remove(rows: Any) -> int:
    # DELETE has no LIMIT on PostgreSQL, so the keys are read first.
    pks = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    return int(rows.filter(pk__in=pks).order_by().delete()[0]) if pks else 0
