"""Pausing and resuming the analysis. Ingest continues meanwhile, and ended calls wait.

Running attempts finish; no new ones start. The pause is a row that is read at each claim and
before each attempt, so it applies to all workers and survives restarts.
"""

from __future__ import annotations

import logging

from django.db import transaction

from calls import events
from calls.clock import database_now
from calls.models import AnalysisPause
from calls.waking import wake_worker

log = logging.getLogger(__name__)


class AlreadySo(Exception):
    """The analysis is already paused, or already running."""


def find_pause() -> AnalysisPause | None:
    return AnalysisPause.objects.first()


def pause_analysis(*, by: str = "", reason: str = "") -> AnalysisPause:
    """Start no attempts until the analysis is resumed. Raises AlreadySo if it is paused."""
    now = database_now()
    with transaction.atomic():
        pause, is_new = AnalysisPause.objects.get_or_create(
            pk=AnalysisPause.ONLY, defaults={"paused_at": now, "by": by, "reason": reason}
        )
        if not is_new:
            raise AlreadySo(f"The analysis is already paused, since {pause.paused_at:%FT%TZ}.")
        paused = events.AnalysisPaused(by=by, reason=reason)
        events.append([(events.NoCall(), paused)], at=now)
    log.warning("the analysis was paused by %s: %s", by or "unknown", reason or "no reason")
    return pause


def resume_analysis(*, by: str = "") -> None:
    """Resume the analysis, and wake a worker for waiting calls. Raises AlreadySo if it runs."""
    now = database_now()
    with transaction.atomic():
        pause = AnalysisPause.objects.select_for_update().first()
        if pause is None:
            raise AlreadySo("The analysis is not paused.")
        pause.delete()
        wake_worker()
        seconds = round((now - pause.paused_at).total_seconds(), 3)
        events.append([(events.NoCall(), events.AnalysisResumed(by=by, seconds=seconds))], at=now)
    log.warning("the analysis was resumed by %s after %g s", by or "unknown", seconds)
