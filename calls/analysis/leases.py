"""A call in a worker's hands: the values that travel, the locks, and what is noted of it.

No transaction begins in here: these are the parts of those in ``ledger``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet

from calls.clock import database_now
from calls.events import AtHand
from calls.models import Call, Stage
from calls.services import MOVED_FIELDS

LEASE_FIELDS = ("lease_owner", "lease_expires_at")
WAIT_FIELDS = ("next_attempt_at", "last_error")
MOVING_FIELDS = ("call_id", "lease_token", *LEASE_FIELDS, *WAIT_FIELDS, *MOVED_FIELDS)


class LeaseLost(Exception):
    """Another worker holds the call now; what this one knows about it is of no use any more."""


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


def lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"Call {lease.call_id} is in other hands.")


def let_go(call: Call) -> None:
    call.lease_owner, call.lease_expires_at = "", None


# --- Leases -----------------------------------------------------------------------------------
def extend_leases(*, owner: str, call_pks: Collection[int]) -> None:
    """Prolong the leases that ``owner`` still holds on these calls."""
    expires_at = database_now() + timedelta(seconds=settings.AI_LEASE_SECONDS)
    Call.objects.filter(pk__in=call_pks, lease_owner=owner).update(lease_expires_at=expires_at)
