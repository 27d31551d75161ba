"""Watches calls for alerts and delivers messages, in its own process alongside the worker's.

Any number may run: one holds the lease and watches, and all of them deliver. If the holder dies,
another one continues from the positions in the database. The upkeep of calls runs here as well.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections
from django.utils import timezone

from calls.alerts import watches
from calls.alerts.endings import adopt_alerts, resolve_left_over, resolve_live
from calls.alerts.handling import wake_snoozed
from calls.alerts.kinds import LIVE_KINDS, PACKET_KINDS
from calls.alerts.live.matches import match_heard
from calls.alerts.live.packet_words import find_words
from calls.alerts.live.packets import WATCH, PacketTail, newest_packet
from calls.alerts.live.sweep import sweep_live
from calls.alerts.live.utterances import LiveTail
from calls.alerts.matches import AlertMatch, Held
from calls.alerts.results import open_log, watch_log
from calls.alerts.rules import RuleBook
from calls.alerts.services import raise_alerts
from calls.notifications.services import OUTBOX as NOTIFICATIONS
from calls.operation.lock_waits import one_round
from calls.outage import Outage
from calls.process import this_process
from calls.telemetry import publishing
from calls.webhooks.courier import Courier
from calls.webhooks.outbox import Outbox
from calls.webhooks.services import OUTBOX as WEBHOOKS
from calls.worker.upkeep import keep_up

log = logging.getLogger(__name__)
outage = Outage(log, "alerts wait")

PAUSE_S = 0.25
SWEEP_S = 2.0
DATABASE_PAUSE_S = 1.0


class Watcher:
    """Each step checks everything that is new. Live calls are swept every SWEEP_S."""

    def __init__(self, *, owner: str) -> None:
        self._owner = owner
        self._book = RuleBook()
        self._tail: PacketTail | None = None
        self._live = LiveTail()
        self._offset = 0
        self._next_sweep = 0.0
        self._held = Held()

    def step(self) -> None:
        with one_round():
            self._step()

    def _step(self) -> None:
        # The lease is extended with each sweep, so five times before it expires.
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP_S
            if not self._hold():
                return
            self._book.refresh()
            self._sweep()
        if self._tail is not None:
            self._watch(self._tail)

    def _hold(self) -> bool:
        watches.open_watch(WATCH, start=newest_packet())  # the lease needs a row
        mine = watches.acquire_lease(WATCH, owner=self._owner)
        if not mine:
            self._tail, self._held = None, Held()
        elif self._tail is None:
            self._tail, self._offset = PacketTail(), open_log()
            self._live = LiveTail()
            adopt_alerts()
        return mine

    def _sweep(self) -> None:
        now = timezone.now()
        # First resolve alerts that are over, because a rule may raise again after that.
        resolve_live(now=now)
        resolve_left_over(now=now)
        wake_snoozed(now=now)
        raise_alerts(list(sweep_live(self._book.of(*LIVE_KINDS), now=now)), now=now)

    def _watch(self, tail: PacketTail) -> None:
        waiting, self._held = self._held, Held()
        self._raise(waiting.matches)
        packets = tail.read()
        self._refresh_for(packets)
        self._raise(list(find_words(self._book.of(*PACKET_KINDS), packets)))
        tail.done(store=not self._held)
        heard = list(self._live.read())
        self._refresh_for(heard)
        self._raise(list(match_heard(self._book, heard)))
        # After what was heard, which the results repeat.
        self._offset = watch_log(
            self._book,
            self._offset,
            now=timezone.now(),
            tail=self._live,
            waiting=waiting,
            held=self._held,
        )

    def _raise(self, matches: Sequence[AlertMatch]) -> None:
        raise_alerts(matches, now=timezone.now(), held=self._held.matches)

    def _refresh_for(self, news: Sequence[object]) -> None:
        """Read the rules again, after the news, so that one made just before finds them."""
        if news:
            self._book.refresh()

    def forget(self) -> None:
        """Start again from the positions in the database."""
        self._tail, self._next_sweep, self._held = None, 0.0, Held()

    def leave(self) -> None:
        watches.release_lease(WATCH, owner=self._owner)


def watch(should_stop: Callable[[], bool]) -> None:
    """Watch until told to stop. If the database fails, wait and try again."""
    watcher = Watcher(owner=this_process())
    while not should_stop():
        try:
            watcher.step()
        except DatabaseError as error:
            outage.note(error)
            connections.close_all()
            watcher.forget()
            time.sleep(DATABASE_PAUSE_S)
        except Exception:
            # A bug must not end the watch for all other calls.
            log.exception("watching for alerts failed; it starts again")
            watcher.forget()
            time.sleep(DATABASE_PAUSE_S)
        else:
            outage.over()
        time.sleep(PAUSE_S)
    try:
        watcher.leave()
    except DatabaseError:
        log.warning("the lease of the alerts was not released; it stays until it expires")
    connections.close_all()


def run(stop: Any) -> None:
    """Run the process until ``stop`` is set: threads watch, deliver and keep up the calls."""
    told = threading.Event()
    publishing.start("watcher")
    # Ctrl-C reaches every process of the terminal. The worker decides when this one stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: told.set())

    def should_stop() -> bool:
        return told.is_set() or stop.is_set()

    # Threads of their own: a rule that takes long to check must not delay deliveries.
    others = [
        threading.Thread(target=deliver, args=(outbox, should_stop), name=outbox.name)
        for outbox in (WEBHOOKS, NOTIFICATIONS)
    ]
    others.append(threading.Thread(target=keep_up, args=(should_stop,), name="upkeep"))
    for thread in others:
        thread.start()
    watch(should_stop)
    for thread in others:
        thread.join()


def deliver(outbox: Outbox, should_stop: Callable[[], bool]) -> None:
    asyncio.run(Courier(outbox, should_stop).run())
