"""The jobs that django-q2 runs. Rows say what work is left, so a lost job does no harm."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

from django.db import Error as DatabaseError
from django.db import close_old_connections

from calls.accounts.reset import send_resets
from calls.accounts.sessions import prune_sessions
from calls.actions.bulk import carry_on, prune_bulk_actions, resume_bulk_actions
from calls.analysis.claims import any_due
from calls.analysis.providers.registry import get_provider
from calls.analysis.runner import Runner
from calls.audit.cutting import prune_audit
from calls.erasure.services import carry_on as carry_on_erasing
from calls.erasure.services import resume_erasures
from calls.monitoring.samples import take_sample
from calls.notifications.services import OUTBOX as NOTIFICATIONS
from calls.outage import Outage, is_contention, is_outage
from calls.people.agents import rename_calls
from calls.retention.history import prune_history
from calls.retention.old_calls import prune
from calls.search.backlog import catch_up
from calls.services import end_idle_calls, retry_failed_calls
from calls.telemetry import publishing
from calls.telemetry.adding_up import fold_gone
from calls.waking import wake_worker
from calls.webhooks.services import OUTBOX as WEBHOOKS
from calls.worker.stopping import runner_slot, stopping

__all__ = ["send_resets"]  # a job as stored
log = logging.getLogger(__name__)
outage = Outage(log, "jobs wait")
Job = TypeVar("Job", bound=Callable[..., Any])

PRUNE_SECONDS = 5  # of the minute between two sweeps
CATCH_UP_SECONDS = 10
ERASE_SECONDS = 300


def patient(job: Job) -> Job:
    """Let a job end quietly if the database is not available: the sweep queues it again."""

    @wraps(job)
    def run(*args: Any) -> Any:
        try:
            result = job(*args)
        except DatabaseError as error:
            if not is_outage(error):
                raise
            outage.note(error)
            return None
        outage.over()
        return result

    return run  # type: ignore[return-value]


@patient
def run_analyses() -> int:
    """Analyse the calls that are due, unless this worker is doing so already. Return how many."""
    publishing.start("worker")
    if not any_due():
        return 0
    with runner_slot() as mine:
        if not mine:
            return 0
        loop = asyncio.Runner()
        taken: int = loop.run(Runner(get_provider(), should_stop=stopping).run())
    if stopping():
        # A transcription in a thread cannot be interrupted and would delay the stop until it
        # ends. Its call has been released.
        publishing.leave()
        os._exit(0)
    loop.close()
    # A job that found the slot taken left its call to this runner, which may have been about to
    # finish. Check again, now that the slot is free.
    if not stopping() and any_due():
        wake_worker()
    return taken


@patient
def run_bulk(action_pk: int) -> bool:
    """Continue a bulk action for a while. Return whether it is finished."""
    return carry_on(action_pk, should_stop=stopping)


@patient
def run_erasure(pk: str) -> bool:
    """Continue an erasure for a while. Return whether it is finished."""
    return carry_on_erasing(pk, seconds=ERASE_SECONDS).finished_at is not None


def sweep() -> int:
    """Do once a minute what no other job does. Returns how many silent calls were ended.

    Each step is independent: if one fails, this is logged, the others still run, and the next sweep
    tries it again. Raises an ExceptionGroup at the end, so that the queue counts a failed sweep.
    A database that is not available, or busy, is no failure of a step.
    """
    publishing.start("worker")
    done: dict[str, Any] = {}
    failures: list[Exception] = []
    is_away = False
    for name, step in SWEEP_STEPS.items():
        try:
            done[name] = step()
        except Exception as error:
            if is_contention(error):
                log.warning("sweep: cannot %s; the next sweep tries again: %s", name, error)
            elif is_outage(error):
                is_away = True
                outage.note(error)
            else:
                log.exception("sweep: cannot %s; the next sweep tries again", name)
                failures.append(error)
            close_old_connections()  # the next step would fail with a broken one
    if not is_away:
        outage.over()
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(SWEEP_STEPS)} steps failed", failures)
    ended: int = done.get(END_IDLE, 0)
    return ended


def _wake_for_due_calls() -> None:
    if any_due(within_s=60):
        wake_worker()


END_IDLE = "end idle calls"
# The order matters: calls that were just ended or retried wake the worker in the same sweep.
SWEEP_STEPS: dict[str, Callable[[], Any]] = {
    "take a sample": take_sample,
    END_IDLE: end_idle_calls,
    "retry failed calls": retry_failed_calls,
    "wake the worker": _wake_for_due_calls,
    "continue erasures": resume_erasures,
    "prune calls": partial(prune, seconds=PRUNE_SECONDS),
    "prune webhook deliveries": WEBHOOKS.prune,
    "prune notification deliveries": NOTIFICATIONS.prune,
    "prune the history": prune_history,
    "prune the audit log": prune_audit,
    "index calls for search": partial(catch_up, seconds=CATCH_UP_SECONDS),
    "resume bulk actions": resume_bulk_actions,
    "prune bulk actions": prune_bulk_actions,
    "add up processes that have ended": fold_gone,
    "give calls the names of agents": rename_calls,
    "prune expired logins": prune_sessions,
}
