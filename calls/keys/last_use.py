"""Records how each key is used: when last, from where, and how often over its limit.

Requests do not wait for it.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from calls.models import ApiKey
from calls.models.operation import ADDRESS_LENGTH
from calls.outage import Outage

log = logging.getLogger(__name__)
outage = Outage(log, "the last use of API keys is not recorded")
EVERY_S = 60.0
COUNT_EVERY_S = 5.0
EXIT_PATIENCE_S = 2.0


def start_thread(work: Callable[[], None]) -> threading.Thread:
    # A daemon: a database that hangs must not keep the process from stopping.
    thread = threading.Thread(target=work, name="key uses", daemon=True)
    thread.start()
    return thread


class LastUse:
    """Writes each key at most once a minute, in a thread that ends when it has written."""

    def __init__(self, start: Callable[[Callable[[], None]], threading.Thread | None]) -> None:
        self.start = start
        self._noted_at: dict[int, float] = {}
        self._pending: dict[int, tuple[datetime, str]] = {}
        self._limited: Counter[int] = Counter()
        self._counted_at = float("-inf")
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, key_id: int, address: str) -> None:
        """Note that a key is used now. Costs a dict lookup, except once a minute."""
        now = time.monotonic()
        if now - self._noted_at.get(key_id, float("-inf")) < EVERY_S:
            return
        with self._lock:
            self._noted_at[key_id] = now
            self._pending[key_id] = (timezone.now(), address)
            self._start()

    def count_limited(self, key_id: int) -> None:
        """Count a request that was refused because its key had used up its limit."""
        with self._lock:
            self._limited[key_id] += 1
            now = time.monotonic()
            if now - self._counted_at >= COUNT_EVERY_S:
                self._counted_at = now
                self._start()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = self.start(self._write)

    def forget(self) -> None:
        """Forget what was noted and is not yet written, and note the next use, however soon."""
        with self._lock:
            self._noted_at.clear()
            self._pending.clear()
            self._limited.clear()

    def finish(self) -> None:
        """Write what is left, and wait for it a little, when the process ends."""
        with self._lock:
            if self._limited or self._pending:
                self._start()
            thread = self._thread
        if thread:
            thread.join(EXIT_PATIENCE_S)

    def _write(self) -> None:
        try:
            while any(taken := self._take()):
                uses, limited = taken
                for key_id, (at, address) in uses.items():
                    _record(key_id, at, address)
                for key_id, count in limited.items():
                    _record_limited(key_id, count)
                outage.over()
        except DatabaseError as error:
            # The next use is recorded a minute later, which is just as good.
            outage.note(error)
        finally:
            connection.close()
            self._ended()

    def _take(self) -> tuple[dict[int, tuple[datetime, str]], Counter[int]]:
        """Return what is to be written. If it is nothing, the thread ends."""
        with self._lock:
            uses, self._pending = self._pending, {}
            limited, self._limited = self._limited, Counter()
            if not uses and not limited:
                # Still locked: whoever notes a use next starts another thread.
                self._thread = None
            return uses, limited

    def _ended(self) -> None:
        with self._lock:
            if self._thread is threading.current_thread():
                self._thread = None


def _record(key_id: int, at: datetime, address: str) -> None:
    # Another process may have recorded a later use.
    earlier = Q(last_used_at=None) | Q(last_used_at__lt=at)
    ApiKey.objects.filter(earlier, pk=key_id).update(
        last_used_at=at, last_used_from=address[:ADDRESS_LENGTH]
    )


def _record_limited(key_id: int, count: int) -> None:
    ApiKey.objects.filter(pk=key_id).update(limited_count=F("limited_count") + count)


last_use = LastUse(start_thread)
atexit.register(last_use.finish)
