"""What django-q2 runs. A task is a wake-up and the rows are the truth: a lost one harms nobody."""

from __future__ import annotations

import asyncio
import os

from calls.analysis.claims import any_due
from calls.analysis.providers.registry import get_provider
from calls.analysis.runner import Runner
from calls.bulk import carry_on, prune_bulk_actions, resume_bulk_actions
from calls.monitoring.samples import take_sample
from calls.retention.history import prune_history
from calls.retention.old_calls import prune
from calls.search.backlog import catch_up
from calls.services import end_idle_calls, retry_failed_calls, wake_worker
from calls.stopping import runner_slot, stopping
from calls.webhooks.services import prune_deliveries

PRUNE_SECONDS = 5  # of the minute between two sweeps
CATCH_UP_SECONDS = 10


def run_analyses() -> int:
    """Carry the calls that are due, unless this worker does so already. Returns how many."""
    if not any_due():
        return 0
    with runner_slot() as mine:
        if not mine:
            return 0
        loop = asyncio.Runner()
        taken: int = loop.run(Runner(get_provider(), should_stop=stopping).run())
    if stopping():
        # A transcription in a thread cannot be interrupted, and would hold up the stop for as
        # long as it takes. Its call has been given back.
        os._exit(0)
    loop.close()
    # A job that found the slot taken left its call to this runner, which may just have decided
    # to go: so look again, now that the slot is free.
    if not stopping() and any_due():
        wake_worker()
    return taken


def run_bulk(action_pk: int) -> bool:
    """Go on with a bulk action for a while. Returns whether nothing is left of it."""
    return carry_on(action_pk, should_stop=stopping)


def sweep() -> int:
    """Once a minute: end calls that fell silent, wake a runner if calls wait. Returns the ended.

    Then retry what failed long ago, remove some of what need not be kept any longer, and make
    calls findable that are not.
    """
    take_sample()
    ended = end_idle_calls()
    retry_failed_calls()
    if any_due(within_s=60):
        wake_worker()
    prune(seconds=PRUNE_SECONDS)
    prune_deliveries()
    prune_history()
    catch_up(seconds=CATCH_UP_SECONDS)
    resume_bulk_actions()
    prune_bulk_actions()
    return ended
