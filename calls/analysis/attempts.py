"""Attempts: start one, close one, and decide what follows a failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
    grasp,
    hold,
    let_go,
    lost,
)
from calls.analysis.providers import ProviderError
from calls.analysis.retry import GiveUp, Retry, RetryPolicy
from calls.clock import database_now
from calls.events import Entry, log_entry
from calls.lifecycle import CallState
from calls.models import AnalysisPause, Attempt, Call, Stage
from calls.services import MOVED_FIELDS, transit

ATTEMPT_FIELDS = ("outcome", "finished_at", "code", "error", "retry_at", "request_id")
Decision = Retry | GiveUp


class HeldBack(Exception):
    """The AI is not asked now; the call has to wait, which costs it nothing."""


class ProviderDown(HeldBack):
    """The provider only fails of late, and is left alone."""


class Paused(HeldBack):
    """Somebody has paused the analysis."""


class Taken(NamedTuple):
    """A call in a worker's hands, and the attempt at its next stage, which has begun."""

    lease: Lease
    attempt: Attempt


@dataclass(frozen=True)
class Begin:
    """An attempt that is to start."""

    lease: Lease
    stage: Stage
    provider: str


@dataclass(frozen=True)
class Failure:
    """An attempt that failed."""

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


def begin(
    wanted: Sequence[Begin], held: Mapping[int, events.CallRef], *, now: datetime
) -> list[Attempt | Exception]:
    """Write down that attempts at held calls start; LeaseLost and HeldBack may come back."""
    used = Attempt.objects.filter(call__in=list(held)).used_up()
    numbers = Counter(used.values_list("call_id", "round", "stage"))
    closed = _Closed(
        is_paused=AnalysisPause.objects.exists(),
        down={(each.provider, each.stage) for each in breaker.all_down()},
    )
    begun = [_begun(want, held, numbers, closed, now=now) for want in wanted]
    Attempt.objects.bulk_create([each for each in begun if isinstance(each, Attempt)])
    return begun


@dataclass(frozen=True)
class _Closed:
    """What keeps an attempt from starting."""

    is_paused: bool
    down: Collection[tuple[str, str]]


def _begun(
    want: Begin,
    held: Mapping[int, events.CallRef],
    numbers: Counter[Any],
    closed: _Closed,
    *,
    now: datetime,
) -> Attempt | Exception:
    lease = want.lease
    if lease.call_pk not in held:
        return lost(lease)
    if closed.is_paused:
        return Paused("The analysis is paused.")
    is_down = lease.asks_in(want.stage) and (want.provider, want.stage) in closed.down
    if is_down and not breaker.admits(provider=want.provider, stage=want.stage, now=now):
        return ProviderDown(f"{want.provider} is down.")
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
    """Write what became of locked calls; ``moved`` is whether they are in another state now."""
    fields = (*LEASE_FIELDS, *WAIT_FIELDS, *(MOVED_FIELDS if moved else ()))
    _save(Call.objects.all(), calls, fields)


def save_attempts(attempts: Sequence[Attempt]) -> None:
    _save(Attempt.objects.all(), attempts, ATTEMPT_FIELDS)


def _save(stored: QuerySet[Any], rows: Sequence[Any], fields: Sequence[str]) -> None:
    """Write locked rows, those with the same values in one statement: most of them fail alike."""
    alike: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        alike.setdefault(tuple(getattr(row, name) for name in fields), []).append(row.pk)
    for values, pks in alike.items():
        same = dict(zip(fields, values, strict=True))
        stored.filter(pk__in=pks).update(**same)


def close(
    call: events.CallRef,
    attempt: Attempt,
    outcome: Attempt.Outcome,
    error: ProviderError | None,
    *,
    now: datetime,
) -> Entry:
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


def fail(call: Call, reason: str, *, now: datetime) -> Entry:
    let_go(call)
    call.next_attempt_at, call.last_error = None, reason
    return log_entry(call, transit(call, call.fail, action="failed", now=now, reason=reason))


def release_all(leases: Sequence[Lease]) -> list[LeaseLost | None]:
    """Give calls back unfinished, at no cost: their worker is being stopped."""
    stopped = ProviderError("The worker was stopped.", code="stopped", transient=True)
    with transaction.atomic():
        held, now = grasp(leases), database_now()
        Call.objects.filter(pk__in=held).update(lease_owner="", lease_expires_at=None)
        left = list(Attempt.objects.filter(call__in=held, outcome=Attempt.Outcome.RUNNING))
        entries = [
            close(held[attempt.call_id], attempt, Attempt.Outcome.RELEASED, stopped, now=now)
            for attempt in left
        ]
        save_attempts(left)
        events.append(entries, at=now)
    return [None if lease.call_pk in held else lost(lease) for lease in leases]


# --- Attempts -------------------------------------------------------------------------------
def begin_attempts(wanted: Sequence[Begin]) -> list[Attempt | Exception]:
    """Write down that attempts start, before they do: LeaseLost and HeldBack may come back."""
    with transaction.atomic():
        return begin(wanted, grasp([want.lease for want in wanted]), now=database_now())


def fail_attempts(failures: Sequence[Failure]) -> list[Decision | Exception]:
    """Record failures and what follows from each, and let go of the calls."""
    with transaction.atomic():
        held, now = hold([failure.lease for failure in failures]), database_now()
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
        decisions[f.lease.call_pk] if f.lease.call_pk in decisions else lost(f.lease)
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
    entries = [close(call, attempt, outcome, failure.error, now=now)]
    call.next_attempt_at, call.last_error = attempt.retry_at, str(failure.error)
    let_go(call)
    if isinstance(decision, GiveUp):
        entries.append(fail(call, decision.reason, now=now))
    return entries
