"""Finding cards and IBANs in groups, whatever sign stands between the groups.

A recogniser writes "4242? 4242? 4242? 4242?" of somebody who waits for a nod. The sign must be the
same throughout and the checksum right, so that lists of prices and years stay.
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
_OTHER = re.compile(r"[^A-Z0-9]")


def find_shapes(text: str, is_card: Callable[[str], bool]) -> Iterator[tuple[int, int, Kind, str]]:
    """Yield start, end, kind and digits of each. ``is_card`` checks the number of a card."""
    for match in _CARD.finditer(text):
        digits = re.sub(r"[^0-9]", "", match[0])
        if is_card(digits):
            yield *match.span(), "CARD", digits
    for match in _IBAN.finditer(text):
        if passes_mod97(_OTHER.sub("", match[0].upper())):
            yield *match.span(), "IBAN", ""
