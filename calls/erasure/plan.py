"""Which calls an erasure concerns, and what keeps some of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from calls.audit.pseudonyms import pseudonym
from calls.holds.customers import customer_of, normal_number
from calls.holds.services import find_holds
from calls.lifecycle import CallState
from calls.models import Call, LegalHold, Packet, Recording

AT_ONCE = 2_000
# A worker or a sender still writes to these. They are erased as soon as they are over.
BUSY = (CallState.IN_PROGRESS, CallState.PROCESSING_AI)


@dataclass
class Plan:
    """What an erasure would do. ``call_ids`` are all its calls, also those that it must wait for.

    ``unknown`` are ids that no call has.
    """

    call_ids: list[str] = field(default_factory=list)
    busy: int = 0
    packets: int = 0
    recordings: int = 0
    held: dict[str, LegalHold] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return len(self.call_ids)

    @property
    def to_erase(self) -> int:
        return self.calls - len(self.held)


def make_plan(*, call_ids: Collection[str], numbers: Collection[str]) -> Plan:
    """Look up what would be erased. Changes nothing."""
    plan = Plan()
    seen: set[int] = set()
    for calls in _chosen(call_ids, numbers):
        new = [call for call in calls if call.pk not in seen]
        seen.update(call.pk for call in new)
        _add(plan, new)
    found = set(plan.call_ids)
    plan.unknown = [call_id for call_id in dict.fromkeys(call_ids) if call_id not in found]
    return plan


def _add(plan: Plan, calls: list[Call]) -> None:
    holds = find_holds(calls)
    plan.call_ids += [call.call_id for call in calls]
    plan.held |= {call.call_id: holds[call.pk] for call in calls if call.pk in holds}
    plan.busy += sum(call.state in BUSY for call in calls)
    pks = [call.pk for call in calls]
    plan.packets += Packet.objects.filter(stream__call__in=pks).count()
    plan.recordings += Recording.objects.filter(call__in=pks).count()


def _chosen(call_ids: Collection[str], numbers: Collection[str]) -> Iterator[list[Call]]:
    wanted = list(dict.fromkeys(call_ids))
    for start in range(0, len(wanted), AT_ONCE // 4):
        yield list(Call.objects.filter(call_id__in=wanted[start : start + AT_ONCE // 4]))
    if numbers:
        yield from calls_of(set(numbers))


def calls_of(numbers: set[str]) -> Iterator[list[Call]]:
    """Yield the calls whose customer has one of these numbers, in any spelling."""
    return _scan(
        Call.objects.filter(~Q(caller="") | ~Q(callee="")),
        lambda call: normal_number(customer_of(call)) in numbers,
    )


def calls_in_ledger(
    call_digests: dict[str, datetime], number_digests: dict[str, datetime]
) -> Iterator[list[Call]]:
    """Yield the calls that were erased before and are back. The digests map to the newest erasure.

    A call that began after its erasure is a new one, which nobody asked to erase.
    """

    def was_erased(call: Call) -> bool:
        number = normal_number(customer_of(call))
        erased = (call_digests.get(pseudonym(call.call_id)), number_digests.get(pseudonym(number)))
        return any(at is not None and call.opened_at <= at for at in erased)

    return _scan(Call.objects.all(), was_erased)


def _scan(calls: QuerySet[Call], is_wanted: Callable[[Call], bool]) -> Iterator[list[Call]]:
    """Read calls in portions, by key. No index knows the spellings of a number."""
    last: int = 0
    fields: tuple[Any, ...] = ("call_id", "caller", "callee", "direction", "state", "opened_at")
    while rows := list(calls.filter(pk__gt=last).only(*fields).order_by("pk")[:AT_ONCE]):
        if found := [call for call in rows if is_wanted(call)]:
            yield found
        last = rows[-1].pk
