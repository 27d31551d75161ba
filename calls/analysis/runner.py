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
from contextlib import AsyncExitStack, nullcontext, suppress
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, connections

from calls.analysis import attempts, batches, claims, findings, leases, stages
from calls.analysis.attempts import Begin, Decision, Failure, HeldBack, Taken
from calls.analysis.batches import Prepared
from calls.analysis.findings import Finding
from calls.analysis.group_commit import MOST, Lane
from calls.analysis.leases import Lease, LeaseLost
from calls.analysis.providers import Provider, ProviderError
from calls.models import Analysis, Attempt, Stage, Transcript

log = logging.getLogger(__name__)
T = TypeVar("T")
POLL_S = 0.1
GATHER_S = 0.05  # calls that are over at about the same time are replaced together
FIRST_S = 0.01
LINGER_S = 5.0  # an idle runner stays this long: most of its work comes in bursts
DATABASE_THREADS = 4
STOP_PATIENCE_S = 5.0


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
        # SQLite has one writer at a time. Who is turned away there asks again later and later,
        # so that it is quicker to stand in line.
        one_writer = connection.vendor == "sqlite"
        self._pen: stages.Turnstile = asyncio.Lock() if one_writer else nullcontext()
        self._listening: set[int] = set()  # calls in hand whose audio is still to be heard
        prepare = partial(batches.prepare_words, provider=provider.name)
        self._prepare: Lane[Taken, Prepared | None] = Lane(prepare, self._write)
        self._begin: Lane[Begin, Attempt] = Lane(attempts.begin_attempts, self._write)
        self._hear: Lane[Finding, Transcript] = Lane(findings.save_transcripts, self._write)
        self._archive: Lane[stages.Verdict, Analysis] = Lane(batches.archive_verdicts, self._write)
        self._fail: Lane[Failure, Decision] = Lane(attempts.fail_attempts, self._write)
        self._release: Lane[Lease, None] = Lane(attempts.release_all, self._write)

    async def run(self) -> int:
        """Work. Returns the number of calls that were taken."""
        async with AsyncExitStack() as stack:
            stack.callback(self._threads.shutdown)
            stack.push_async_callback(self._in_each_thread, connections.close_all)
            heart = asyncio.create_task(self._beat())
            stack.callback(heart.cancel)
            await self._in_each_thread(_connect)
            taken = await self._take_until_done()
            await self._finish()
            for lane in (
                *(self._prepare, self._begin, self._hear),
                *(self._archive, self._fail, self._release),
            ):
                await lane.close()
        return taken

    async def _take_until_done(self) -> int:
        taken, idle_since = 0, time.monotonic()
        while not self._should_stop() and time.monotonic() < self._ends_at:
            room = min(self._room(), MOST)
            begun = await self._claim(room) if room else []
            for lease, attempt in begun:
                if lease.is_spoken and lease.stage == Stage.TRANSCRIBE:
                    self._listening.add(lease.call_pk)
                self._active[asyncio.create_task(self._carry(lease, attempt))] = lease
            taken += len(begun)
            if self._active:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= self._linger_s:
                # The sweep looks once a minute; whatever is due before stays in our hands.
                if not await self._in_thread(claims.any_due, within_s=2 * settings.SWEEP_SECONDS):
                    break
                idle_since = time.monotonic()
            if begun and len(begun) == room:
                # There may be more; but what was taken comes first.
                await asyncio.sleep(FIRST_S)
                self._forget_finished()
            else:
                await self._wait()
        return taken

    def _room(self) -> int:
        return max(0, settings.AI_CONCURRENCY + _reserve() - len(self._active))

    async def _claim(self, room: int) -> list[Taken]:
        begun: list[Taken] = await self._write(
            claims.claim_due,
            owner=self.owner,
            limit=room,
            provider=self.provider.name,
            # Audio is large: only so many calls are held in memory at once, and the others are
            # left to workers that have room, and behind nobody who needs none.
            spoken_limit=max(0, settings.AI_AUDIO_CONCURRENCY - len(self._listening)),
        )
        return begun

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
        await asyncio.sleep(0)  # a task that has not even begun could not give its call back
        for task in self._active:
            task.cancel()
        if self._active:
            await asyncio.wait(self._active, timeout=STOP_PATIENCE_S)
            self._forget_finished()

    async def _carry(self, lease: Lease, attempt: Attempt) -> None:
        """Take one call as far as it goes: to the archive, or to its next failure."""
        heard = None
        try:
            if lease.stage == Stage.TRANSCRIBE:
                heard, attempt = await self._hear_out(lease, attempt)
            await self._try(lease, attempt, self._understand, heard)
        except _Failed:
            pass  # it is written down, and the call is out of our hands
        except HeldBack:
            await self._give_back(lease)
        except LeaseLost as error:
            log.warning("%s What this worker found is dropped.", error)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(lease))
            raise
        finally:
            self._listening.discard(lease.call_pk)

    async def _give_back(self, lease: Lease) -> None:
        with suppress(LeaseLost):
            await self._release.put(lease)

    async def _hear_out(
        self, lease: Lease, attempt: Attempt
    ) -> tuple[stages.Heard | None, Attempt]:
        """Find out what was said, and begin what comes next. Words are at hand then."""
        if not lease.is_spoken:  # undeclared packets are nearly always words
            ready = await self._try(lease, attempt, self._prepare_words)
            if ready:
                return ready.heard, ready.attempt
        await self._try(lease, attempt, self._transcribe)
        self._listening.discard(lease.call_pk)
        begin = Begin(lease, Stage.UNDERSTAND, self.provider.name)
        return None, await self._begin.put(begin)

    async def _try(
        self, lease: Lease, attempt: Attempt, work: Callable[..., Awaitable[T]], *known: Any
    ) -> T:
        """Do the work of an attempt. Raises _Failed when its failure is on record."""
        try:
            return await work(lease, attempt, *known)
        except ProviderError as error:
            failure = error
        except (LeaseLost, HeldBack, DatabaseError):
            raise
        except Exception as error:
            log.exception("call %s: the analysis has a bug", lease.call_id)
            failure = ProviderError(f"{type(error).__name__}: {error}", code="bug", transient=False)
        decision = await self._fail.put(Failure(lease, attempt, failure))
        log.info("call %s, %s: %s -> %s", lease.call_id, attempt, failure, decision)
        raise _Failed

    async def _prepare_words(self, lease: Lease, attempt: Attempt) -> Prepared | None:
        return await self._prepare.put(Taken(lease, attempt))

    async def _transcribe(self, lease: Lease, attempt: Attempt) -> Transcript:
        finding = await stages.transcribe(
            lease, attempt, self.provider, self._in_thread, turn=self._turn
        )
        return await stages.keep(finding, self._hear.put, self._in_thread)

    async def _understand(
        self, lease: Lease, attempt: Attempt, heard: stages.Heard | None
    ) -> Analysis:
        verdict = await stages.understand(
            lease, attempt, self.provider, self._in_thread, heard=heard, turn=self._turn
        )
        return await stages.keep(verdict, self._archive.put, self._in_thread)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.AI_LEASE_SECONDS / 3)
            held = [lease.call_pk for lease in self._active.values()]
            try:
                await self._in_thread(leases.extend_leases, owner=self.owner, call_pks=held)
            except DatabaseError:
                log.exception("leases could not be prolonged")

    async def _write(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        async with self._pen:
            return await self._in_thread(function, *args, **kwargs)

    async def _in_thread(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(_fresh, function, *args, **kwargs))

    async def _in_each_thread(self, function: Callable[[], Any]) -> None:
        """Open or close each thread's own connection: the barrier makes every one take a turn."""
        barrier = threading.Barrier(DATABASE_THREADS)

        def take_turn() -> None:
            barrier.wait(timeout=STOP_PATIENCE_S)
            function()

        loop = asyncio.get_running_loop()
        turns = [loop.run_in_executor(self._threads, take_turn) for _ in range(DATABASE_THREADS)]
        await asyncio.gather(*turns)


class _Failed(Exception):
    """The attempt failed, and the call was let go."""


def _reserve() -> int:
    """Return how many calls are in hand beyond those that ask the AI, so that none of those waits
    while others are read or written."""
    return int(settings.AI_CONCURRENCY) // 2


def _connect() -> None:
    connection.ensure_connection()


def _fresh(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    close_old_connections()
    return function(*args, **kwargs)
