"""Group commit: packets that arrive while one transaction commits are written by the next one.

Each process has one bounded buffer and one writer thread. ``store`` returns after the commit, so a
sender that got a response can forget its packets.

The buffer refuses early rather than late. During a database outage, or while packets wait too long
to be written, requests are answered at once with 503, and sockets wait with what they have read.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import connection

from calls.ingest.alone import store_alone
from calls.ingest.gathering import Deadlines, Gathering
from calls.ingest.packets import IncomingPacket
from calls.ingest.patience import in_a_hurry, record_patiently
from calls.ingest.pressure import Admission, LoopLag, Shedding, Speed
from calls.ingest.reports import EVERY_S, Pressure, Reporter, report
from calls.ingest.requests import (
    NOT_AVAILABLE,
    Record,
    StoreRequest,
    TooLate,
    Unavailable,
    Way,
    count_stored,
    in_hand,
    packets_of_sockets,
    settle,
)
from calls.ingest.sidelined import HOLD_S, LOCKED, Sidelined
from calls.outage import Outage, is_contention, is_outage
from calls.telemetry import catalogue

log = logging.getLogger(__name__)
OVERLOADED = "The server is overloaded."

CAPACITY = 20_000  # packets waiting in one process; more are refused with 503
MEASURE_S = 0.002  # how long a measurement serves for all requests
RETRY_AFTER_S = 1
ANSWER_WITHIN_S = 2.0  # then an HTTP request gets 503
STOP_WITHIN_S = 30.0
ASK_AGAIN_S = 0.5  # how often an unavailable database is tried again
ISOLATE_S = 1.0  # how long to look for the requests that keep others from being written
REQUESTS_CALM_S = 0.1
OUTAGE_PATIENCE_S = 10.0


class Buffer:
    """Collects requests and writes them in order of arrival."""

    def __init__(
        self,
        *,
        record: Record = record_patiently,
        capacity: int = CAPACITY,
        clock: Callable[[], float] = time.monotonic,
        report: Callable[[Pressure], None] | None = None,
    ) -> None:
        self._record = record
        self._capacity = capacity
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = Gathering(self._lock)
        self._deadlines = Deadlines(ANSWER_WITHIN_S, _too_late)
        self._thread: threading.Thread | None = None
        self._reporter = Reporter(report, clock) if report else None
        self._speed = Speed()
        self._side = Sidelined(record, clock)
        self._outage = Outage(log, "packets are refused with 503")
        self._away_since = self._ask_at = 0.0
        self._lag = LoopLag(clock)
        self._measured_at = -MEASURE_S
        self.requests = Shedding(settings.SHED_REQUESTS_AFTER, REQUESTS_CALM_S)
        self.admission = Admission(settings.SHED_STREAMS_AFTER, settings.SHED_STREAMS_ABOVE)
        self.refused: Counter[Way] = Counter()

    def submit(self, packets: Sequence[IncomingPacket], way: Way = Way.SINGLE) -> Future[None]:
        """Queue packets of one call. The future is done when they are committed.

        Raises Unavailable if they are refused. Only HTTP requests are refused for overload: sockets
        keep what they have read, and stop reading.
        """
        done: Future[None] = Future()
        self._put(StoreRequest(packets, done, self._clock(), way))
        return done

    def submit_async(
        self, packets: Sequence[IncomingPacket], way: Way = Way.SINGLE
    ) -> asyncio.Future[None]:
        """Like ``submit``, for a caller on an event loop.

        HTTP requests that are not written in time get TooLate. Sockets have time.
        """
        loop = asyncio.get_running_loop()
        self._lag.watch(loop)
        done: asyncio.Future[None] = loop.create_future()
        request = StoreRequest(packets, done, self._clock(), way)
        if way.is_http:
            self._put(request, loop)
            self._deadlines.watch(done, loop)
        else:
            self._put(request)
        return done

    def check(self, way: Way) -> None:
        """Raise Unavailable if a request is refused, whatever is in it. Ask once, before decoding.

        Whether refusing has to start is found when requests are submitted.
        """
        if self.requests.since is None and not self._outage.lasts:
            return
        with self._lock:
            self._check(way, self._clock())
            if way.is_http and self.requests.refuses():
                self._refuse(way)
                raise Unavailable(OVERLOADED)

    def admit_stream(self) -> bool | None:
        """Return whether a new stream was admitted, as it makes no other late. None: ask later.

        During a database outage, they are admitted for a while: a carrier does not ask twice.
        Call ``admission.end`` at the end of a stream that was admitted.
        """
        with self._lock:
            now = self._clock()
            if not self._outage.lasts:
                return self.admission.admit(self._wait_s(now), self._lag.load, now)
            if now - self._away_since > OUTAGE_PATIENCE_S:
                return False
            self.admission.begin(now)
            return True

    def refuse_stream(self, way: Way) -> None:
        """Count a stream that was not admitted."""
        with self._lock:
            self._refuse(way)

    def oldest_age_s(self) -> float:
        """Return how long the oldest packet has been waiting to be written."""
        with self._lock:
            now = self._clock()
            return now - self._away_since if self._outage.lasts else self._waiting.age_s(now)

    def size(self) -> int:
        """Return how many packets are waiting."""
        return self._waiting.size

    def pressure(self) -> Pressure:
        refused = {str(way): count for way, count in self.refused.items()}
        return Pressure(self.oldest_age_s(), self.shedding_for_s(), refused)

    def shedding_for_s(self) -> float | None:
        """Return for how long requests have been refused, or None if they are accepted."""
        with self._lock:
            now = self._clock()
            if self._outage.lasts:
                return now - self._away_since
            is_shedding = self.requests.note(self._wait_s(now), now)
            return now - (self.requests.since or now) if is_shedding else None

    def _put(self, request: StoreRequest, loop: asyncio.AbstractEventLoop | None = None) -> None:
        with self._lock:
            if self._waiting.is_closing:
                raise Unavailable("The server is stopping.")
            self._check(request.way, request.arrived_at)
            if self._waiting.size + len(request.packets) > self._capacity:
                self._refuse(request.way)
                raise Unavailable("Too many packets are waiting to be written.")
            self._waiting.put(request, loop)
            self._start()

    def _check(self, way: Way, now: float) -> None:
        if self._outage.lasts and (now < self._ask_at or self._waiting.in_hand_since is not None):
            self._refuse(way, way.is_http)
            raise Unavailable(NOT_AVAILABLE)
        if way.is_http and self._is_too_late(now):
            self._refuse(way)
            raise Unavailable(OVERLOADED)

    def _refuse(self, way: Way, count: int = 1) -> None:
        if count:
            self.refused[way] += count
            catalogue.INGEST_REFUSED.add(count, way)

    def _is_too_late(self, now: float) -> bool:
        if self._speed.seconds_for(self._waiting.size) > self.requests.limit_s:
            return True
        if now >= self._measured_at + MEASURE_S:
            self._measured_at = now
            self.requests.note(self._wait_s(now), now)
        return self.requests.refuses_all

    def _wait_s(self, now: float) -> float:
        return self._waiting.age_s(now) + self._lag.now_s()

    def close(self) -> None:
        """Write the waiting packets, then stop."""
        with self._lock:
            self._waiting.close()
        if self._thread:
            self._thread.join(timeout=STOP_WITHIN_S)
        self._side.close(HOLD_S + ANSWER_WITHIN_S)

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="ingest-writer", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (requests := self._next()) or not self._waiting.is_closing:
            free = [request for request in requests if not request.done.done()]
            if not self._side.is_empty():
                free = [request for request in free if not self._side.take(request)]
            if free:
                self._write(free)
            self._waiting.in_hand_since = None
            if self._reporter:
                self._reporter.report(self.pressure)
        connection.close()

    def _next(self) -> list[StoreRequest]:
        """Wait for requests. Returns none when the buffer is drained, or the next report is due."""
        is_report_due = self._reporter is not None and self._reporter.is_pending
        return self._waiting.take(EVERY_S if is_report_due else None)

    def _write(self, requests: list[StoreRequest], until: float | None = None) -> None:
        """Commit requests together. If some cannot be written, commit the others without them."""
        packets = [packet for request in requests for packet in request.packets]
        begun_at = self._clock()
        try:
            with in_hand(requests), self._lag.writer.spent(packets_of_sockets(requests)):
                locked = self._record_or_reconnect(packets)
        except Exception as error:
            self._recover(requests, error, until)
            return
        self._speed.note(len(packets), self._clock() - begun_at)
        self.requests.limit_s = self._speed.limit_s(settings.SHED_REQUESTS_AFTER)
        self._waiting.expect(len(packets))
        self._outage.over()
        stored = self._set_aside(requests, locked) if locked else requests
        settle(stored, None)
        now = self._clock()
        count_stored(stored, now)
        if arrived := next((request.arrived_at for request in stored if request.way.is_http), None):
            self.requests.note_stored(now - arrived + self._lag.now_s(), now)

    def _record_or_reconnect(self, packets: Sequence[IncomingPacket]) -> Collection[str]:
        """Store packets. A connection may have been lost since it was last used: try again once."""
        try:
            return self._record(packets) or ()
        except Exception as error:
            if self._outage.lasts or not is_outage(error) or is_contention(error):
                raise
            connection.close()
        return self._record(packets) or ()

    def _set_aside(
        self, requests: Sequence[StoreRequest], locked: Collection[str]
    ) -> list[StoreRequest]:
        """Leave the requests of locked calls to the side queue. Returns the others."""
        stored = []
        for request in requests:
            if any(packet.call_id in locked for packet in request.packets):
                self._side.add(request)
            else:
                stored.append(request)
        return stored

    def _recover(self, requests: list[StoreRequest], error: Exception, until: float | None) -> None:
        now = self._clock()
        if is_contention(error):
            if until is not None and now >= until:
                settle(requests, Unavailable(LOCKED))
            elif len(requests) == 1:
                self._side.add(requests[0])
            else:
                with in_a_hurry():
                    self._write_halves(requests, until or now + ISOLATE_S)
        elif is_outage(error):
            self._lose(error, now)
            settle(requests, Unavailable(NOT_AVAILABLE))
        elif len(requests) == 1:
            log.error("packets refused", exc_info=error)
            settle(requests, error)
        else:
            self._write_halves(requests, until)

    def _write_halves(self, requests: list[StoreRequest], until: float | None) -> None:
        middle = len(requests) // 2
        self._write(requests[:middle], until)
        self._write(requests[middle:], until)

    def _lose(self, error: Exception, now: float) -> None:
        connection.close()  # so that the next transaction connects again
        with self._lock:
            if not self._outage.lasts:
                self._away_since = now
            self._ask_at = now + ASK_AGAIN_S
            self._outage.note(error)


def _too_late() -> TooLate:
    return TooLate("Writing the packets took too long.")


class _Process:
    """The buffer of this process. A forked child starts without one: it has no writer thread."""

    buffer: Buffer | None = None
    guard = threading.Lock()


def _forget() -> None:
    _Process.buffer, _Process.guard = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)


def buffer() -> Buffer:
    """Return this process's buffer."""
    return _Process.buffer or _make_buffer()


