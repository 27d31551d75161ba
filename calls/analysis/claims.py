"""Which calls a worker takes: due, in turn, as far as the provider and the site's limits allow.

A claim is a lease with a new token; from then on the ledger writes what becomes of the call.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from calls import events
from calls.analysis import breaker
from calls.analysis.attempts import (
    Begin,
    Taken,
    begin,
    close,
    fail,
    policy,
    save_attempts,
    save_calls,
)
from calls.analysis.leases import MOVING_FIELDS, Lease
from calls.analysis.providers import ProviderError
from calls.analysis.retry import GiveUp
from calls.clock import database_now
from calls.events import Entry, log_entry
from calls.lifecycle import CallState
from calls.models import AnalysisPause, Attempt, Call, Stage
from calls.services import transit

CLAIMING_FIELDS = (*MOVING_FIELDS, "analysis_round", "first_stage")
_CLAIM_LOCK = 0x436C61696D  # any number that no other advisory lock of this database uses


def owner_of(provider: str, worker: str) -> str:
    """Return the owner of leases: whose turn it is with a provider can be read off the rows."""
    return f"{provider[:30]}@{worker[:65]}"


def claim_due(
    *, owner: str, limit: int, provider: str, spoken_limit: int | None = None
) -> list[Taken]:
    """Take up to ``limit`` due calls, longest waiting first, and begin their next attempts.

    Of those that are audio and have to be transcribed, at most ``spoken_limit``: what is quickly
    done shall not wait behind them. What ``provider`` cannot do while it is down stays where it
    is, and so does everything while the analysis is paused; whose attempt is held back after all
    is given back at once. A call whose last worker died has a running attempt, which counts as
    crashed; a call whose attempts are thereby used up fails.
    """
    now = database_now()
    candidates = _candidates(limit, provider=provider, spoken_limit=spoken_limit, now=now)
    if not candidates.pks:
        return []
    with transaction.atomic():
        claimed = _claim(candidates, owner=owner, provider=provider, now=now)
        wanted = [Begin(lease, lease.stage, provider) for lease in claimed.leases]
        begun = list(zip(claimed.leases, begin(wanted, claimed.calls, now=now), strict=True))
        held_back = [lease.call_pk for lease, attempt in begun if isinstance(attempt, Exception)]
        Call.objects.filter(pk__in=held_back).update(lease_owner="", lease_expires_at=None)
        events.append(claimed.entries, at=now)
    return [Taken(lease, attempt) for lease, attempt in begun if isinstance(attempt, Attempt)]


class _Candidates(NamedTuple):
    """Due calls in their turn; those of ``spoken`` are audio that is to be transcribed."""

    pks: list[int]
    spoken: Collection[int]


def _candidates(
    limit: int, *, provider: str, spoken_limit: int | None, now: datetime
) -> _Candidates:
    # Without locks: an idle worker asks ten times a second.
    if AnalysisPause.objects.exists():
        return _Candidates([], [])
    due = Call.objects.due(now=now)
    pks = breaker.pick(due, provider=provider, limit=limit, now=now)
    asking = breaker.asking(Call.objects.filter(pk__in=pks), Stage.TRANSCRIBE)
    spoken = set(asking.values_list("pk", flat=True)) if pks else set()
    if spoken_limit is not None and len(spoken) > spoken_limit:
        quick = due.exclude(pk__in=breaker.asking(due, Stage.TRANSCRIBE).values("pk"))
        rest = breaker.pick(quick, provider=provider, limit=limit, now=now)
        taken = [pk for pk in pks if pk in spoken][:spoken_limit]
        pks = [*taken, *rest][:limit]
    return _Candidates(pks, spoken)


def _free(provider: str, *, now: datetime) -> int | None:
    """Return how many more calls may be with the provider, of all workers; None is no limit.

    A call in hand asks one question at a time, so it is leases that are counted, and those who
    count go one after the other.
    """
    if not settings.AI_PROVIDER_CONCURRENCY:
        return None
    if connection.vendor == "postgresql":
        # Taken before any other lock, and only here: it cannot be part of a deadlock.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIM_LOCK])
    held = Call.objects.filter(
        state=CallState.PROCESSING_AI,
        lease_expires_at__gt=now,
        lease_owner__startswith=owner_of(provider, ""),
    )
    return max(0, int(settings.AI_PROVIDER_CONCURRENCY) - held.count())


@dataclass(frozen=True)
class _Claimed:
    """``entries`` are for the log, ``calls`` those that were locked."""

    leases: list[Lease]
    calls: Mapping[int, Call]
    entries: list[Entry]


def _claim(candidates: _Candidates, *, owner: str, provider: str, now: datetime) -> _Claimed:
    skip = connection.features.has_select_for_update_skip_locked
    expires_at = now + timedelta(seconds=settings.AI_LEASE_SECONDS)
    pks = candidates.pks[: _free(provider, now=now)]
    due = Call.objects.due(now=now).select_for_update(skip_locked=skip).filter(pk__in=pks)
    calls = {call.pk: call for call in due.order_by("pk").only(*CLAIMING_FIELDS)}
    ours = Call.objects.filter(pk__in=calls)
    ours.update(lease_owner=owner, lease_token=F("lease_token") + 1, lease_expires_at=expires_at)
    for call in calls.values():
        call.lease_token += 1
    begun = {pk: call for pk, call in calls.items() if call.state != CallState.COMPLETED}
    dead, entries = _bury_crashed(begun, now=now) if begun else (set(), [])
    transcribed = _transcribed(begun) if begun else set()
    entries += _start([call for pk, call in calls.items() if pk not in begun], now=now)
    leases = [
        Lease(
            call.pk, call.call_id, call.lease_token, call.analysis_round,
            Stage.UNDERSTAND if call.pk in transcribed else Stage(call.first_stage),
            call.pk in candidates.spoken,
        )
        for call in (calls[pk] for pk in pks if pk in calls and pk not in dead)
    ]  # fmt: skip
    return _Claimed(leases, calls, entries)


def _start(calls: Sequence[Call], *, now: datetime) -> list[Entry]:
    """Show calls that were taken for the first time as being processed."""
    entries = [
        log_entry(call, transit(call, call.start_analysis, action="analysed", now=now))
        for call in calls
    ]
    Call.objects.filter(pk__in=[call.pk for call in calls]).update(
        state=CallState.PROCESSING_AI, version=F("version") + 1, state_changed_at=now
    )
    return entries


def _transcribed(calls: Mapping[int, Call]) -> set[int]:
    """Return which of the calls have a transcript of this round: it is never made again."""
    done = Attempt.objects.filter(
        call__in=calls, stage=Stage.TRANSCRIBE, outcome=Attempt.Outcome.SUCCEEDED
    )
    rounds = done.values_list("call_id", "round")
    return {pk for pk, number in rounds if calls[pk].analysis_round == number}


def _bury_crashed(calls: Mapping[int, Call], *, now: datetime) -> tuple[set[int], list[Entry]]:
    """Mark attempts that a dead worker left behind; fail the calls whose last they were."""
    left = Attempt.objects.filter(call__in=calls, outcome=Attempt.Outcome.RUNNING)
    dead: set[int] = set()
    entries: list[Entry] = []
    for attempt in left:
        call = calls[attempt.call_id]
        error = ProviderError("The worker died.", code="crashed", transient=True)
        spent_s = (now - call.state_changed_at).total_seconds()
        decision = policy().decide(error, attempt=attempt.number, spent_s=spent_s)
        entries.append(close(call, attempt, Attempt.Outcome.CRASHED, error, now=now))
        if isinstance(decision, GiveUp):
            entries.append(fail(call, decision.reason, now=now))
            save_calls([call], moved=True)
            dead.add(call.pk)
    save_attempts(list(left))
    return dead, entries


def any_due(*, within_s: float = 0) -> bool:
    """Whether a call that nobody holds may be taken now or within so many seconds."""
    if AnalysisPause.objects.exists():
        return False
    now = database_now()
    return Call.objects.due(now=now, within=timedelta(seconds=within_s)).exists()
