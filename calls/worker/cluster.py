"""The worker: a django-q2 cluster that survives the death of its processes and stops promptly.

Its processes share the stop flag and the runner slot in memory that fork shares. Without fork,
each process has its own copy; then the leases cover the calls that a stop interrupts.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone
from django_q.cluster import Cluster, Sentinel, get_mp_context

from calls.clock import database_now
from calls.models import WorkerHeartbeat
from calls.operation.garbage import spare_what_is_loaded
from calls.outage import Outage
from calls.process import SOFTWARE_ERROR, end_children_with_me, this_process
from calls.waking import wake_worker
from calls.worker.stopping import _Flag, _slot, _starting_over, _told_to_stop

log = logging.getLogger(__name__)
outage = Outage(log, "the worker sends no heartbeat")
HEARTBEAT_S = 5
RESTART_PAUSE_S = 1
DRAIN_S = 10
_leaving = _Flag()


class _Sentinel(Sentinel):  # type: ignore[misc]
    """Guards the pool, and starts over when one of its processes is killed.

    A process that dies while it waits for work still holds the lock of the queue. All other
    processes would then wait forever, so the queues must be replaced.
    """

    def reincarnate(self, process: Any) -> None:
        # A process that timed out still runs. One that has done enough jobs ends with 0.
        timed_out = process.exitcode is None
        if timed_out or process.exitcode == 0:
            super().reincarnate(process)
            return
        log.critical("%s died (%s): the worker starts over", process.name, process.exitcode)
        _starting_over.set()
        _slot.lock.acquire(timeout=DRAIN_S)  # the runner releases its calls first
        for part in [*self.pool, self.monitor, self.pusher]:
            part.kill()
        os._exit(SOFTWARE_ERROR)


class Worker(Cluster):  # type: ignore[misc]
    """A cluster whose ``run`` returns after SIGTERM or SIGINT, once every process has stopped."""

    _watcher: Any = None
    _listener: Any = None

    def run(self) -> None:
        # First: if this process is killed, its children must not be left behind.
        end_children_with_me()
        _without_pool()
        _load_jobs()
        beat = WorkerHeartbeat(name=this_process(), started_at=timezone.now())
        while not _told_to_stop.is_set():
            self._keep_pool()
            self._keep_watch()
            self._keep_listening()
            _show_life(beat)
            self.sentinel.join(timeout=HEARTBEAT_S)
        if self.sentinel is not None:
            self.sentinel.join()
        self._leave(self._watcher, self._listener)
        _bury(beat)

    def _keep_pool(self) -> None:
        """Start the sentinel, which starts the other processes. Start it again if it has died."""
        if self.sentinel is not None:
            if self.sentinel.is_alive():
                return
            time.sleep(RESTART_PAUSE_S)
        self._ask_for_work()
        self.start()

    def _keep_watch(self) -> None:
        """Start the process that raises alerts and delivers messages, again if it has died."""
        self._watcher = _kept(self._watcher, "watcher", _watch)

    def _keep_listening(self) -> None:
        """Start the process that transcribes live calls, again if it has died."""
        if settings.LIVE_TRANSCRIPTION != "off":
            self._listener = _kept(self._listener, "listener", _listen)

    def _leave(self, *processes: Any) -> None:
        """Make the processes outside the pool stop gracefully."""
        _leaving.set()
        deadline = time.monotonic() + DRAIN_S
        for process in filter(None, processes):
            process.join(timeout=max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()

    def start(self) -> int:
        _slot.renew()
        _starting_over.clear()
        connections.close_all()
        self.stop_event, self.start_event = _told_to_stop, multiprocessing.Event()
        self.sentinel = get_mp_context().Process(
            target=_Sentinel,
            name="sentinel",
            args=(self.stop_event, self.start_event, self.cluster_id, self.broker, self.timeout),
        )
        self.sentinel.start()
        return os.getpid()

    def _ask_for_work(self) -> None:
        """Look for calls that an earlier worker left, without waiting for the next sweep."""
        try:
            wake_worker()
        except DatabaseError as error:
            log.warning("the next sweep will look for work: %s", error)
        connections.close_all()

    def sig_handler(self, *_: Any) -> None:
        # The sentinel sees the flag too and stops gracefully, which ends the wait in ``run``. A
        # signal may arrive at any point of the start, so the handler must touch nothing else.
        _told_to_stop.set()


def _kept(process: Any, name: str, run: Callable[[Any], None]) -> Any:
    """Return the process if it is alive, or else a new one."""
    if process is not None and process.is_alive():
        return process
    if process is not None:
        log.critical("the %s died (%s): starting it again", name, process.exitcode)
    connections.close_all()
    started = get_mp_context().Process(target=run, name=name, args=(_leaving,), daemon=True)
    started.start()
    return started


def _watch(leaving: Any) -> None:
    # Imported here, because it needs the models, which the commands load after this module.
    from calls.alerts.watcher import run

    run(leaving)


def _listen(leaving: Any) -> None:
    from calls.analysis.live.loop import run

    run(leaving)


def _load_jobs() -> None:
    """Import the jobs before forking, so that processes share them and the first call starts fast.

    The imports are here because the command imports this module before the models are loaded.
    """
    import calls.tasks  # noqa: F401
    from calls.analysis.providers.registry import import_factory, warn_of_missing_packages
    from calls.erasure.again import warn_of_restore

    import_factory()
    warn_of_missing_packages()
    _warn(warn_of_restore)
    spare_what_is_loaded()


def _warn(find: Callable[[], bool]) -> None:
    """Look for problems that operators must know. A worker starts even without a database."""
    try:
        find()
    except (DatabaseError, OSError) as error:
        log.warning("cannot compare the database with the ledger of erasures: %s", error)
    connections.close_all()


def _without_pool() -> None:
    """Use no connection pool, which must not cross a fork. Each process has its own connection."""
    database = connections["default"].settings_dict
    database["OPTIONS"].pop("pool", None)
    database["CONN_MAX_AGE"] = 600


def _show_life(beat: WorkerHeartbeat) -> None:
    try:
        beat.seen_at = database_now()
        beat.save()
    except DatabaseError as error:
        outage.note(error)
    else:
        outage.over()
    finally:
        connections.close_all()


def _bury(beat: WorkerHeartbeat) -> None:
    try:
        beat.delete()
    except DatabaseError as error:
        log.warning("the heartbeat was not removed: %s", error)
