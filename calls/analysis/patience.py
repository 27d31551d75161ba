"""Reads and writes that outlast an absence of the database and the locks of others.

What the AI has answered is paid for. Without this, the call would wait until its lease expires, and
its attempt would count as that of a dead worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from django.db import Error as DatabaseError
from django.db import transaction

from calls.operation.lock_waits import limit_lock_waits, limit_waits_of_thread
from calls.outage import Outage, is_contention, is_outage

log = logging.getLogger(__name__)
outage = Outage(log, "results wait")
T = TypeVar("T")
LOCK_MS = 1_000  # others wait for a batch in which one call is locked
RETRY_S, RETRY_MOST_S = 0.5, 4.0


async def patiently(work: Callable[[], Awaitable[T]], should_stop: Callable[[], bool]) -> T:
    """Do work on the database, again and again while it can succeed later."""
    pause_s = RETRY_S
    while True:
        try:
            result = await work()
        except DatabaseError as error:
            if not is_outage(error) or should_stop():
                raise
            if is_contention(error):
                log.info("a result waits for a lock: %s", error)
            else:
                outage.note(error)
        else:
            outage.over()
            return result
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, RETRY_MOST_S)


def with_short_waits(function: Callable[..., T], *args: Any) -> T:
    """Call a function whose transactions must not wait long for one locked call.

    The thread belongs to a worker: its connection keeps the limit.
    """
    if limit_waits_of_thread(LOCK_MS):
        return function(*args)
    with transaction.atomic():
        limit_lock_waits(LOCK_MS)
        return function(*args)
