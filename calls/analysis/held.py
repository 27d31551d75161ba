"""A call in a worker's hands: the values that travel, the locks, and what is noted of it.

No transaction begins in here: these are the parts of those in ``ledger``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import QuerySet

from calls import events
from calls.analysis import breaker
from calls.analysis.providers import ProviderError
from calls.analysis.recording import StoredAudio, StoredFile
from calls.analysis.retry import GiveUp, Retry, RetryPolicy
from calls.models import AnalysisPause, Attempt, Call, Stage
from calls.services import MOVED_FIELDS, transit

LEASE_FIELDS = ("lease_owner", "lease_expires_at")
WAIT_FIELDS = ("next_attempt_at", "last_error")
MOVING_FIELDS = ("call_id", "lease_token", *LEASE_FIELDS, *WAIT_FIELDS, *MOVED_FIELDS)
ATTEMPT_FIELDS = ("outcome", "finished_at", "code", "error", "retry_at", "request_id")

Decision = Retry | GiveUp
Entry = tuple[events.CallRef, events.Payload]


@dataclass(frozen=True, slots=True)
class AtHand:
    """What the log says of a call at the time of an entry, which may change before it is added."""

    pk: int
    call_id: str
    state: str


class LeaseLost(Exception):
    """Another worker holds the call now; what this one knows about it is of no use any more."""


class HeldBack(Exception):
    """The AI is not asked now; the call has to wait, which costs it nothing."""


class ProviderDown(HeldBack):
    """The provider only fails of late, and is left alone."""


class Paused(HeldBack):
    """Somebody has paused the analysis."""


@dataclass(frozen=True)
class Lease:
    """A call in a worker's hands. ``stage`` is the first one that its round still lacks.

    ``is_spoken`` says that it is known to be audio, which is still to be transcribed.
    """

    call_pk: int
    call_id: str
    token: int
    round: int
    stage: Stage = Stage.TRANSCRIBE
    is_spoken: bool = False

    def asks_in(self, stage: Stage | str) -> bool:
        """Whether the stage takes the provider: words are not transcribed."""
        return stage != Stage.TRANSCRIBE or self.is_spoken


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


@dataclass(frozen=True)
class Finding:
    """What an attempt found: the fields of a Transcript or an Analysis.

    ``asked`` tells whether it took the provider, and not just the packets. ``audio`` is the
    stored recording of what was heard, ``muted`` the same without what is personal. ``verdict``
    holds the sentiments and trends that are shown in lists, ``request_id`` what the provider
    calls its answers.
    """

    lease: Lease
    attempt: Attempt
    fields: dict[str, Any]
    asked: bool = True
    audio: StoredAudio | None = None
    muted: StoredFile | None = None
    verdict: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""

    @property
    def new_files(self) -> list[str]:
        """What was put into the storage for this, and is named by no row yet."""
        return [stored.name for stored in (self.audio, self.muted) if stored]


def policy() -> RetryPolicy:
    return RetryPolicy(
        max_attempts=settings.AI_MAX_ATTEMPTS,
        base_s=settings.AI_RETRY_BASE,
        max_wait_s=settings.AI_RETRY_MAX,
        deadline_s=settings.AI_DEADLINE,
    )


def hold(leases: Sequence[Lease]) -> dict[int, Call]:
    """Lock those of the calls that are still held by these leases, with what a move changes."""
    tokens = {lease.call_pk: lease.token for lease in leases}
    locked = _locked(tokens).only(*MOVING_FIELDS)
    return {call.pk: call for call in locked if call.lease_token == tokens[call.pk]}


def grasp(leases: Sequence[Lease]) -> dict[int, AtHand]:
    """Do the same for calls that stay in the state they are in: that takes less."""
    tokens = {lease.call_pk: lease.token for lease in leases}
    rows = _locked(tokens).values_list("pk", "call_id", "state", "lease_token")
    return {row[0]: AtHand(*row[:3]) for row in rows if row[3] == tokens[row[0]]}


def _locked(pks: Collection[int]) -> QuerySet[Call]:
    held = Call.objects.select_for_update().filter(pk__in=pks).exclude(lease_owner="")
    return held.order_by("pk")


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


def lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"Call {lease.call_id} is in other hands.")


def let_go(call: Call) -> None:
    call.lease_owner, call.lease_expires_at = "", None


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


def log_entry(call: events.CallRef, payload: events.Payload) -> Entry:
    return AtHand(call.pk, call.call_id, str(call.state)), payload


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
