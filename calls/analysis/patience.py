"""Reads and writes that outlast an absence of the database and the locks of others.

What the AI has answered is paid for. Without this, the call would wait until its lease expires, and
its attempt would count as that of a dead worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.db import Error as DatabaseError

from calls.outage import Outage, is_contention, is_outage

log = logging.getLogger(__name__)
outage = Outage(log, "results wait")
T = TypeVar("T")
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
