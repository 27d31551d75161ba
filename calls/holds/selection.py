"""Finds the calls on hold in the database. ``services.find_holds`` says what keeps given calls."""

from __future__ import annotations

from functools import reduce
from typing import Any

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Lower, Replace, Trim

from calls.models import Call, LegalHold

_SCHEMES = ("", "sip:", "sips:", "tel:", "sip://", "sips://", "tel://")
# What people and devices write between the digits of a number.
_SEPARATORS = " ()./-\u00a0\u2010\u2011\u2012\u2013\u2014\u2015"


def on_hold() -> Q:
    """Match calls that a hold keeps: their own, or one on their customer. Asks for the latter.

    Without a hold on a customer, an index finds the calls. Otherwise, no index knows the spellings
    of a number, so the database looks at every call.
    """
    active = LegalHold.objects.active().order_by()
    found = Q(pk__in=active.filter(call__isnull=False).values("call"))
    if numbers := list(active.filter(call=None).values_list("number", flat=True)):
        found |= Q(pk__in=_of_customers(numbers).values("pk"))
    return found


def _of_customers(numbers: list[str]) -> QuerySet[Call]:
    """Return the calls whose customer has one of these numbers, which are in their normal form."""
    calls = Call.objects.alias(
        caller_name=Lower(Trim("caller")),
        callee_name=Lower(Trim("callee")),
        caller_digits=_without_separators("caller"),
        callee_digits=_without_separators("callee"),
    )
    outbound = Q(direction=Call.Direction.OUTBOUND)
    caller, callee = _is_one_of("caller", numbers), _is_one_of("callee", numbers)
    return calls.filter((outbound & callee) | (~outbound & caller)).order_by()


def _is_one_of(party: str, numbers: list[str]) -> Q:
    """The same as a comparison of ``customers.normal_number`` of the party."""
    names = [f"{scheme}{name}" for name in numbers for scheme in _SCHEMES if not name.isdigit()]
    found = Q(**{f"{party}_name__in": names})
    if digits := [number for number in numbers if number.isdigit()]:
        pattern = rf"^(sips?:|tel:)?(\+|00)?({'|'.join(digits)})([@;].*)?$"
        found |= Q(**{f"{party}_digits__iregex": pattern})
    return found


def _without_separators(field: str) -> Any:
    start: Any = F(field)
    return reduce(lambda text, sign: Replace(text, Value(sign)), _SEPARATORS, start)
