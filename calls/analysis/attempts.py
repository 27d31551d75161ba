"""Attempts: start one, close one, and decide what follows a failure.

The public functions that take a list are each one transaction for many calls. They return one
result for each item, or an exception where that item was refused. ``create_attempts``,
``close_attempt``, ``fail_call`` and the ``save_`` functions are their parts: call them inside a
transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from calls import events
from calls.analysis import breaker
from calls.analysis.leases import (
    LEASE_FIELDS,
    WAIT_FIELDS,
    Lease,
    LeaseLost,
    clear_lease,
    lease_lost,
    lock_leased,
    lock_leased_refs,
)
from calls.analysis.providers import ProviderError
from calls.analysis.retry import GiveUp, Retry, RetryPolicy
from calls.clock import database_now
from calls.events import Entry, log_entry
from calls.lifecycle import CallState
from calls.models import AnalysisPause, Attempt, Call, Stage
from calls.services import MOVED_FIELDS, transit
from calls.telemetry.catalogue import ATTEMPT_SECONDS, ATTEMPTS

ATTEMPT_FIELDS = ("outcome", "finished_at", "code", "error", "retry_at", "request_id")
Decision = Retry | GiveUp


class HeldBack(Exception):
    """The attempt may not start now. The call waits, which does not use up an attempt."""


class ProviderIsDown(HeldBack):
    """The breaker is open: the provider has failed too often in a row."""


class Paused(HeldBack):
    """An operator has paused the analysis."""


class ClaimedCall(NamedTuple):
    """The lease on a claimed call, and the running attempt at its next stage."""

    lease: Lease
    attempt: Attempt


@dataclass(frozen=True)
class AttemptStart:
    """A request to start an attempt."""

    lease: Lease
    stage: Stage
    provider: str


@dataclass(frozen=True)
class Failure:
    """A failed attempt and its error."""

    lease: Lease
    attempt: Attempt
    error: ProviderError


def policy() -> RetryPolicy:
    return RetryPolicy(
        max_attempts=settings.AI_MAX_ATTEMPTS,
        base_s=settings.AI_RETRY_BASE,
        max_wait_s=settings.AI_RETRY_MAX,
        deadline_s=settings.AI_DEADLINE,
    )


def create_attempts(
    wanted: Sequence[AttemptStart], held: Mapping[int, events.CallRef], *, now: datetime
) -> list[Attempt | Exception]:
    """Record that attempts at locked calls start. Call inside a transaction.

    Returns LeaseLost or HeldBack in place of an attempt that may not start.
    """
    known = Attempt.objects.filter(call__in=list(held)).used_up(with_running=True)
    before = _Before(list(known.defer("error")))
    closed = _Blocks(
        is_paused=AnalysisPause.objects.exists(),
        down={(each.provider, each.stage) for each in breaker.all_down()},
    )
    begun = [
        before.find(want) or _new_attempt(want, held, before.numbers, closed, now=now)
        for want in wanted
    ]
    attempts = [each for each in begun if isinstance(each, Attempt)]
    Attempt.objects.bulk_create([each for each in attempts if each.pk is None])
    return begun


class _Before:
    """The attempts that calls have used up, by stage, and those that are running."""

    def __init__(self, attempts: Collection[Attempt]) -> None:
        running = {each for each in attempts if each.outcome == Attempt.Outcome.RUNNING}
        self._running = {(each.call_id, each.lease_token, each.stage): each for each in running}
        self.numbers = Counter(
            (each.call_id, each.round, each.stage) for each in attempts if each not in running
        )

    def find(self, want: AttemptStart) -> Attempt | None:
        """Return the attempt if it has been started, but nobody heard of the commit."""
        return self._running.get((want.lease.call_pk, want.lease.token, want.stage.value))


@dataclass(frozen=True)
class _Blocks:
    """What keeps attempts from starting: a pause, or providers that are down."""

    is_paused: bool
    down: Collection[tuple[str, str]]


def _new_attempt(
    want: AttemptStart,
    held: Mapping[int, events.CallRef],
    numbers: Counter[Any],
    closed: _Blocks,
    *,
    now: datetime,
) -> Attempt | Exception:
    lease = want.lease
    if lease.call_pk not in held:
        return lease_lost(lease)
    if closed.is_paused:
        return Paused("The analysis is paused.")
    is_down = lease.asks_in(want.stage) and (want.provider, want.stage) in closed.down
    if is_down and not breaker.admits(provider=want.provider, stage=want.stage, now=now):
        return ProviderIsDown(f"{want.provider} is down.")
    return Attempt(
        call_id=lease.call_pk,
        round=lease.round,
        stage=want.stage,
        number=numbers[lease.call_pk, lease.round, want.stage.value] + 1,
        provider=want.provider,
        lease_token=lease.token,
        started_at=now,
    )


def save_calls(calls: Sequence[Call], *, moved: bool) -> None:
    """Save locked calls. ``moved`` says whether they have changed their state."""
    fields = (*LEASE_FIELDS, *WAIT_FIELDS, *(MOVED_FIELDS if moved else ()))
    _save(Call.objects.all(), calls, fields)


def save_attempts(attempts: Sequence[Attempt]) -> None:
    _save(Attempt.objects.all(), attempts, ATTEMPT_FIELDS)
    count_attempts(attempts)


def count_attempts(attempts: Sequence[Attempt]) -> None:
    """Count finished attempts for ``/metrics``, once the transaction is committed."""
    transaction.on_commit(partial(_count, list(attempts)))


def _count(attempts: Sequence[Attempt]) -> None:
    for each in attempts:
        ATTEMPTS.add(1, each.stage, each.outcome)
        if each.finished_at is not None:
            lasted_s = (each.finished_at - each.started_at).total_seconds()
            ATTEMPT_SECONDS.observe([max(0.0, lasted_s)], each.stage)


def _save(stored: QuerySet[Any], rows: Sequence[Any], fields: Sequence[str]) -> None:
    """Save locked rows, with one statement for all rows that get the same values.

    In an outage many calls fail with the same error at the same time.
    """
    alike: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        alike.setdefault(tuple(getattr(row, name) for name in fields), []).append(row.pk)
    for values, pks in alike.items():
        same = dict(zip(fields, values, strict=True))
        stored.filter(pk__in=pks).update(**same)


def close_attempt(
    call: events.CallRef,
    attempt: Attempt,
    outcome: Attempt.Outcome,
    error: ProviderError | None,
    *,
    now: datetime,
) -> Entry:
    """Set the outcome of an attempt. Returns the entry for the event log; saves nothing."""
    attempt.outcome, attempt.finished_at = outcome, now
    if error is not None:
        attempt.code, attempt.error = error.code, str(error)
        attempt.request_id = error.request_id
    finished = events.AttemptFinished(
        stage=attempt.stage,
        number=attempt.number,
        outcome=attempt.outcome,
        code=attempt.code,
        error=attempt.error,
        retry_at=attempt.retry_at.isoformat() if attempt.retry_at else None,
        request_id=attempt.request_id,
    )
    return log_entry(call, finished)


def fail_call(call: Call, reason: str, *, now: datetime) -> Entry:
    """Move a locked call to FAILED. Returns the entry for the event log; saves nothing."""
    clear_lease(call)
    call.next_attempt_at, call.last_error = None, reason
    return log_entry(call, transit(call, call.fail, action="failed", now=now, reason=reason))


def release_unknown(*, owner: str, known: Collection[int]) -> None:
    """Release what this worker holds without knowing: it lost the database after the commit."""
    held = Call.objects.filter(state=CallState.PROCESSING_AI, lease_owner=owner)
    rows = held.exclude(pk__in=known).values_list("pk", "call_id", "lease_token", "analysis_round")
    if leases := [Lease(*row) for row in rows]:
        release_calls(leases, because="The database was lost.")


def release_calls(
    leases: Sequence[Lease], *, because: str = "The worker was stopped."
) -> list[LeaseLost | None]:
    """Release unfinished calls, for instance because their worker stops. Uses up no attempt."""
    stopped = ProviderError(because, code="stopped", transient=True)
    with transaction.atomic():
        held, now = lock_leased_refs(leases), database_now()
        Call.objects.filter(pk__in=held).update(lease_owner="", lease_expires_at=None)
        left = list(Attempt.objects.filter(call__in=held, outcome=Attempt.Outcome.RUNNING))
        entries = [
            close_attempt(
                held[attempt.call_id], attempt, Attempt.Outcome.RELEASED, stopped, now=now
            )
            for attempt in left
        ]
        save_attempts(left)
        events.append(entries, at=now)
    return [None if lease.call_pk in held else lease_lost(lease) for lease in leases]


def start_attempts(wanted: Sequence[AttemptStart]) -> list[Attempt | Exception]:
    """Record that attempts start. Commit this before the work, so that a crash leaves a trace.

    Returns LeaseLost or HeldBack in place of an attempt that may not start.
    """
    with transaction.atomic():
        return create_attempts(
            wanted, lock_leased_refs([want.lease for want in wanted]), now=database_now()
        )


def fail_attempts(failures: Sequence[Failure]) -> list[Decision | Exception]:
    """Record failures, decide what follows each (retry or give up), and clear the leases."""
    with transaction.atomic():
        held, now = lock_leased([failure.lease for failure in failures]), database_now()
        mine = [failure for failure in failures if failure.lease.call_pk in held]
        snoozed = Attempt.objects.filter(call__in=held, outcome=Attempt.Outcome.SNOOZED)
        snoozes = Counter(snoozed.values_list("call_id", "round", "stage"))
        noted = breaker.note_failures([(f.attempt, f.error) for f in mine], now=now)
        decisions: dict[int, Decision] = {}
        entries: list[Entry] = []
        for failure, note in zip(mine, noted, strict=True):
            call = held[failure.lease.call_pk]
            decision = _decide(call, failure, snoozes, down_s=note.down_s, now=now)
            entries += _note_failure(call, failure, decision, now=now)
            entries += [(events.NoCall(), note.news)] if note.news else []
            decisions[call.pk] = decision
        save_attempts([failure.attempt for failure in mine])
        over = [call for call in held.values() if call.state == CallState.FAILED]
        save_calls(over, moved=True)
        save_calls([call for call in held.values() if call not in over], moved=False)
        events.append(entries, at=now)
    return [
        decisions[f.lease.call_pk] if f.lease.call_pk in decisions else lease_lost(f.lease)
        for f in failures
    ]


def _decide(
    call: Call, failure: Failure, snoozes: Counter[Any], *, down_s: float | None, now: datetime
) -> Decision:
    attempt = failure.attempt
    return policy().decide(
        failure.error,
        attempt=attempt.number,
        snoozes=snoozes[call.pk, failure.lease.round, attempt.stage],
        down_s=down_s,
        spent_s=(now - call.state_changed_at).total_seconds(),
    )


def _note_failure(
    call: Call, failure: Failure, decision: Decision, *, now: datetime
) -> list[Entry]:
    attempt, outcome = failure.attempt, Attempt.Outcome.FAILED
    if isinstance(decision, Retry):
        attempt.retry_at = now + decision.wait
        outcome = outcome if decision.counts else Attempt.Outcome.SNOOZED
    entries = [close_attempt(call, attempt, outcome, failure.error, now=now)]
    call.next_attempt_at, call.last_error = attempt.retry_at, str(failure.error)
    clear_lease(call)
    if isinstance(decision, GiveUp):
        entries.append(fail_call(call, decision.reason, now=now))
    return entries
