"""Who the customer of a call is, and when two spellings are the same number."""

from __future__ import annotations

import re

from calls.models import Call

# What carriers send instead of a number that the customer withholds.
NOBODY = ("anonymous", "private", "restricted", "unavailable", "unknown", "withheld")
_SCHEME = re.compile(r"(?:sips?|tel):(?://)?", re.IGNORECASE)
_PHONE = re.compile(r"[+0-9 ()./\-\u00a0\u2010-\u2015]+")


def customer_of(call: Call) -> str:
    """Return the customer's number or name: the callee if outbound, or else the caller."""
    return call.callee if call.direction == Call.Direction.OUTBOUND else call.caller


def is_nobody(number: str) -> bool:
    return any(word in number.lower() for word in NOBODY)


def normal_number(text: str) -> str:
    """Return the digits of a number, so that its spellings are equal; of a name, lower case.

    ``+49 30 1234``, ``0049301234``, ``tel:+49-30-1234`` and ``sip:+49301234@example.com`` are the
    same. A national number is not: nobody knows its country.
    """
    plain = _SCHEME.sub("", text.strip(), count=1)
    user = plain.partition("@")[0].partition(";")[0].strip()
    if not _PHONE.fullmatch(user):
        return " ".join(plain.casefold().split())
    digits = re.sub(r"\D", "", user)
    return digits.removeprefix("00") if not user.lstrip().startswith("+") else digits
