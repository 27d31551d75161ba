"""Finding cards, IBANs and phone numbers in groups, whatever sign stands between the groups.

A recogniser writes "4242? 4242? 4242? 4242?" of somebody who waits for a nod. The sign must be the
same throughout. The checksum must be right, or the number begin as that of a phone or be expected,
so that lists of prices and years stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from calls.redaction.ibans import passes_mod97
from calls.redaction.kinds import Kind

_SIGN = r"\s{0,2}[^\w\s]{1,3}\s{0,2}"
_CARD = re.compile(
    rf"(?<![0-9])(?:[0-9]{{4}}({_SIGN})[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{4}}"
    rf"|[0-9]{{4}}({_SIGN})[0-9]{{6}}\2[0-9]{{5}})(?![0-9])"
)
_IBAN = re.compile(
    rf"\b[A-Z]{{2}}[0-9]{{2}}({_SIGN})[A-Z0-9]{{4}}(?:\1[A-Z0-9]{{1,4}}){{2,7}}(?![A-Z0-9])",
    re.IGNORECASE,
)
# Not the signs that numbers of all kinds are written with: other rules know these.
_ODD_SIGN = r"\s{0,2}[^\w\s.,:;/'()+-]{1,3}\s{0,2}"
_PHONE = re.compile(
    rf"(?<![0-9])\+?\(?[0-9]{{1,5}}\)?[0-9]{{0,4}}({_ODD_SIGN})[0-9]{{2,8}}"
    rf"(?:\1[0-9]{{2,8}}){{1,5}}(?![0-9])"
)
_PHONE_DIGITS = range(7, 16)  # of a subscriber in a city, and of ITU-T E.164 at most
_NATIONAL_DIGITS = range(9, 16)  # dates in groups have eight
_OTHER = re.compile(r"[^A-Z0-9]")


def find_shapes(
    text: str, *, is_card: Callable[[str], bool], phone_expected_at: Callable[[int], bool]
) -> Iterator[tuple[int, int, Kind, str]]:
    """Yield start, end, kind and digits of each. ``is_card`` checks the number of a card."""
    for match in _CARD.finditer(text):
        digits = _digits(match)
        if is_card(digits):
            yield *match.span(), "CARD", digits
    for match in _IBAN.finditer(text):
        if passes_mod97(_OTHER.sub("", match[0].upper())):
            yield *match.span(), "IBAN", ""
    for match in _PHONE.finditer(text):
        digits = _digits(match)
        if match[0].startswith("+"):
            is_phone = len(digits) in _PHONE_DIGITS
        else:
            is_national = len(digits) in _NATIONAL_DIGITS and match[0].startswith(("0", "(0"))
            is_phone = is_national or (
                len(digits) in _PHONE_DIGITS and phone_expected_at(match.start())
            )
        if is_phone:
            yield *match.span(), "PHONE", digits


def _digits(match: re.Match[str]) -> str:
    return re.sub(r"[^0-9]", "", match[0])
