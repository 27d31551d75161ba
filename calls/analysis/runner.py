"""Carries calls through their stages: many at once on one event loop, each under a lease.

The rows are the truth. A runner takes what is due, and when it dies or is stopped, what it held
is due again: at once after a stop, and when the lease has run out after a crash.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections

from calls.analysis import claims, ledger, stages
from calls.analysis.held import Begin, Decision, Failure, Finding, HeldBack, Lease, LeaseLost
from calls.analysis.lanes import MOST, Lane
from calls.analysis.providers import Provider, ProviderError
from calls.models import Analysis, Attempt, Stage, Transcript

log = logging.getLogger(__name__)

T = TypeVar("T")

POLL_S = 0.2
GATHER_S = 0.05  # calls that are over at about the same time are replaced together
LINGER_S = 5.0  # an idle runner stays this long: most of its work comes in bursts
DATABASE_THREADS = 4
STOP_PATIENCE_S = 5.0
READ_AT_ONCE = 20  # calls of words, which are small


class Runner:
    """``run`` returns when nothing is due, ``should_stop`` says so, or ``lifetime_s`` is over."""

    def __init__(
        self,
        provider: Provider,
        *,
        should_stop: Callable[[], bool] = lambda: False,
        lifetime_s: float = 900,
        linger_s: float = LINGER_S,
    ) -> None:
        self.provider = provider
        worker = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.owner = claims.owner_of(provider.name, worker)
        self._should_stop = should_stop
        self._ends_at = time.monotonic() + lifetime_s
        self._linger_s = linger_s
        self._active: dict[asyncio.Task[None], Lease] = {}
        self._threads = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="analysis")
        self._turn = asyncio.Semaphore(settings.AI_CONCURRENCY)
        self._listening: set[int] = set()  # calls in hand whose audio is still to be heard
        self._read: Lane[Lease, stages.Loaded] = Lane(
            stages.load_words, self._in_thread, most=READ_AT_ONCE
        )
        self._begin: Lane[Begin, Attempt] = Lane(ledger.begin_attempts, self._in_thread)
        self._hear: Lane[Finding, Transcript] = Lane(ledger.save_transcripts, self._in_thread)
        self._archive: Lane[Finding, Analysis] = Lane(ledger.archive_all, self._in_thread)
        self._fail: Lane[Failure, Decision] = Lane(ledger.fail_attempts, self._in_thread)

    async def run(self) -> int:
        """Work. Returns the number of calls that were taken."""
        async with AsyncExitStack() as stack:
            stack.callback(self._threads.shutdown)
            stack.push_async_callback(self._close_connections)
            heart = asyncio.create_task(self._beat())
            stack.callback(heart.cancel)
            taken = await self._take_until_done()
            await self._finish()
            for lane in (self._begin, self._read, self._hear, self._archive, self._fail):
                await lane.close()
        return taken

    async def _take_until_done(self) -> int:
        taken, idle_since = 0, time.monotonic()
        while not self._should_stop() and time.monotonic() < self._ends_at:
            room = min(self._room(), MOST)
            leases = await self._claim(room) if room else []
            for lease in leases:
                if lease.is_spoken and lease.stage == Stage.TRANSCRIBE:
                    self._listening.add(lease.call_pk)
                self._active[asyncio.create_task(self._carry(lease))] = lease
            taken += len(leases)
            if self._active:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= self._linger_s:
                # The sweep looks once a minute; whatever is due before stays in our hands.
                if not await self._in_thread(claims.any_due, within_s=2 * settings.SWEEP_SECONDS):
                    break
                idle_since = time.monotonic()
            if leases and len(leases) == room:
                self._forget_finished()  # there may be more: no waiting
            else:
                await self._wait()
        return taken

    def _room(self) -> int:
        return max(0, settings.AI_CONCURRENCY + _reserve() - len(self._active))

    async def _claim(self, room: int) -> list[Lease]:
        leases: list[Lease] = await self._in_thread(
            claims.claim_due,
            owner=self.owner,
            limit=room,
            provider=self.provider.name,
            # Audio is large: only so many calls are held in memory at once, and the others are
            # left to workers that have room, and behind nobody who needs none.
            spoken_limit=max(0, settings.AI_AUDIO_CONCURRENCY - len(self._listening)),
        )
        return leases

    async def _wait(self) -> None:
        if self._active:
            await asyncio.wait(self._active, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(GATHER_S)
        else:
            await asyncio.sleep(POLL_S)
        self._forget_finished()

    def _forget_finished(self) -> None:
        for task in [task for task in self._active if task.done()]:
            lease = self._active.pop(task)
            if not task.cancelled() and (error := task.exception()):
                log.error("call %s is left to its lease", lease.call_id, exc_info=error)

    async def _finish(self) -> None:
        """At the end of a lifetime finish what was begun; when stopped, give it back."""
        while self._active and not self._should_stop():
            await self._wait()
        for task in self._active:
            task.cancel()
        if self._active:
            await asyncio.wait(self._active, timeout=STOP_PATIENCE_S)
            self._forget_finished()

    async def _carry(self, lease: Lease) -> None:
        """Take one call as far as it goes: to the archive, or to its next failure."""
        transcript = None
        try:
            if lease.stage == Stage.TRANSCRIBE:
                transcript = await self._try(Stage.TRANSCRIBE, lease, self._transcribe)
                self._listening.discard(lease.call_pk)
            await self._try(Stage.UNDERSTAND, lease, self._understand, transcript)
        except _Failed:
            pass  # it is written down, and the call is out of our hands
        except HeldBack:
            await self._in_thread(_give_back, lease)
        except LeaseLost as error:
            log.warning("%s What this worker found is dropped.", error)
        except asyncio.CancelledError:
            await asyncio.shield(self._in_thread(_give_back, lease))
            raise
        finally:
            self._listening.discard(lease.call_pk)

    async def _try(
        self, stage: Stage, lease: Lease, work: Callable[..., Awaitable[T]], *known: Any
    ) -> T:
        """Make one attempt and keep what it found. Raises _Failed when its failure is on record."""
        attempt = await self._begin.put(Begin(lease, stage, self.provider.name))
        try:
            return await work(lease, attempt, *known)
        except ProviderError as error:
            failure = error
        except (LeaseLost, DatabaseError):
            raise
        except Exception as error:
            log.exception("call %s: the analysis has a bug", lease.call_id)
            failure = ProviderError(f"{type(error).__name__}: {error}", code="bug", transient=False)
        decision = await self._fail.put(Failure(lease, attempt, failure))
        log.info("call %s, %s: %s -> %s", lease.call_id, attempt, failure, decision)
        raise _Failed

    async def _transcribe(self, lease: Lease, attempt: Attempt) -> Transcript:
        # Undeclared packets are nearly always words; audio is read by itself.
        load = None if lease.is_spoken else self._read.put
        finding = await stages.transcribe(
            lease, attempt, self.provider, self._in_thread, load=load, turn=self._turn
        )
        return await stages.keep(finding, self._hear.put, self._in_thread)

    async def _understand(
        self, lease: Lease, attempt: Attempt, transcript: Transcript | None
    ) -> Analysis:
        finding = await stages.understand(
            lease, attempt, self.provider, self._in_thread, transcript=transcript, turn=self._turn
        )
        return await stages.keep(finding, self._archive.put, self._in_thread)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.AI_LEASE_SECONDS / 3)
            held = [lease.call_pk for lease in self._active.values()]
            try:
                await self._in_thread(ledger.extend_leases, owner=self.owner, call_pks=held)
            except DatabaseError:
                log.exception("leases could not be prolonged")

    async def _in_thread(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(_fresh, function, *args, **kwargs))

    async def _close_connections(self) -> None:
        """Close each thread's own connection: the barrier makes every thread take one turn."""
        barrier = threading.Barrier(DATABASE_THREADS)

        def close() -> None:
            barrier.wait(timeout=STOP_PATIENCE_S)
            connections.close_all()

        loop = asyncio.get_running_loop()
        turns = [loop.run_in_executor(self._threads, close) for _ in range(DATABASE_THREADS)]
        await asyncio.gather(*turns)


class _Failed(Exception):
    """The attempt failed, and the call was let go."""


def _reserve() -> int:
    """Return how many calls are in hand beyond those that ask the AI, so that none of those waits
    while others are read or written."""
    return int(settings.AI_CONCURRENCY) // 2


def _fresh(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    close_old_connections()
    return function(*args, **kwargs)


def _give_back(lease: Lease) -> None:
    with suppress(LeaseLost):
        ledger.release(lease)
