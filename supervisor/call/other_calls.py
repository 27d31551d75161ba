"""The other calls of the same customer: calls from and to the same number."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse

from calls.holds.customers import customer_of, is_nobody
from calls.holds.services import mark_held
from calls.models import Call
from calls.visibility import in_sight
from supervisor.phases import Phase, phase_of

SHOWN = 5


@dataclass(frozen=True)
class OtherCalls:
    """The newest other calls of a customer, newest first."""

    number: str
    calls: list[Call]
    are_more: bool = False

    @property
    def rows(self) -> list[tuple[Call, Phase]]:
        return [(call, phase_of(call)) for call in self.calls]

    @property
    def address(self) -> str:
        """The wallboard with all calls that have this number."""
        return f"{reverse('supervisor:board')}?{urlencode({'q': self.number})}"


def read_other_calls(call: Call) -> OtherCalls | None:
    """Return them, or None if the customer is not known.

    Two queries, each along an index and no further than SHOWN calls. One query with OR would read
    all calls of a number that thousands come from, such as that of a switchboard. SQLite takes
    the indexes only for queries that repeat their condition.
    """
    number = customer_of(call)
    if not number or is_nobody(number):
        return None
    outbound = Call.Direction.OUTBOUND
    found = [
        *_newest(Call.objects.filter(~Q(caller=""), ~Q(direction=outbound), caller=number), call),
        *_newest(Call.objects.filter(~Q(callee=""), callee=number, direction=outbound), call),
    ]
    found.sort(key=lambda each: each.pk, reverse=True)
    mark_held(found[:SHOWN])
    return OtherCalls(number, found[:SHOWN], are_more=len(found) > SHOWN)


def _newest(calls: QuerySet[Call], besides: Call) -> QuerySet[Call]:
    return in_sight(calls).exclude(pk=besides.pk).order_by("-id")[: SHOWN + 1]
