"""Holds requests for a transcript until there is one, outside Django's handler.

The view decides who may wait, and leaves a mark. ``TranscriptWait`` holds its response back, waits,
and calls the view once more. A request that waits holds no thread. All of a process share one query
every POLL_S.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Exists, OuterRef, Q
from rest_framework.request import Request

from calls.api.errors import TryAgain
from calls.api.stopping import is_stopping, notice_stop
from calls.asgi import App, Message, Receive, Scope, Send
from calls.lifecycle import CallState
from calls.models import Analysis, Call

# Key in the ASGI scope. The middleware sets None; ``hold`` puts a Wait there.
WANTED = "callcenter.transcript_wait"
MAX_WAIT_S = 60
WAITERS_LIMIT = 500  # of a process
POLL_S = 0.25
FULL = f"{WAITERS_LIMIT} requests are waiting for transcripts already. Ask again, or do not wait."


@dataclass(frozen=True)
class Wait:
    call_pk: int
    seconds: int


class Room:
    """Counts the requests that wait in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    def enter(self) -> None:
        with self._lock:
            if self._taken >= WAITERS_LIMIT:
                raise TryAgain(FULL)
            self._taken += 1

    def leave(self) -> None:
        with self._lock:
            self._taken -= 1


room = Room()


def hold(request: Request, call: Call, *, seconds: int) -> bool:
    """Hold the response to this request until the call is analysed or ``seconds`` have passed.

    Returns whether it is held; then the view is asked again. False if there is nothing to wait for:
    the call is analysed or has failed, the server is stopping, or this is the second time. Raises
    TryAgain if too many wait.
    """
    scope: dict[str, Any] = getattr(request, "scope", {})
    is_held = WANTED in scope and request.method == "GET"
    if not (seconds and is_held) or is_stopping() or call.pk in _settled([call.pk]):
        return False
    room.enter()
    scope[WANTED] = Wait(call.pk, seconds)
    return True


def _settled(pks: Iterable[int]) -> set[int]:
    """Return the calls that nobody needs to wait for: analysed, failed or deleted."""
    pks = set(pks)
    analysed = Exists(Analysis.objects.filter(call=OuterRef("pk")))
    over = Q(analysed) | Q(state=CallState.FAILED)
    return pks - set(Call.objects.filter(pk__in=pks).exclude(over).values_list("pk", flat=True))


class TranscriptWait:
    """Wraps the application."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _may_wait(scope):
            await self.app(scope, receive, send)
            return
        scope[WANTED] = None
        notice_stop()

        async def pass_on(message: Message) -> None:
            if scope[WANTED] is None:
                await send(message)

        await self.app(scope, receive, pass_on)
        if scope[WANTED] is None:
            return
        try:
            is_gone = await _wait(scope.pop(WANTED), receive)
        finally:
            room.leave()
        if not is_gone:
            await self.app(scope, _without_body(receive), send)


def _may_wait(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and scope["path"].endswith("/transcript")
        and b"wait=" in scope["query_string"]
    )


async def _wait(wanted: Wait, receive: Receive) -> bool:
    """Wait. Returns whether the client has gone away."""
    gone = asyncio.create_task(_until_gone(receive))
    ready = asyncio.create_task(_watch().wait(wanted))
    try:
        await asyncio.wait([gone, ready], return_when=asyncio.FIRST_COMPLETED)
        return gone.done()
    finally:
        for task in (gone, ready):
            task.cancel()
        await asyncio.gather(gone, ready, return_exceptions=True)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _without_body(receive: Receive) -> Receive:
    """Return what a second reader of the request receives: its body has been read."""
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


@dataclass
class Watch:
    """Looks for the calls that requests of one event loop wait for, while there are any."""

    _waiting: dict[asyncio.Event, int] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    async def wait(self, wanted: Wait) -> None:
        settled = asyncio.Event()
        self._waiting[settled] = wanted.call_pk
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(settled.wait(), wanted.seconds)
        finally:
            del self._waiting[settled]

    async def _look(self) -> None:
        # A thread of its own, so that its connection to the database can be kept.
        thread = ThreadPoolExecutor(1, thread_name_prefix="transcript-wait")
        run = asyncio.get_running_loop().run_in_executor
        try:
            while self._waiting:
                await asyncio.sleep(POLL_S)
                # During a database outage, all requests keep waiting.
                with suppress(DatabaseError):
                    self._tell(await run(thread, _settled_now, set(self._waiting.values())))
        finally:
            await run(thread, _close_connection)
            thread.shutdown(wait=False)

    def _tell(self, pks: set[int]) -> None:
        for settled, pk in self._waiting.items():
            if pk in pks:
                settled.set()


def _close_connection() -> None:
    # `connection` is the current thread's connection, so this must run in the thread itself.
    connection.close()


def _settled_now(pks: set[int]) -> set[int]:
    if is_stopping():
        return pks
    try:
        return _settled(pks)
    except DatabaseError:
        connection.close()
        raise


_watches: dict[asyncio.AbstractEventLoop, Watch] = {}


def _watch() -> Watch:
    """Return the watch of this event loop. A server has one loop; tests have several."""
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        for closed in [other for other in _watches if other.is_closed()]:
            del _watches[closed]
        _watches[loop] = Watch()
    return _watches[loop]