def _make_buffer() -> Buffer:
    with _Process.guard:
        if _Process.buffer is None:
            made = _Process.buffer = Buffer(report=report)
            catalogue.INGEST_BUFFERED.ask = made.size
            catalogue.INGEST_OLDEST_S.ask = made.oldest_age_s
        return _Process.buffer


@atexit.register
def drain() -> None:
    """Store what is waiting, and accept nothing more. Call it when no request is left."""
    if _Process.buffer is not None:
        _Process.buffer.close()


def check(way: Way) -> None:
    """Raise Unavailable if a request would be refused now."""
    buffer().check(way)


def store(packets: Sequence[IncomingPacket], way: Way = Way.SINGLE) -> None:
    """Store packets and return after the commit. Raises Unavailable if they were not accepted."""
    if not settings.GROUP_COMMIT:
        store_alone(packets, way)
        return
    check(way)
    future = buffer().submit(packets, way)
    try:
        future.result(timeout=ANSWER_WITHIN_S)
    except TimeoutError as error:
        future.cancel()
        raise _too_late() from error


async def store_async(packets: Sequence[IncomingPacket], way: Way = Way.SINGLE) -> None:
    """Like ``store``, on an event loop."""
    if not settings.GROUP_COMMIT:
        await database_sync_to_async(store_alone)(packets, way)
        return
    await buffer().submit_async(packets, way)
