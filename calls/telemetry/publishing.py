"""Writes the meters of a process to the database, off the hot path.

Each process has a row of its own, so processes never wait for each other. A thread writes it every
METRICS_EVERY seconds if something has changed, and once more when the process ends.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.util import Finalize
from time import monotonic

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from calls.clock import database_now
from calls.models import ProcessFigures
from calls.process import this_process
from calls.telemetry import tracing
from calls.telemetry.meters import Stored, read_counts, read_gauges

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
UNCHANGED_S = 20.0  # as often if nothing has changed
FRESH = timedelta(seconds=50)  # an older row is of a process that has ended, or is stuck


@dataclass
class Publisher:
    """Writes the row of one process."""

    role: str
    clock: Callable[[], float] = monotonic
    key: uuid.UUID = field(default_factory=uuid.uuid4)
    _written: Stored | None = None
    _gauges: Stored | None = None
    _written_at: float = 0.0
    _kept: Stored = field(default_factory=dict)  # already counted in the row GONE

    def publish(self) -> None:
        """Write the row if it has changed, or has not been written for too long."""
        counts, gauges = read_counts(), read_gauges()
        is_same = (counts, gauges) == (self._written, self._gauges)
        if is_same and self.clock() - self._written_at < UNCHANGED_S:
            return
        self._write(counts, gauges, seen_at=database_now())
        self._written, self._gauges, self._written_at = counts, gauges, self.clock()

    def leave(self) -> None:
        """Write the last figures, as a process that is gone."""
        self._write(read_counts(), {}, seen_at=database_now() - FRESH)

    def _write(self, counts: Stored, gauges: Stored, *, seen_at: datetime) -> None:
        if self._written is not None and self._update(counts, gauges, seen_at=seen_at):
            return
        # The row was added up while this process did not answer. It must not count twice.
        self._kept = self._written or {}
        ProcessFigures.objects.create(
            id=self.key,
            process=this_process(),
            role=self.role,
            seen_at=seen_at,
            counts=_less(counts, self._kept),
            gauges=gauges,
        )

    def _update(self, counts: Stored, gauges: Stored, *, seen_at: datetime) -> int:
        mine = ProcessFigures.objects.filter(pk=self.key)
        return mine.update(counts=_less(counts, self._kept), gauges=gauges, seen_at=seen_at)


def _less(counts: Stored, kept: Stored) -> Stored:
    if not kept:
        return counts
    return {
        name: {
            key: _difference(found, kept.get(name, {}).get(key)) for key, found in series.items()
        }
        for name, series in counts.items()
    }


def _difference(found: list[float], kept: list[float] | None) -> list[float]:
    return found if kept is None else [a - b for a, b in zip(found, kept, strict=True)]


class _Running:
    """The publisher of this process. A forked child has to start its own."""

    owner = 0
    leave: Finalize | None = None


def is_running() -> bool:
    """Return whether this process publishes its meters."""
    return _Running.owner == os.getpid()


def start(role: str) -> None:
    """Publish the meters and spans of this process from now on. Cheap to call again."""
    tracing.start(role)
    if is_running() or not settings.METRICS_EVERY:
        return
    stop, publisher = threading.Event(), Publisher(role)
    thread = threading.Thread(
        target=_run, args=(publisher, stop), name="metrics-publisher", daemon=True
    )
    thread.start()
    _Running.owner = os.getpid()
    # A forked child leaves through multiprocessing, which runs no atexit handlers.
    _Running.leave = Finalize(None, _finish, args=(publisher, stop, thread), exitpriority=10)


def leave() -> None:
    """Write the last figures and spans. Call before ``os._exit``.

    Every other way to end a process does it.
    """
    tracing.stop()
    if _Running.leave is not None:
        _Running.leave()


def _run(publisher: Publisher, stop: threading.Event) -> None:
    while not stop.wait(settings.METRICS_EVERY):
        _try(publisher.publish)


def _finish(publisher: Publisher, stop: threading.Event, thread: threading.Thread) -> None:
    stop.set()
    thread.join(timeout=PATIENCE_S)
    _try(publisher.leave)


def _try(write: Callable[[], None]) -> None:
    try:
        write()
    except DatabaseError as error:
        # The next round writes the same figures and more. Others report the outage.
        log.debug("the metrics of this process wait for the database: %s", error)
    except Exception:
        log.exception("the metrics of this process were not published")
    finally:
        connection.close()
