"""Sends due messages of an outbox. A receiver that does not respond delays only its own."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from calls.monitoring.log_context import logging_with
from calls.outage import Outage
from calls.telemetry.tracing import span
from calls.webhooks.outbox import Claim, Outbox

log = logging.getLogger(__name__)

PAUSE_S = 0.25
DATABASE_PAUSE_S = 1.0
AT_ONCE = 100


class Courier:
    """Runs until it is told to stop, then finishes the deliveries that are in progress."""

    def __init__(self, outbox: Outbox, should_stop: Callable[[], bool]) -> None:
        self._outbox, self._should_stop = outbox, should_stop
        self._outage = Outage(log, f"{outbox.name} wait")
        # One thread, so one database connection, and the claims of this process follow each other.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=outbox.name)
        self._busy: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        # Resolving a name, or a library that sends, can block a thread until it times out.
        blocked = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"{self._outbox.name}-io")
        asyncio.get_running_loop().set_default_executor(blocked)
        self._freed = asyncio.Event()
        while not self._should_stop():
            # Without a pause while there is work, so that a backlog is not held up.
            if not await self._work():
                await self._wait()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._in_thread(connection_closed)
        self._thread.shutdown()

    async def _work(self) -> int:
        """Queue new messages and start due deliveries. Returns how many."""
        try:
            queued: int = await self._in_thread(self._outbox.queue)
            taken = await self._take()
        except DatabaseError as error:
            self._outage.note(error)
        except Exception:
            # A bug must not stop deliveries permanently.
            log.exception("%s failed unexpectedly; trying again", self._outbox.name)
        else:
            self._outage.over()
            return queued + taken
        await self._in_thread(connection_closed)
        await asyncio.sleep(DATABASE_PAUSE_S)
        return 0

    async def _wait(self) -> None:
        """Wait PAUSE_S, or until a delivery has finished."""
        self._freed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._freed.wait(), PAUSE_S)

    async def _take(self) -> int:
        room = AT_ONCE - len(self._tasks)
        claims = await self._in_thread(self._claim, room) if room > 0 else []
        for claim in claims:
            self._busy[claim.receiver_pk] += 1
            task = asyncio.create_task(self._deliver(claim))
            # The event loop keeps only weak references to tasks.
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(claims)

    async def _deliver(self, claim: Claim) -> None:
        try:
            with logging_with(**claim.message.context):
                await self._send(claim)
        except DatabaseError as error:
            log.warning("a delivery was made but not recorded; it will be repeated: %s", error)
        finally:
            self._busy[claim.receiver_pk] -= 1
            self._freed.set()

    async def _send(self, claim: Claim) -> None:
        with span(f"deliver {self._outbox.name}", kind="client", attempt=claim.attempt) as traced:
            outcome = await self._outbox.send(claim.message)
            error = "" if outcome.is_success else str(outcome.status or "not_delivered")
            traced.set(status=outcome.status, error=error)
        if not outcome.is_success:
            told = (self._outbox.name, claim.pk, claim.attempt, outcome.told)
            log.info("%s: delivery %d failed, attempt %d: %s", *told)
        await self._in_thread(self._record, claim, outcome)

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        run = copy_context().run  # so that its lines carry the ids as well
        return await asyncio.get_running_loop().run_in_executor(self._thread, run, function, *args)

    def _claim(self, room: int) -> list[Claim]:
        return self._outbox.claim(limit=room, busy=dict(self._busy), now=timezone.now())

    def _record(self, claim: Claim, outcome: Any) -> None:
        self._outbox.record(claim, outcome, now=timezone.now())


def connection_closed() -> None:
    connection.close()
