"""Claiming calls: a worker takes due calls within the limits of the provider and the site.

Step 1 of a call's way through the analysis: claims -> leases -> attempts -> stages -> findings.
``runner`` drives all of them. A claim is a lease with a new token, and starts the next attempt.
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
    AttemptStart,
    ClaimedCall,
    close_attempt,
    create_attempts,
    fail_call,
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
from calls.monitoring.log_context import ORIGIN
from calls.services import transit

CLAIMING_FIELDS = (*MOVING_FIELDS, *ORIGIN, "analysis_round", "first_stage", "late_since")
_CLAIM_LOCK = 0x436C61696D  # any number that no other advisory lock of this database uses


def owner_of(provider: str, worker: str) -> str:
    """Return the value of ``lease_owner``. The provider comes first, so that leases can be counted
    by provider.
    """
    return f"{provider[:30]}@{worker[:65]}"


def claim_due(
    *, owner: str, limit: int, provider: str, spoken_limit: int | None = None
) -> list[ClaimedCall]:
    """Take up to ``limit`` due calls, longest waiting first, and start their next attempts.

    At most ``spoken_limit`` of them are audio that still needs transcription, so that quick calls
    do not wait behind slow ones. No call is taken while the analysis is paused, and no call that
    needs ``provider`` in a stage in which it is down. A pause or an outage may still come in
    between; a call whose attempt is held back by it is released at once.

    If the last worker of a call died, its attempt is still running. It is closed as crashed, and
    if it was the last attempt allowed, the call fails.
    """
    now = database_now()
    candidates = _candidates(limit, provider=provider, spoken_limit=spoken_limit, now=now)
    if not candidates.pks:
        return []
    with transaction.atomic():
        claimed = _claim(candidates, owner=owner, provider=provider, now=now)
        wanted = [AttemptStart(lease, lease.stage, provider) for lease in claimed.leases]
        begun = list(
            zip(claimed.leases, create_attempts(wanted, claimed.calls, now=now), strict=True)
        )
        held_back = [lease.call_pk for lease, attempt in begun if isinstance(attempt, Exception)]
        Call.objects.filter(pk__in=held_back).update(lease_owner="", lease_expires_at=None)
        events.append(claimed.entries, at=now)
    return [ClaimedCall(lease, attempt) for lease, attempt in begun if isinstance(attempt, Attempt)]


class _Candidates(NamedTuple):
    """Keys of due calls, in order. Those in ``spoken`` are audio that needs transcription."""

    pks: list[int]
    spoken: Collection[int]


def _candidates(
    limit: int, *, provider: str, spoken_limit: int | None, now: datetime
) -> _Candidates:
    # Do not lock here: an idle worker runs these queries ten times a second. ``_claim`` checks
    # again under a lock that each call is still due.
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
    """Return how many more calls all workers together may claim for the provider, or None if
    there is no limit.

    A claimed call sends one request at a time, so counting leases is enough. Workers count one
    after the other, or two of them would both take the last place.
    """
    if not settings.AI_PROVIDER_CONCURRENCY:
        return None
    if connection.vendor == "postgresql":
        # Only taken here, and before any other lock, so it cannot be part of a deadlock. SQLite
        # needs no such lock, because it runs one writing transaction at a time.
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
    """The locked ``calls``, the leases on those to work on, and ``entries`` for the event log."""

    leases: list[Lease]
    calls: Mapping[int, Call]
    entries: list[Entry]


def _claim(candidates: _Candidates, *, owner: str, provider: str, now: datetime) -> _Claimed:
    # Skip calls that another worker is claiming. SQLite cannot, and ignores SELECT FOR UPDATE: its
    # single writer has the same effect.
    skip = connection.features.has_select_for_update_skip_locked
    expires_at = now + timedelta(seconds=settings.AI_LEASE_SECONDS)
    pks = candidates.pks[: _free(provider, now=now)]
    due = Call.objects.due(now=now).select_for_update(skip_locked=skip).filter(pk__in=pks)
    calls = {call.pk: call for call in due.order_by("pk").only(*CLAIMING_FIELDS)}
    # The token is a fencing token: it grows with each claim. A worker that stalled past the end
    # of its lease still has the old token, and its late writes are refused (see ``leases``).
    ours = Call.objects.filter(pk__in=calls)
    ours.update(lease_owner=owner, lease_token=F("lease_token") + 1, lease_expires_at=expires_at)
    for call in calls.values():
        call.lease_token += 1
    begun = {pk: call for pk, call in calls.items() if call.state != CallState.COMPLETED}
    dead, entries = _close_crashed(begun, now=now) if begun else (set(), [])
    transcribed = _transcribed(begun) if begun else set()
    entries += _start([call for pk, call in calls.items() if pk not in begun], now=now)
    leases = [
        Lease(
            call.pk, call.call_id, call.lease_token, call.analysis_round,
            Stage.UNDERSTAND if call.pk in transcribed else Stage(call.first_stage),
            call.pk in candidates.spoken,
            {name: getattr(call, name) for name in ORIGIN},
        )
        for call in (calls[pk] for pk in pks if pk in calls and pk not in dead)
    ]  # fmt: skip
    return _Claimed(leases, calls, entries)


def _start(calls: Sequence[Call], *, now: datetime) -> list[Entry]:
    """Move calls that are claimed for the first time to PROCESSING_AI."""
    entries = [
        log_entry(call, transit(call, call.start_analysis, action="analysed", now=now))
        for call in calls
    ]
    Call.objects.filter(pk__in=[call.pk for call in calls]).update(
        state=CallState.PROCESSING_AI, version=F("version") + 1, state_changed_at=now
    )
    # The calls are locked: packets that are here will be read, later ones ask for another round.
    read = [each.pk for each in calls if each.late_since and each.first_stage == Stage.TRANSCRIBE]
    if read:
        Call.objects.filter(pk__in=read).update(late_since=None)
    return entries


def _transcribed(calls: Mapping[int, Call]) -> set[int]:
    """Return the calls that already have a transcript in this round. It is not made again."""
    done = Attempt.objects.filter(
        call__in=calls, stage=Stage.TRANSCRIBE, outcome=Attempt.Outcome.SUCCEEDED
    )
    rounds = done.values_list("call_id", "round")
    return {pk for pk, number in rounds if calls[pk].analysis_round == number}


def _close_crashed(calls: Mapping[int, Call], *, now: datetime) -> tuple[set[int], list[Entry]]:
    """Close attempts that a dead worker left running. Fail the calls that have none left.

    Returns the keys of the failed calls and the entries for the event log.
    """
    left = Attempt.objects.filter(call__in=calls, outcome=Attempt.Outcome.RUNNING)
    dead: set[int] = set()
    entries: list[Entry] = []
    for attempt in left:
        call = calls[attempt.call_id]
        error = ProviderError("The worker died.", code="crashed", transient=True)
        spent_s = (now - call.state_changed_at).total_seconds()
        decision = policy().decide(error, attempt=attempt.number, spent_s=spent_s)
        entries.append(close_attempt(call, attempt, Attempt.Outcome.CRASHED, error, now=now))
        if isinstance(decision, GiveUp):
            entries.append(fail_call(call, decision.reason, now=now))
            save_calls([call], moved=True)
            dead.add(call.pk)
    save_attempts(list(left))
    return dead, entries


def any_due(*, within_s: float = 0) -> bool:
    """Return whether any unclaimed call is due now or within ``within_s`` seconds."""
    if AnalysisPause.objects.exists():
        return False
    now = database_now()
    return Call.objects.due(now=now, within=timedelta(seconds=within_s)).exists()
