"""Runs a listener until it is told to stop, through failures of the database."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections

from calls.analysis.live.listener import ROUND_S, Listener, where
from calls.outage import Outage
from calls.telemetry import publishing

log = logging.getLogger(__name__)
outage = Outage(log, "live calls are not transcribed")

DATABASE_PAUSE_S = 1.0
# A thread that recognises may keep the interpreter for this long after each statement of a
# transaction, while ingest waits for the lock: Python's 5 ms were 30 ms for a transaction.
SWITCH_S = 0.0005


def run(stop: Any) -> None:
    """Run the process until ``stop`` is set."""
    told = threading.Event()
    sys.setswitchinterval(SWITCH_S)
    publishing.start("listener")
    # Ctrl-C reaches every process of the terminal. The worker decides when this one stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    listen(Listener(), lambda: told.is_set() or stop.is_set())


def listen(listener: Listener, should_stop: Callable[[], bool]) -> None:
    """Transcribe live calls until told to stop. If the database fails, wait and try again."""
    while not should_stop():
        try:
            listener.step()
            listener.wait(ROUND_S)
        except DatabaseError as error:
            outage.note(error)
            _start_again(listener)
        except Exception as error:
            # A bug must not stop the transcription of all other calls.
            log.error("live transcription failed; it starts again: %s", where(error))  # noqa: TRY400
            _start_again(listener)
        else:
            outage.over()
    try:
        listener.leave()
    except DatabaseError:
        log.warning("the leases of live calls were not released; they stay until they expire")
    connections.close_all()


def _start_again(listener: Listener) -> None:
    connections.close_all()
    listener.forget()
    time.sleep(DATABASE_PAUSE_S)
