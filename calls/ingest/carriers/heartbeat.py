"""Renews the leases of this process's sockets: one statement for all of them, every RENEW_S."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection

from django.db import Error as DatabaseError
from django.db import connection

from calls.ingest.carriers.presence import renew_leases
from calls.outage import Outage

log = logging.getLogger(__name__)

RENEW_S = 3.0  # a third of the lease: two beats in a row may fail


class Heartbeat:
    """Renews leases in a thread of its own while there are any.

    The event loop and its database thread may be busy. That must not look like a dead process.
    """

    def __init__(self, renew: Callable[[Collection[int]], None] = renew_leases) -> None:
        self._renew = renew
        self._held: set[int] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._outage = Outage(log, "the leases of sockets are not renewed")

    def add(self, pk: int) -> None:
        with self._changed:
            self._held.add(pk)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
                self._thread.start()

    def remove(self, pk: int) -> None:
        with self._changed:
            self._held.discard(pk)
            self._changed.notify()

    def _run(self) -> None:
        while held := self._wait():
            try:
                self._renew(held)
            except DatabaseError as error:
                self._outage.note(error)
            except Exception:
                # Whatever the error, the sockets are alive, and the next beat may succeed.
                log.exception("the leases of %d sockets were not renewed", len(held))
            else:
                self._outage.over()
            finally:
                connection.close()

    def _wait(self) -> list[int]:
        """Return the leases to renew after RENEW_S. Returns none, and ends, once none is held."""
        with self._changed:
            self._changed.wait_for(lambda: not self._held, timeout=RENEW_S)
            if not self._held:
                self._thread = None
            return list(self._held)


heartbeat = Heartbeat()
