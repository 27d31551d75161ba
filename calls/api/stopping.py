"""Tells whether this server has been asked to stop, so that requests that wait can end at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_told = threading.Event()


def is_stopping() -> bool:
    return _told.is_set()


def notice_stop() -> None:
    """From now on, notice the signals that stop the server. Its own handlers still run.

    Servers install their handlers before the first request, and ASGI tells an application of the
    end only after its last request.
    """
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            _precede(number)


def _precede(number: signal.Signals) -> None:
    handler = signal.getsignal(number)
    if not callable(handler) or getattr(handler, "notices_stop", False):
        return

    def note(signum: int, frame: FrameType | None) -> Any:
        _told.set()
        return handler(signum, frame)

    note.notices_stop = True  # type: ignore[attr-defined]
    signal.signal(number, note)
