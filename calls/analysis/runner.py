"""The runner: takes calls through their stages, many at once on one event loop.

One call, from claim to archive:

1. ``claims.claim_due`` gives the runner a lease and a running attempt (``_claim``).
2. Text calls: ``batches.prepare_words`` saves the transcript and starts ``understand``. Audio:
   ``stages.transcribe`` asks the AI, ``findings.save_transcripts`` saves the transcript, and
   ``attempts.start_attempts`` starts ``understand`` (``_finish_transcribe``).
3. ``stages.understand`` asks the AI; ``findings.archive_calls`` archives the call.
4. If an attempt fails, ``attempts.fail_attempts`` decides whether and when the next one follows.

All state is in the database. If a runner stops, it releases its calls, and they are due at once.
If it crashes, they are due when their leases expire.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, nullcontext, suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    close_old_connections,
    connection,
    connections,
)

from calls.analysis import attempts, batches, claims, findings, leases, stages
from calls.analysis.attempts import AttemptStart, ClaimedCall, Decision, Failure, HeldBack
from calls.analysis.batches import Prepared
from calls.analysis.findings import StageResult, StoredBefore
from calls.analysis.group_commit import MOST, Lane
from calls.analysis.leases import Lease, LeaseLost
from calls.analysis.providers import Provider, ProviderError
from calls.analysis.retry import GiveUp, patiently
from calls.models import Analysis, Attempt, Stage, Transcript
from calls.monitoring.log_context import logging_with
from calls.outage import Outage, is_contention, is_outage
from calls.process import this_process
from calls.telemetry.tracing import span

log = logging.getLogger(__name__)
outage = Outage(log, "leases are not extended")
claims_outage = Outage(log, "no calls are claimed")
T = TypeVar("T")
Item = TypeVar("Item")
# One call's data causes these, not the state of the database. OverflowError: SQLite's integers.
REFUSALS = (DataError, IntegrityError, UnicodeError, OverflowError)
POLL_S = 0.1
GATHER_S = 0.05  # wait for more calls to finish, then claim for all of them in one query
FIRST_S = 0.01  # a head start for new calls before the next claim
LINGER_S = 5.0  # an idle runner waits this long for more work, which comes in bursts
DATABASE_THREADS = 4
STOP_PATIENCE_S = 5.0
OUTAGE_PAUSE_S = 1.0
EXTEND_AGAIN_S = 0.5  # sooner than others claim after an outage


class Runner:
    """``run`` returns when nothing is due, ``should_stop()`` is true, or ``lifetime_s`` is over."""

    def __init__(
        self,
        provider: Provider,
        *,
        should_stop: Callable[[], bool] = lambda: False,
        lifetime_s: float = 900,
        linger_s: float = LINGER_S,
    ) -> None:
        self.provider = provider
        worker = f"{this_process()}:{uuid.uuid4().hex[:8]}"
        self.owner = claims.owner_of(provider.name, worker)
        self._should_stop = should_stop
        self._ends_at = time.monotonic() + lifetime_s
        self._linger_s = linger_s
        self._was_away = False  # the database
        self._active: dict[asyncio.Task[None], Lease] = {}
        self._threads = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="analysis")
        self._ai_slots = asyncio.Semaphore(settings.AI_CONCURRENCY)
        # SQLite has one writer at a time. A connection that finds it busy sleeps and tries again,
        # for longer each time. Queueing here is faster.
        one_writer = connection.vendor == "sqlite"
        self._writer_lock: stages.Turnstile = asyncio.Lock() if one_writer else nullcontext()
        self._audio_calls: set[int] = set()  # active calls whose audio is not transcribed yet
        prepare = partial(batches.prepare_words, provider=provider.name)
        self._prepare: Lane[ClaimedCall, Prepared | None] = Lane(prepare, self._write)
        self._start: Lane[AttemptStart, Attempt] = Lane(attempts.start_attempts, self._write)
        self._save_transcript: Lane[StageResult, Transcript] = Lane(
            findings.save_transcripts, self._write
        )
        self._archive: Lane[stages.UnderstoodCall, Analysis] = Lane(
            batches.archive_understood, self._write
        )
        self._fail: Lane[Failure, Decision] = Lane(attempts.fail_attempts, self._write)
        self._release: Lane[Lease, None] = Lane(attempts.release_calls, self._write)

    async def run(self) -> int:
        """Process calls. Returns how many were claimed."""
        async with AsyncExitStack() as stack:
            stack.callback(self._threads.shutdown)
            stack.push_async_callback(self._in_each_thread, connections.close_all)
            heartbeat = asyncio.create_task(self._keep_leases())
            stack.callback(heartbeat.cancel)
            await self._in_each_thread(_connect)
            taken = await self._take_until_done()
            await self._finish()
            for lane in (
                *(self._prepare, self._start, self._save_transcript),
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
                    self._audio_calls.add(lease.call_pk)
                self._active[asyncio.create_task(self._process(lease, attempt))] = lease
            taken += len(begun)
            if self._active:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= self._linger_s and not self._was_away:
                # Nobody else would wake up for a call that is due before the next sweep: stay.
                if not await self._is_any_due():
                    break
                idle_since = time.monotonic()
            if begun and len(begun) == room:
                # More calls may be due, but let the new ones start first.
                await asyncio.sleep(FIRST_S)
                self._forget_finished()
            else:
                await self._wait()
        return taken

    def _room(self) -> int:
        return max(0, settings.AI_CONCURRENCY + _reserve() - len(self._active))

    async def _is_any_due(self) -> bool:
        within_s = 2 * settings.SWEEP_SECONDS
        look = partial(self._in_thread, claims.any_due, within_s=within_s)
        return bool(await patiently(look, self._should_stop))

    async def _claim(self, room: int) -> list[ClaimedCall]:
        """Claim calls that are due: none while the database is away."""
        try:
            if self._was_away:
                await self._return()
            begun = await self._claim_due(room)
        except DatabaseError as error:
            if not is_outage(error):
                raise
            if not is_contention(error):
                self._was_away = True
                claims_outage.note(error)
            await asyncio.sleep(OUTAGE_PAUSE_S)
            return []
        claims_outage.over()
        return begun

    async def _return(self) -> None:
        """After an outage, extend our leases, which may have expired, and let others do so too.

        A claim may have been committed before the outage without being acknowledged.
        """
        await self._extend_leases()
        known = [lease.call_pk for lease in self._active.values()]
        await self._write(attempts.release_unknown, owner=self.owner, known=known)
        await asyncio.sleep(OUTAGE_PAUSE_S)
        self._was_away = False

    async def _claim_due(self, room: int) -> list[ClaimedCall]:
        begun: list[ClaimedCall] = await self._write(
            claims.claim_due,
            owner=self.owner,
            limit=room,
            provider=self.provider.name,
            # Audio is large, so only a few such calls are in memory at a time. The others stay
            # unclaimed, for workers that have room, and text calls do not wait behind them.
            spoken_limit=max(0, settings.AI_AUDIO_CONCURRENCY - len(self._audio_calls)),
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
                shown = None if is_outage(error) else error
                log.error("call %s: waits until its lease expires", lease.call_id, exc_info=shown)

    async def _finish(self) -> None:
        """Finish the active calls at the end of the lifetime. When told to stop, release them."""
        while self._active and not self._should_stop():
            await self._wait()
        await asyncio.sleep(0)  # a task that is cancelled before it runs could not release its call
        for task in self._active:
            task.cancel()
        if self._active:
            await asyncio.wait(self._active, timeout=STOP_PATIENCE_S)
            self._forget_finished()

    async def _process(self, lease: Lease, attempt: Attempt) -> None:
        """Take one call to the archive, or to its next failure."""
        with (
            logging_with(call_id=lease.call_id, **lease.origin),
            span("analyse call", call_id=lease.call_id, round=lease.round),
        ):
            await self._analyse(lease, attempt)

    async def _analyse(self, lease: Lease, attempt: Attempt) -> None:
        heard = None
        try:
            if lease.stage == Stage.TRANSCRIBE:
                heard, attempt = await self._finish_transcribe(lease, attempt)
            await self._try(lease, attempt, self._understand, heard)
            log.info("call %s archived", lease.call_id)
        except _Failed:
            pass  # the failure is recorded, and the lease is cleared
        except HeldBack:
            await self._release_call(lease)
        except LeaseLost as error:
            log.warning("%s Its results are dropped.", error)
        except asyncio.CancelledError:
            await asyncio.shield(self._release_call(lease))
            raise
        finally:
            self._audio_calls.discard(lease.call_pk)

    async def _release_call(self, lease: Lease) -> None:
        with suppress(LeaseLost):
            await self._put(self._release, lease)

    async def _finish_transcribe(
        self, lease: Lease, attempt: Attempt
    ) -> tuple[stages.RedactedTranscript | None, Attempt]:
        """Do the ``transcribe`` stage, and start ``understand``.

        Returns the transcript if it is in memory already (text calls), and the new attempt.
        """
        with suppress(StoredBefore):
            if not lease.is_spoken:  # packets without a declared format are nearly always text
                ready = await self._try(lease, attempt, self._prepare_words)
                if ready:
                    return ready.heard, ready.attempt
            await self._try(lease, attempt, self._transcribe)
        self._audio_calls.discard(lease.call_pk)
        start = AttemptStart(lease, Stage.UNDERSTAND, self.provider.name)
        return None, await self._put(self._start, start)

    async def _try(
        self, lease: Lease, attempt: Attempt, work: Callable[..., Awaitable[T]], *known: Any
    ) -> T:
        """Do the work of an attempt. Raises _Failed after its failure has been recorded."""
        try:
            with span("stage attempt", **_described(attempt)):
                return await work(lease, attempt, *known)
        except ProviderError as error:
            failure = error
        except (LeaseLost, HeldBack, StoredBefore, DatabaseError):
            raise
        except Exception as error:
            log.exception("call %s: unexpected error in the analysis", lease.call_id)
            failure = ProviderError(f"{type(error).__name__}: {error}", code="bug", transient=False)
        decision = await self._put(self._fail, Failure(lease, attempt, failure))
        level = logging.ERROR if isinstance(decision, GiveUp) else logging.INFO
        log.log(level, "call %s, %s: %s; %s", lease.call_id, attempt, failure, decision)
        raise _Failed

    async def _prepare_words(self, lease: Lease, attempt: Attempt) -> Prepared | None:
        return await self._store(self._prepare, ClaimedCall(lease, attempt))

    async def _transcribe(self, lease: Lease, attempt: Attempt) -> Transcript:
        finding = await stages.transcribe(
            lease, attempt, self.provider, self._read, turn=self._ai_slots
        )
        write = partial(self._store, self._save_transcript)
        return await stages.keep(finding, write, self._in_thread)

    async def _understand(
        self, lease: Lease, attempt: Attempt, heard: stages.RedactedTranscript | None
    ) -> Analysis:
        understood = await stages.understand(
            lease, attempt, self.provider, self._read, heard=heard, turn=self._ai_slots
        )
        write = partial(self._store, self._archive)
        return await stages.keep(understood, write, self._in_thread)

    async def _store(self, lane: Lane[Item, T], item: Item) -> T:
        """Write a result. If the database refuses its data, that is a failed attempt of this call.

        The attempt gets the first line of the database's message. Further lines may quote the data.
        """
        try:
            return await self._put(lane, item)
        except REFUSALS as error:
            told, *_ = str(error).splitlines() or [type(error).__name__]
            message = f"The database refused to store the result: {told}"
            raise ProviderError(message, code="not_stored", transient=True) from error

    async def _put(self, lane: Lane[Item, T], item: Item) -> T:
        return await patiently(partial(lane.put, item), self._should_stop)

    async def _read(self, function: Callable[..., T], *args: Any) -> T:
        return await patiently(partial(self._in_thread, function, *args), self._should_stop)

    async def _keep_leases(self) -> None:
        pause_s = settings.AI_LEASE_SECONDS / 3
        while True:
            await asyncio.sleep(pause_s)
            try:
                is_complete = await self._extend_leases()
            except DatabaseError as error:
                outage.note(error)
                is_complete = False
            else:
                outage.over()
            pause_s = settings.AI_LEASE_SECONDS / 3
            if not is_complete:
                pause_s = min(pause_s, EXTEND_AGAIN_S)

    async def _extend_leases(self) -> bool:
        """Return whether all were extended. A locked call is left out."""
        held = [lease.call_pk for task, lease in self._active.items() if not task.done()]
        extended = await self._in_thread(leases.extend_leases, owner=self.owner, call_pks=held)
        return bool(extended == len(held))

    async def _write(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        async with self._writer_lock:
            return await self._in_thread(function, *args, **kwargs)

    async def _in_thread(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        loop = asyncio.get_running_loop()
        work = partial(copy_context().run, _fresh, function, *args, **kwargs)
        return await loop.run_in_executor(self._threads, work)

    async def _in_each_thread(self, function: Callable[[], Any]) -> None:
        """Call the function once in each thread, to open or close its connection.

        The barrier holds each thread until all have a turn, or one thread could take two.
        """
        barrier = threading.Barrier(DATABASE_THREADS)

        def take_turn() -> None:
            barrier.wait(timeout=STOP_PATIENCE_S)
            function()

        loop = asyncio.get_running_loop()
        turns = [loop.run_in_executor(self._threads, take_turn) for _ in range(DATABASE_THREADS)]
        await asyncio.gather(*turns)


class _Failed(Exception):
    """The attempt failed; this is recorded, and the lease is cleared."""


def _described(attempt: Attempt) -> dict[str, Any]:
    return {"stage": attempt.stage, "attempt": attempt.number, "provider": attempt.provider}


def _reserve() -> int:
    """Return how many calls to claim beyond AI_CONCURRENCY. While some calls are read from or
    written to the database, these keep all slots at the AI busy.
    """
    return int(settings.AI_CONCURRENCY) // 2


def _connect() -> None:
    connection.ensure_connection()


def _fresh(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    close_old_connections()
    return function(*args, **kwargs)
