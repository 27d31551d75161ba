"""Reads and decodes each call once for all listeners of this process, while there are any.

Its thread has the only database connection that stays open. Between ticks nothing happens, and
without listeners there are no ticks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from channels.db import database_sync_to_async
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from calls.listening import renew_sessions
from calls.outage import Outage
from supervisor.listen.packets import first_since, read_calls, read_packets
from supervisor.listen.sound import CallSound

log = logging.getLogger(__name__)
outage = Outage(log, "listeners wait")
TICK_S = 0.2
LOOK_S = 1.0  # between checks of the calls and their streams
RENEW_S = 5.0
START = timedelta(seconds=0.5)  # a new listener hears this much of what was said before
NEW_STREAM = timedelta(seconds=LOOK_S + 2 * TICK_S)
DATABASE_PAUSE_S = 1.0
WAITING_FRAMES = 50  # about ten seconds; then a listener that does not read loses the oldest ones

# Why a listener's queue ends.
ENDED, FAILED, EXPIRED = "ended", "failed", "expired"


class Listener:
    """One socket: what it has still to be sent, and the session that its process renews."""

    def __init__(self, session: int) -> None:
        self.session = session
        self._queue: asyncio.Queue[bytes | str] = asyncio.Queue()

    async def next(self) -> bytes | str:
        """Return the next frame, or why there are no more: ENDED, FAILED or EXPIRED."""
        return await self._queue.get()

    def put(self, item: bytes | str) -> None:
        while self._queue.qsize() >= WAITING_FRAMES:
            self._queue.get_nowait()
        self._queue.put_nowait(item)


@dataclass(eq=False)
class _Heard:
    """A call that somebody listens to."""

    sound: CallSound = field(default_factory=CallSound)
    listeners: set[Listener] = field(default_factory=set)
    began: bool = False
    end: str = ""


class Reader:
    """``join`` and ``leave`` it. Runs while somebody has joined."""

    def __init__(self) -> None:
        self._calls: dict[int, _Heard] = {}
        self._task: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._looked_at = float("-inf")

    def join(self, call_pk: int, listener: Listener) -> None:
        heard = self._calls.setdefault(call_pk, _Heard())
        if not heard.listeners:
            self._looked_at = float("-inf")
        for frame in heard.sound.recent:
            listener.put(frame)
        heard.listeners.add(listener)
        if self._task is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="listen")
            self._task = asyncio.create_task(self._run())
            self._renewal = asyncio.create_task(self._keep_renewing())

    async def leave(self, call_pk: int, listener: Listener) -> None:
        heard = self._calls.get(call_pk)
        if heard is not None:
            heard.listeners.discard(listener)
            if not heard.listeners:
                del self._calls[call_pk]
        if self._calls or self._task is None:
            return
        # Emptied before the first await below: somebody who joins meanwhile starts a new task.
        task, self._task = self._task, None
        thread, self._thread = self._thread, None
        tasks = [task] if self._renewal is None else [task, self._renewal]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if thread is not None:
            await asyncio.wrap_future(thread.submit(_close_connection))
            thread.shutdown(wait=False)

    async def _run(self) -> None:
        while True:
            begin = time.monotonic()
            await self._tick()
            await asyncio.sleep(max(0.0, begin + TICK_S - time.monotonic()))

    async def _tick(self) -> None:
        now = time.monotonic()
        # Copied, because listeners come and go while the thread reads.
        calls = dict(self._calls)
        looks = now - self._looked_at >= LOOK_S
        if looks:
            self._looked_at = now
        frames = await self._persist(_read, calls, looks)
        for pk, frame in frames.items():
            for listener in list(calls[pk].listeners):
                listener.put(frame)
        self._say_ends(calls)

    def _say_ends(self, calls: dict[int, _Heard]) -> None:
        for pk, heard in calls.items():
            if heard.end:
                self._calls.pop(pk, None)
                for listener in heard.listeners:
                    listener.put(heard.end)

    async def _keep_renewing(self) -> None:
        """Renew the sessions. Not in the reader's thread: a write may wait for others."""
        while True:
            await asyncio.sleep(RENEW_S)
            listeners = [each for heard in self._calls.values() for each in heard.listeners]
            try:
                renew = database_sync_to_async(renew_sessions)
                ended = await renew([each.session for each in listeners])
            except DatabaseError as error:
                outage.note(error)
                continue
            for listener in listeners:
                if listener.session in ended:
                    listener.put(EXPIRED)

    async def _persist(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a function in the reader's thread; try again until the database responds."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                found = await loop.run_in_executor(self._thread, function, *args)
            except DatabaseError as error:
                outage.note(error)
                await loop.run_in_executor(self._thread, _close_connection)
                await asyncio.sleep(DATABASE_PAUSE_S)
            else:
                outage.over()
                return found


def _close_connection() -> None:
    # `connection` is the current thread's connection, so this must run in the reader's thread.
    connection.close()


def _read(calls: dict[int, _Heard], looks: bool) -> dict[int, bytes]:
    """Read what is new of these calls. Return a frame for each that has one."""
    if looks:
        _look(calls)
    wanted = [item for heard in calls.values() for item in heard.sound.wanted.items()]
    packets = dict(read_packets(dict(wanted)))
    now, clock = time.monotonic(), time.time()
    frames: dict[int, bytes] = {}
    for pk, heard in calls.items():
        frame = _decode(pk, heard, packets, now, clock)
        if frame is not None:
            frames[pk] = frame
    return frames


def _decode(
    pk: int, heard: _Heard, packets: dict[int, Any], now: float, clock: float
) -> bytes | None:
    mine = {stream.pk for stream in heard.sound.wanted} & packets.keys()
    try:
        heard.sound.add({each: packets[each] for each in mine}, now, clock)
        return heard.sound.take(now, all_of_it=heard.end == ENDED)
    except Exception:
        # Invalid data of one sender must not silence the other calls.
        log.exception("the sound of the call with the key %s cannot be made", pk)
        heard.end = FAILED
        return None


def _look(calls: dict[int, _Heard]) -> None:
    """Find out which calls have ended, and which have new streams."""
    found = read_calls(calls)
    now = timezone.now()
    for pk, heard in calls.items():
        call = found.get(pk)
        if call is None or not call.is_live:
            heard.end = ENDED
        if call is None:
            continue
        since = now - (NEW_STREAM if heard.began else START)
        heard.began = True
        for stream in heard.sound.update(call):
            heard.sound.open_stream(stream, first=first_since(stream, since))


_readers: dict[asyncio.AbstractEventLoop, Reader] = {}


def reader() -> Reader:
    """Return the reader of this event loop. A server has one loop; tests have several."""
    loop = asyncio.get_running_loop()
    if loop not in _readers:
        for closed in [other for other in _readers if other.is_closed()]:
            del _readers[closed]
        _readers[loop] = Reader()
    return _readers[loop]
