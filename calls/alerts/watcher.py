"""Watches calls for alerts, in a process of its own beside the worker's; delivers webhooks too.

Any number may run: one holds the lease and watches, all of them deliver. What the holder leaves
behind when it dies is taken up by another one, from the positions in the database.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections
from django.utils import timezone

from calls.alerts import duty
from calls.alerts.results import open_log, watch_log
from calls.alerts.rules import RuleBook
from calls.alerts.services import raise_alerts
from calls.alerts.sweep import SWEPT, sweep_live
from calls.alerts.tail import WATCH, PacketTail, newest_packet
from calls.alerts.words import find_words
from calls.models import AlertRule
from calls.webhooks.courier import Courier

log = logging.getLogger(__name__)

PAUSE_S = 0.25
SWEEP_S = 2.0
DATABASE_PAUSE_S = 1.0


class Watcher:
    """One step looks at everything that is new; slow matters are looked at every SWEEP_S."""

    def __init__(self, *, owner: str) -> None:
        self._owner = owner
        self._book = RuleBook()
        self._tail: PacketTail | None = None
        self._offset = 0
        self._next_sweep = 0.0

    def step(self) -> None:
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP_S
            if not self._hold():
                return
            self._book.refresh()
            self._sweep()
        if self._tail is not None:
            self._watch(self._tail)

    def _hold(self) -> bool:
        duty.open_watch(WATCH, start=newest_packet())  # there must be a row to take
        mine = duty.hold(WATCH, owner=self._owner)
        if not mine:
            self._tail = None
        elif self._tail is None:
            self._tail, self._offset = PacketTail(), open_log()
        return mine

    def _sweep(self) -> None:
        now = timezone.now()
        raise_alerts(list(sweep_live(self._book.of(*SWEPT), now=now)), now=now)

    def _watch(self, tail: PacketTail) -> None:
        packets = tail.read()
        rules = self._book.of(AlertRule.Kind.WORDS)
        raise_alerts(list(find_words(rules, packets)), now=timezone.now())
        tail.done()
        self._offset = watch_log(self._book, self._offset, now=timezone.now())

    def forget(self) -> None:
        """Begin again from what the database says."""
        self._tail, self._next_sweep = None, 0.0

    def leave(self) -> None:
        duty.let_go(WATCH, owner=self._owner)


def watch(should_stop: Callable[[], bool]) -> None:
    """Watch until told to stop; trouble with the database is waited out."""
    watcher = Watcher(owner=f"{socket.gethostname()}:{os.getpid()}")
    while not should_stop():
        try:
            watcher.step()
        except DatabaseError as error:
            log.warning("alerts wait for the database: %s", error)
            connections.close_all()
            watcher.forget()
            time.sleep(DATABASE_PAUSE_S)
        except Exception:
            # A fault of this program must not end the watch for all other calls.
            log.exception("alerts stumbled, and begin again")
            watcher.forget()
            time.sleep(DATABASE_PAUSE_S)
        time.sleep(PAUSE_S)
    try:
        watcher.leave()
    except DatabaseError:
        log.warning("the lease of the alerts stays behind until it runs out")
    connections.close_all()


def run(stop: Any) -> None:
    """The process: one thread watches, the other delivers, until ``stop`` is set."""
    told = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: told.set())

    def should_stop() -> bool:
        return told.is_set() or stop.is_set()

    delivering = threading.Thread(
        target=lambda: asyncio.run(Courier(should_stop).run()), name="webhooks"
    )
    delivering.start()
    watch(should_stop)
    delivering.join()
