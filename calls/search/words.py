"""Text as the words that searching goes by, the same for what is indexed and what is asked for.

This is done here, and not by the database, so that PostgreSQL and SQLite find the same: both get
words that are ready, and only keep and compare them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, get_args

from calls.redaction.kinds import Kind

WORD_LENGTH = 64
# Accents that follow the letter which they belong to.
_ACCENTS = "\u0300-\u036f"
_ACCENT = re.compile(f"[{_ACCENTS}]")
_PART = re.compile(r"[^\W_]+")
# What was removed from a transcript is no word, and nothing is said across it.
_MARKS = "|".join(get_args(Kind))
_WORD_OR_MARK = re.compile(rf"\[(?:{_MARKS})\]|(?:[^\W_][{_ACCENTS}]*)+")


class Word(NamedTuple):
    """A word in the form that is compared, and where in the text it stands: [begin, end)."""

    text: str
    begin: int
    end: int


def split(text: str) -> Iterator[Word]:
    """Yield the words of a text; an empty one stands for something that was removed.

    Case, accents and width make no difference, and whatever is neither letter nor digit ends a
    word: "don't" is two words, and "e-mail" as well.
    """
    for match in _WORD_OR_MARK.finditer(text):
        if match[0].startswith("["):
            yield Word("", *match.span())
        else:
            for part in _folded(match[0]):
                yield Word(part, *match.span())


@lru_cache(maxsize=100_000)
def _folded(word: str) -> tuple[str, ...]:
    """Return one word in its plain form: more than one for signs such as ½."""
    if word.isascii():
        return (word.lower()[:WORD_LENGTH],)
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", word.casefold()))
    # What NFKD takes apart may have to be folded once more: the sign for "TEL" is one letter.
    return tuple(part[:WORD_LENGTH] for part in _PART.findall(plain.casefold()))
