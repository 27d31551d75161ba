"""Every write of the analysis: leases, attempts, results. One function is one transaction.

A worker holds a call by a lease. Whatever it writes names the lease's token and is refused with
LeaseLost once somebody else holds the call, so that a worker thought dead cannot write late.
Locks are taken in one order: the call, the provider's health, the event log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from calls import events
from calls.analysis import breaker
from calls.analysis.providers import ProviderError
from calls.analysis.recording import StoredAudio, StoredFile, name_recording, name_redacted
from calls.analysis.retry import GiveUp, Retry, RetryPolicy
from calls.lifecycle import CallState
from calls.models import Analysis, Attempt, Call, Stage, Transcript
from calls.services import move

LEASE_FIELDS = ("lease_owner", "lease_token", "lease_expires_at")


class LeaseLost(Exception):
    """Another worker holds the call now; what this one knows about it is of no use any more."""


class ProviderDown(Exception):
    """The provider is not asked now; the call has to wait, which costs it nothing."""


@dataclass(frozen=True)
class Lease:
    """A call in a worker's hands."""

    call_pk: int
    call_id: str
    token: int
    round: int
    first_stage: str = Stage.TRANSCRIBE


def database_now() -> datetime:
    """Return the database's clock: workers on several machines have to agree."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def policy() -> RetryPolicy:
    return RetryPolicy(
        max_attempts=settings.AI_MAX_ATTEMPTS,
        base_s=settings.AI_RETRY_BASE,
        max_wait_s=settings.AI_RETRY_MAX,
    )


def claim_due(*, owner: str, limit: int, provider: str = "") -> list[Lease]:
    """Take up to ``limit`` due calls, longest waiting first, and show them as being processed.

    What ``provider`` cannot do while it is down stays where it is. A call whose last worker died
    has a running attempt, which counts as crashed; a call whose attempts are thereby used up
    fails here.
    """
    now = database_now()
    # Without locks first: an idle worker asks five times a second.
    candidates = breaker.pick(Call.objects.due(now=now), provider=provider, limit=limit, now=now)
    taken = (_claim(pk, owner=owner, now=now) for pk in candidates)
    return [lease for lease in taken if lease is not None]


def _claim(pk: int, *, owner: str, now: datetime) -> Lease | None:
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        call = Call.objects.due(now=now).select_for_update(skip_locked=skip).filter(pk=pk).first()
        if call is None:
            return None
        call.lease_owner = owner
        call.lease_token += 1
        call.lease_expires_at = now + timedelta(seconds=settings.AI_LEASE_SECONDS)
        if call.state == CallState.COMPLETED:
            move(call, call.start_analysis, action="analysed", now=now, fields=LEASE_FIELDS)
        else:
            call.save(update_fields=LEASE_FIELDS)
            if _bury_crashed(call, now=now):
                return None
    return Lease(call.pk, call.call_id, call.lease_token, call.analysis_round, call.first_stage)


def _bury_crashed(call: Call, *, now: datetime) -> bool:
    """Mark attempts that a dead worker left behind; fail the call if they were its last."""
    for attempt in call.attempts.filter(outcome=Attempt.Outcome.RUNNING):
        error = ProviderError("The worker died.", code="crashed", transient=True)
        decision = policy().decide(error, attempt=attempt.number)
        _close(attempt, Attempt.Outcome.CRASHED, error, now=now)
        _announce(call, attempt, now=now)
        if isinstance(decision, GiveUp):
            _fail(call, decision.reason, now=now)
            return True
    return False


def any_due(*, within_s: float = 0) -> bool:
    """Whether a call that nobody holds is due now or within so many seconds."""
    now = database_now()
    return Call.objects.due(now=now, within=timedelta(seconds=within_s)).exists()


def extend_leases(*, owner: str, call_pks: Collection[int]) -> None:
    """Prolong the leases that ``owner`` still holds on these calls."""
    expires_at = database_now() + timedelta(seconds=settings.AI_LEASE_SECONDS)
    Call.objects.filter(pk__in=call_pks, lease_owner=owner).update(lease_expires_at=expires_at)


def begin_attempt(lease: Lease, *, stage: Stage, provider: str) -> Attempt:
    """Write down that an attempt starts, before it does. Raises LeaseLost and ProviderDown."""
    with transaction.atomic():
        call, now = _held(lease), database_now()
        if not breaker.admits(provider=provider, stage=stage, now=now):
            raise ProviderDown(f"{provider} is down.")
        attempts = call.attempts.filter(round=lease.round, stage=stage)
        return attempts.create(
            call=call,
            round=lease.round,
            stage=stage,
            number=attempts.used_up().count() + 1,
            provider=provider,
            lease_token=lease.token,
            started_at=now,
        )


def fail_attempt(lease: Lease, attempt: Attempt, error: ProviderError) -> Retry | GiveUp:
    """Record a failure and what follows from it, and let go of the call. Raises LeaseLost."""
    with transaction.atomic():
        call, now = _held(lease), database_now()
        snoozes = call.attempts.filter(
            round=lease.round, stage=attempt.stage, outcome=Attempt.Outcome.SNOOZED
        ).count()
        down_s = breaker.note_failure(attempt, error, now=now)
        decision = policy().decide(error, attempt=attempt.number, snoozes=snoozes, down_s=down_s)
        snoozed = isinstance(decision, Retry) and not decision.counts
        outcome = Attempt.Outcome.SNOOZED if snoozed else Attempt.Outcome.FAILED
        if isinstance(decision, Retry):
            attempt.retry_at = now + decision.wait
        _close(attempt, outcome, error, now=now)
        call.next_attempt_at, call.last_error = attempt.retry_at, str(error)
        _let_go(call)
        call.save(update_fields=[*LEASE_FIELDS, "next_attempt_at", "last_error"])
        _announce(call, attempt, now=now)
        if isinstance(decision, GiveUp):
            _fail(call, decision.reason, now=now)
    return decision


def release(lease: Lease) -> None:
    """Give a call back unfinished, at no cost: its worker is being stopped. Raises LeaseLost."""
    stopped = ProviderError("The worker was stopped.", code="stopped", transient=True)
    with transaction.atomic():
        call, now = _held(lease), database_now()
        _let_go(call)
        call.save(update_fields=LEASE_FIELDS)
        for attempt in call.attempts.filter(outcome=Attempt.Outcome.RUNNING):
            _close(attempt, Attempt.Outcome.RELEASED, stopped, now=now)
            _announce(call, attempt, now=now)


def save_transcript(
    lease: Lease,
    attempt: Attempt,
    *,
    asked: bool = True,
    audio: StoredAudio | None = None,
    **fields: Any,
) -> Transcript:
    """Store the result of ``transcribe``. Raises LeaseLost.

    ``asked`` tells whether it took the provider, and not just the packets; ``audio`` is the
    stored recording of what was heard.
    """
    with transaction.atomic():
        call, now = _held(lease), database_now()
        transcript = call.transcripts.create(
            version=_next_version(call.transcripts.values_list("version", flat=True)),
            created_at=now,
            **fields,
        )
        name_recording(call, audio, version=transcript.version, now=now)
        _succeed(call, attempt, asked=asked, now=now)
    return transcript


def archive(
    lease: Lease,
    attempt: Attempt,
    *,
    verdict: dict[str, str],
    asked: bool = True,
    muted: StoredFile | None = None,
    **fields: Any,
) -> Analysis:
    """Store the result of ``understand`` and archive the call. Raises LeaseLost.

    ``verdict`` holds the sentiments and trends that are shown in lists, ``muted`` is the
    recording without what is personal; ``asked`` as above.
    """
    with transaction.atomic():
        call, now = _held(lease), database_now()
        analysis = call.analyses.create(
            version=_next_version(call.analyses.values_list("version", flat=True)),
            created_at=now,
            **fields,
        )
        name_redacted(call, muted)
        _succeed(call, attempt, asked=asked, now=now)
        for name, value in verdict.items():
            setattr(call, name, value)
        _let_go(call)
        call.next_attempt_at, call.last_error = None, ""
        changed = [*LEASE_FIELDS, "next_attempt_at", "last_error", *verdict]
        move(call, call.archive, action="archived", now=now, fields=changed)
    return analysis


def _held(lease: Lease) -> Call:
    held = Call.objects.select_for_update().filter(pk=lease.call_pk, lease_token=lease.token)
    call = held.exclude(lease_owner="").first()
    if call is None:
        raise LeaseLost(f"Call {lease.call_id} is in other hands.")
    return call


def _let_go(call: Call) -> None:
    call.lease_owner, call.lease_expires_at = "", None


def _next_version(versions: Iterable[int]) -> int:
    return max(versions, default=0) + 1


def _succeed(call: Call, attempt: Attempt, *, asked: bool, now: datetime) -> None:
    _close(attempt, Attempt.Outcome.SUCCEEDED, None, now=now)
    if asked:
        breaker.note_answer(attempt)
    else:
        breaker.note_unasked(attempt, now=now)
    _announce(call, attempt, now=now)


def _close(
    attempt: Attempt, outcome: Attempt.Outcome, error: ProviderError | None, *, now: datetime
) -> None:
    attempt.outcome, attempt.finished_at = outcome, now
    if error is not None:
        attempt.code, attempt.error = error.code, str(error)
    attempt.save(update_fields=["outcome", "finished_at", "code", "error", "retry_at"])


def _announce(call: Call, attempt: Attempt, *, now: datetime) -> None:
    finished = events.AttemptFinished(
        stage=attempt.stage,
        number=attempt.number,
        outcome=attempt.outcome,
        code=attempt.code,
        error=attempt.error,
        retry_at=attempt.retry_at.isoformat() if attempt.retry_at else None,
    )
    events.append([(call, finished)], at=now)


def _fail(call: Call, reason: str, *, now: datetime) -> None:
    _let_go(call)
    call.next_attempt_at, call.last_error = None, reason
    changed = [*LEASE_FIELDS, "next_attempt_at", "last_error"]
    move(call, call.fail, action="failed", now=now, fields=changed, reason=reason)
