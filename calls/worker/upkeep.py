"""Ends abandoned calls, analyses late words, and seals the audit log, once a second.

It runs in a thread of the worker's watcher process: the sweep comes once a minute, which is too
rare. Any number of workers may run it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.db import Error as DatabaseError
from django.db import connections

from calls.analysis.live.status import clean_up
from calls.audit.chain import seal
from calls.clock import database_now
from calls.ingest.carriers.presence import LEASE_S, end_left_calls
from calls.listening import end_expired_sessions
from calls.operation.lock_waits import one_round
from calls.outage import Outage
from calls.services import reanalyse_late_calls

log = logging.getLogger(__name__)
outage = Outage(log, "the ends of calls wait")

PAUSE_S = 1.0
GAP_S = 5.0
CLEAN_S = 60.0


class Upkeep:
    """Each step does what is due.

    After a database outage, the leases of live sockets have expired. So nothing is ended before the
    database has responded for the length of a carrier's lease without a gap; listeners renew theirs
    more often.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_at: float | None = None
        self._steady_since = 0.0
        self._next_cleaning = 0.0

    def step(self) -> None:
        now = self._clock()
        if self._last_at is None or now - self._last_at > GAP_S:
            self._steady_since = now
        self._last_at = now
        if now - self._steady_since >= LEASE_S:
            with one_round():
                end_left_calls()
            end_expired_sessions()
        reanalyse_late_calls()
        seal()
        if now >= self._next_cleaning:
            # Again at once, if there is more than one portion.
            self._next_cleaning = now + (0 if clean_up(now=database_now()) else CLEAN_S)

    def forget(self) -> None:
        """Note that the database has failed."""
        self._last_at = None


def keep_up(should_stop: Callable[[], bool]) -> None:
    """Run until told to stop. If the database fails, try again."""
    upkeep = Upkeep()
    while not should_stop():
        try:
            upkeep.step()
        except DatabaseError as error:
            outage.note(error)
            connections.close_all()
            upkeep.forget()
        except Exception:
            # A bug in the handling of one call must not stop the upkeep of all others.
            log.exception("the upkeep of calls failed; it starts again")
            upkeep.forget()
        else:
            outage.over()
        time.sleep(PAUSE_S)
    connections.close_all()
