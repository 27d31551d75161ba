"""Sends what is due, many at once: an endpoint that does not answer holds up only itself."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from calls.webhooks import services
from calls.webhooks.sender import send
from calls.webhooks.services import Claim

log = logging.getLogger(__name__)

PAUSE_S = 0.25
DATABASE_PAUSE_S = 1.0
AT_ONCE, AT_ONCE_EACH = 100, 8


class Courier:
    """Runs until it is told to stop; what is then under way is finished."""

    def __init__(self, should_stop: Callable[[], bool]) -> None:
        self._should_stop = should_stop
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="webhooks")
        self._busy: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        while not self._should_stop():
            try:
                await self._in_thread(services.queue_messages)
                await self._take()
            except DatabaseError as error:
                log.warning("webhooks wait for the database: %s", error)
                await self._in_thread(connection_closed)
                await asyncio.sleep(DATABASE_PAUSE_S)
            await asyncio.sleep(PAUSE_S)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._in_thread(connection_closed)
        self._thread.shutdown()

    async def _take(self) -> None:
        full = [pk for pk, count in self._busy.items() if count >= AT_ONCE_EACH]
        # One stuck endpoint may have any number of messages due: never more than its share.
        room = min(AT_ONCE - len(self._tasks), AT_ONCE_EACH)
        if room <= 0:
            return
        claims = await self._in_thread(_claim, room, full)
        for claim in claims:
            self._busy[claim.endpoint_pk] += 1
            task = asyncio.create_task(self._deliver(claim))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, claim: Claim) -> None:
        try:
            outcome = await send(claim.message, allowance=settings.WEBHOOK_ALLOW_PRIVATE)
            await self._in_thread(_record, claim, outcome)
        except DatabaseError:
            log.exception("a delivery was made and not recorded: it will be made again")
        finally:
            self._busy[claim.endpoint_pk] -= 1

    async def _in_thread(self, function: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


def _claim(limit: int, busy: list[int]) -> list[Claim]:
    return services.claim_deliveries(limit=limit, busy=busy, now=timezone.now())


def _record(claim: Claim, outcome: Any) -> None:
    services.record_outcome(claim, outcome, now=timezone.now())


def connection_closed() -> None:
    connection.close()
