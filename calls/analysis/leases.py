"""Leases: which worker holds a call, and the locks that every write of that worker takes.

A lease carries a fencing token, which grows with each claim. A worker may stall, lose its lease
to another worker and wake up again. Its token is then older than the one in the row, and its
writes are refused with LeaseLost. The expiry time alone could not prevent such late writes.

Lock order, everywhere in the analysis: calls by ascending key, then the provider's health row,
then the event log. On SQLite, SELECT FOR UPDATE does nothing, but a transaction that writes
excludes all other writers.

``lock_leased`` and ``lock_leased_refs`` start no transaction. Call them inside one. From there on,
it waits for no lock longer than LOCK_MS: one locked call must not hold up all others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from calls.clock import database_now
from calls.events import AtHand
from calls.models import Call, Stage
from calls.operation.lock_waits import limit_lock_waits
from calls.services import MOVED_FIELDS

LEASE_FIELDS = ("lease_owner", "lease_expires_at")
WAIT_FIELDS = ("next_attempt_at", "last_error")
MOVING_FIELDS = ("call_id", "lease_token", *LEASE_FIELDS, *WAIT_FIELDS, *MOVED_FIELDS)


LOCK_MS = 1_000  # the batch of a call that somebody else has locked


class LeaseLost(Exception):
    """The worker no longer holds the call. Drop its results."""


@dataclass(frozen=True)
class Lease:
    """A worker's claim on a call. ``stage`` is the next stage of its round.

    ``is_spoken`` means that the call is known to be audio that needs transcription. ``token`` is
    the fencing token of this claim. ``origin`` has the ids of the request that opened the call.
    """

    call_pk: int
    call_id: str
    token: int
    round: int
    stage: Stage = Stage.TRANSCRIBE
    is_spoken: bool = False
    origin: Mapping[str, str] = field(default_factory=dict, compare=False)

    def asks_in(self, stage: Stage | str) -> bool:
        """Return whether the stage needs the provider. Text calls are not transcribed."""
        return stage != Stage.TRANSCRIBE or self.is_spoken


def lock_leased(leases: Sequence[Lease]) -> dict[int, Call]:
    """Lock the calls that these leases still hold. Use it where calls may change their state.

    A call that is missing from the result has been lost to another worker.
    """
    tokens = {lease.call_pk: lease.token for lease in leases}
    locked = _locked(tokens).only(*MOVING_FIELDS)
    return {call.pk: call for call in locked if call.lease_token == tokens[call.pk]}


def lock_leased_refs(leases: Sequence[Lease]) -> dict[int, AtHand]:
    """Lock like ``lock_leased``, but read only what the event log needs.

    Cheaper; use it where calls keep their state.
    """
    tokens = {lease.call_pk: lease.token for lease in leases}
    rows = _locked(tokens).values_list("pk", "call_id", "state", "lease_token")
    return {row[0]: AtHand(*row[:3]) for row in rows if row[3] == tokens[row[0]]}


def _locked(pks: Collection[int]) -> QuerySet[Call]:
    limit_lock_waits(LOCK_MS)
    # Always by ascending key: two workers that lock the same calls cannot deadlock.
    held = Call.objects.select_for_update().filter(pk__in=pks).exclude(lease_owner="")
    return held.order_by("pk")


def lease_lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"Call {lease.call_id} is no longer held by this worker.")


def clear_lease(call: Call) -> None:
    call.lease_owner, call.lease_expires_at = "", None


def extend_leases(*, owner: str, call_pks: Collection[int]) -> int:
    """Extend the leases that ``owner`` still holds on these calls. Returns how many.

    A call that another transaction has locked must not hold up the others. Nobody can claim it.
    """
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        ours = Call.objects.select_for_update(skip_locked=skip)
        ours = ours.filter(pk__in=call_pks, lease_owner=owner).order_by("pk")
        held = list(ours.values_list("pk", flat=True))
        expires_at = database_now() + timedelta(seconds=settings.AI_LEASE_SECONDS)
        return Call.objects.filter(pk__in=held).update(lease_expires_at=expires_at)
