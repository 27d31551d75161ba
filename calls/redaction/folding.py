"""A plain copy of a text, in which personal data is looked for, and the way back to the original.

One number has many spellings: with typographic dashes, invisible characters, digits of other
scripts. The copy has one spelling for all of them, so that no rule has to know the others.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# Signs that separate groups of digits like a dash, and are not in the category of dashes.
_DASHES = frozenset(
    "\u2212\u00b7\u2022\u2219\u22c5\u2043\u02d7\u207b\u208b\u2500\u2501\u30fb\uff65"
)
_SLASHES = frozenset("\u2044\u2215\u29f8")
_QUOTES = frozenset("\u2018\u2019\u02bc\u2032\u00b4")
_BLANKS = frozenset("\u2800\u115f\u1160\u3164\uffa0")
_STOPS = {"\u3002": ".", "\u3001": ",", "\u060c": ",", "\u066b": ".", "\u066c": ",", "\u061f": "?"}
# Letters that Unicode does not decompose.
_LETTERS = {"\u00df": "ss", "\u1e9e": "SS", "\u00f8": "o", "\u00d8": "O", "\u0142": "l"}
_PLAIN = {
    **dict.fromkeys(_DASHES, "-"),
    **dict.fromkeys(_SLASHES, "/"),
    **dict.fromkeys(_QUOTES, "'"),
    **dict.fromkeys(_BLANKS, " "),
    **_STOPS,
    **_LETTERS,
    "\u2026": "\u2026",
}
_BY_CATEGORY = {"Pd": "-", "Zs": " ", "Zl": " ", "Zp": " ", "Cf": "", "Mn": "", "Me": ""}


@dataclass(frozen=True, slots=True)
class Folded:
    """A plain copy. ``places`` holds the position in the original of each of its characters."""

    text: str
    places: Sequence[int]
    length: int

    def original(self, begin: int, end: int) -> tuple[int, int]:
        """Return the positions in the original of [begin, end) of the copy.

        Characters without a copy, such as a joiner, belong to the character before them.
        """
        after = self.places[end] if end < len(self.places) else self.length
        return self.places[begin], max(after, self.places[end - 1] + 1)


def fold(text: str) -> Folded:
    """Return a copy with plain dashes, spaces, digits and letters, and no invisible signs."""
    if text.isascii() and text.isprintable():
        return Folded(text, range(len(text)), len(text))
    signs: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        # "m\u00b2" is a unit, but "\u2070\u2076" are digits.
        plain = sign if signs and _is_exponent(sign, signs[-1]) else _plain(sign)
        signs += plain
        places += [place] * len(plain)
    return Folded("".join(signs), places, len(text))


def rewrite(text: str, signs: Sequence[tuple[re.Pattern[str], str]]) -> Folded:
    """Return a copy in which each match of a pattern is replaced by its sign."""
    places: Sequence[int] = range(len(text))
    length = len(text)
    for pattern, sign in signs:
        if pattern.search(text):
            text, places = _replaced(text, places, pattern, sign)
    return Folded(text, places, length)


def _replaced(
    text: str, places: Sequence[int], pattern: re.Pattern[str], sign: str
) -> tuple[str, list[int]]:
    parts: list[str] = []
    kept: list[int] = []
    end = 0
    for match in pattern.finditer(text):
        parts += [text[end : match.start()], sign]
        kept += [*places[end : match.start()], *([places[match.start()]] * len(sign))]
        end = match.end()
    return "".join([*parts, text[end:]]), [*kept, *places[end:]]


def _is_exponent(sign: str, before: str) -> bool:
    return before.isalpha() and not sign.isdecimal() and sign.isdigit()


@lru_cache(maxsize=4096)
def _plain(sign: str) -> str:
    if sign in _PLAIN:
        return _PLAIN[sign]
    category = unicodedata.category(sign)
    if category in _BY_CATEGORY:
        return _BY_CATEGORY[category]
    if category == "Cc":
        return sign if sign.isspace() else ""
    if sign.isdigit():
        return str(unicodedata.digit(sign))
    bare = "".join(
        each for each in unicodedata.normalize("NFKD", sign) if unicodedata.category(each) != "Mn"
    )
    plain = bare if bare.isascii() else unicodedata.normalize("NFKC", sign)
    # A fraction has digits of its own: one and a half is not 112.
    return sign if any(each.isdigit() for each in plain) and not sign.isdigit() else plain
