"""Sets, releases and checks legal holds. Whatever deletes calls asks here first."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from calls import events
from calls.audit.actors import find_actor
from calls.audit.record import record_audit
from calls.events.annotations import HoldReleased, HoldSet
from calls.holds.customers import customer_of, is_nobody, normal_number
from calls.models import REASON_LENGTH, AuditAction, Call, LegalHold
from calls.services import lock_call

HOLD = "calls.hold_call"
NAME_LENGTH = 150
SHORTEST_NUMBER = 3


class HoldRefused(Exception):
    """The hold breaks a rule, which the message names."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class NotHeld(Exception):
    """There is no hold to release."""


class OnHold(Exception):
    """The call must not be deleted."""

    def __init__(self, call: Call, hold: LegalHold) -> None:
        what = "is" if hold.call_id else "is, with all calls of its customer,"
        since = f"since {hold.set_at:%Y-%m-%d} by {hold.set_by or 'somebody'}"
        super().__init__(f"Call {call.call_id} {what} on legal hold {since}: {hold.reason}")
        self.hold = hold


def set_hold(*, call_id: str, reason: str, by: str = "") -> LegalHold:
    """Keep a call from deletion. With another reason, the new hold replaces the old one.

    Raises CallNotFound, and HoldRefused if the reason is empty or too long.
    """
    why = read_reason(reason)
    with transaction.atomic():
        # Whatever deletes the call locks it, too: one of the two comes first.
        call = lock_call(call_id)
        if call.deleting_since is not None:
            since = f"{call.deleting_since:%Y-%m-%d %H:%M}"
            raise HoldRefused("call_id", f"This call has been in deletion since {since}.")
        hold, is_new = _place(why, by, call=call)
        if is_new:
            events.append([(call, HoldSet(by=by))], at=hold.set_at)
    return hold


def release_hold(*, call_id: str, by: str = "") -> LegalHold:
    """Let a call be deleted again. Raises CallNotFound, and NotHeld if it is not on hold."""
    with transaction.atomic():
        call = lock_call(call_id)
        hold = LegalHold.objects.active().filter(call=call).first()
        if hold is None:
            raise NotHeld(_why_not(call))
        _release(hold, by)
        _announce_release(hold, by)
    return hold


def _why_not(call: Call) -> str:
    if find_hold(call) is None:
        return f"Call {call.call_id} is not on legal hold."
    return f"Call {call.call_id} has no hold of its own: all calls of its customer are on hold."


def hold_customer(*, number: str, reason: str, by: str = "") -> LegalHold:
    """Keep every call of a customer from deletion, including future ones."""
    wanted, why = read_number(number), read_reason(reason)
    with transaction.atomic():
        _lock_table("SHARE ROW EXCLUSIVE")
        return _place(why, by, number=wanted)[0]


def _place(reason: str, by: str, **target: Any) -> tuple[LegalHold, bool]:
    """Set a hold instead of an earlier one. Returns it, and whether it is new."""
    before = LegalHold.objects.active().filter(**target).first()
    if before is not None:
        if before.reason == reason:
            return before, False
        _release(before, by)
    hold = LegalHold.objects.create(**target, reason=reason, set_by=by[:NAME_LENGTH])
    _audit(AuditAction.HOLD, hold, by)
    return hold, True


def release(hold: LegalHold, *, by: str = "") -> None:
    """Release any hold. Raises NotHeld if it was already released."""
    with transaction.atomic():
        own = LegalHold.objects.active().select_for_update().filter(pk=hold.pk).first()
        if own is None:
            raise NotHeld("This hold has already been released.")
        _release(own, by)
        _announce_release(own, by)


def _release(hold: LegalHold, by: str) -> None:
    hold.released_at, hold.released_by = timezone.now(), by[:NAME_LENGTH]
    hold.save(update_fields=["released_at", "released_by"])
    _audit(AuditAction.RELEASE, hold, by)


def _announce_release(hold: LegalHold, by: str) -> None:
    if hold.call is not None and hold.released_at is not None:
        events.append([(hold.call, HoldReleased(by=by))], at=hold.released_at)


def _audit(action: AuditAction, hold: LegalHold, by: str) -> None:
    record_audit(
        action,
        call_id=hold.call.call_id if hold.call else "",
        object_kind="legal hold",
        object_id=hold.pk,
        details={"of": "call" if hold.call else "customer"},
        actor=find_actor(by),
    )


def read_reason(reason: str) -> str:
    why = " ".join(reason.replace("\0", " ").split())
    if not 0 < len(why) <= REASON_LENGTH:
        raise HoldRefused("reason", f"A reason has 1 to {REASON_LENGTH} characters.")
    return why


def read_number(number: str) -> str:
    """Return a number in its normal form. Raises HoldRefused."""
    wanted = normal_number(number.replace("\0", ""))
    if not SHORTEST_NUMBER <= len(wanted) <= 200:
        raise HoldRefused("number", f"A number has {SHORTEST_NUMBER} to 200 characters.")
    if is_nobody(wanted):
        raise HoldRefused("number", "Callers who withhold their number cannot be told apart.")
    return wanted


def is_on_hold(call: Call) -> bool:
    """Whether the call has a hold of its own. Asks the database once for each object."""
    return call.own_hold is not None


def find_hold(call: Call) -> LegalHold | None:
    """Return the hold that keeps a call, its own before that of its customer."""
    hold = find_holds([call]).get(call.pk)
    # The object need not ask for it again.
    vars(call)["own_hold"] = hold if hold is not None and hold.call_id else None
    return hold


def find_holds(calls: Collection[Call]) -> dict[int, LegalHold]:
    """Return the holds that keep these calls, by the keys of the calls. One query."""
    own = Q(call__in=[call.pk for call in calls])
    holds = list(LegalHold.objects.active().filter(own | Q(call=None)))
    of_calls = {hold.call_id: hold for hold in holds if hold.call_id}
    of_customers = {hold.number: hold for hold in holds if not hold.call_id}
    found = {}
    for call in calls:
        hold = of_calls.get(call.pk)
        if hold is None and of_customers:
            hold = of_customers.get(normal_number(customer_of(call)))
        if hold is not None:
            found[call.pk] = hold
    return found


def mark_held(calls: Collection[Call]) -> None:
    """Set ``kept_by`` of each call to the hold that keeps it. One query."""
    holds = find_holds(calls) if calls else {}
    for call in calls:
        call.kept_by = holds.get(call.pk)


def check_deletable(call: Call) -> None:
    """Raise OnHold if a locked call must not be deleted. Call in the transaction that deletes it.

    The lock on the call keeps holds on the call away until the commit. This one keeps those on
    its customer away.
    """
    _lock_table("SHARE")
    if call.deleting_since is None and (hold := find_hold(call)):
        raise OnHold(call, hold)


def _lock_table(mode: str) -> None:
    # SQLite has one writer, which has begun its transaction with the lock.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE calls_legalhold IN {mode} MODE")
