"""The analysis is paused and resumed by people. Calls are taken in all the same, and wait.

What is with the AI meanwhile is finished; nothing else begins. The row is asked at each claim
and before each attempt, so it holds for every worker, and across restarts.
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
    """The analysis is paused already, or not paused at all."""


def find_pause() -> AnalysisPause | None:
    return AnalysisPause.objects.first()


def pause_analysis(*, by: str = "", reason: str = "") -> AnalysisPause:
    """Let no analysis begin until somebody resumes it. Raises AlreadySo if it is paused."""
    now = database_now()
    with transaction.atomic():
        pause, is_new = AnalysisPause.objects.get_or_create(
            pk=AnalysisPause.ONLY, defaults={"paused_at": now, "by": by, "reason": reason}
        )
        if not is_new:
            raise AlreadySo(f"The analysis is paused already, since {pause.paused_at:%FT%TZ}.")
        paused = events.AnalysisPaused(by=by, reason=reason)
        events.append([(events.NoCall(), paused)], at=now)
    log.warning("the analysis was paused by %s: %s", by or "nobody known", reason or "no reason")
    return pause


def resume_analysis(*, by: str = "") -> None:
    """Let the analysis go on, and wake a worker for what waits. Raises AlreadySo if it runs."""
    now = database_now()
    with transaction.atomic():
        pause = AnalysisPause.objects.select_for_update().first()
        if pause is None:
            raise AlreadySo("The analysis is not paused.")
        pause.delete()
        wake_worker()
        seconds = round((now - pause.paused_at).total_seconds(), 3)
        events.append([(events.NoCall(), events.AnalysisResumed(by=by, seconds=seconds))], at=now)
    log.warning("the analysis was resumed by %s after %g s", by or "nobody known", seconds)
