"""Splitting text into normalised words, in the same way for the index and for queries.

The databases do not do this themselves, so that PostgreSQL and SQLite find the same calls: both
only store and compare finished words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, get_args

from calls.redaction.kinds import Kind

WORD_LENGTH = 64
# Combining accents, which follow their letter.
_ACCENTS = "\u0300-\u036f"
_ACCENT = re.compile(f"[{_ACCENTS}]")
_PART = re.compile(r"[^\W_]+")
# A redaction placeholder is not a word, and no phrase spans it.
_MARKS = "|".join(get_args(Kind))
_WORD_OR_MARK = re.compile(rf"\[(?:{_MARKS})\]|(?:[^\W_][{_ACCENTS}]*)+")


class StoredWord(NamedTuple):
    """A normalised word and its position in the text: [begin, end)."""

    text: str
    begin: int
    end: int


def split(text: str) -> Iterator[StoredWord]:
    """Yield the words of a text. An empty word stands for a redaction.

    Case, accents and width are ignored. Everything that is neither a letter nor a digit ends a
    word: "don't" and "e-mail" are two words each.
    """
    for match in _WORD_OR_MARK.finditer(text):
        if match[0].startswith("["):
            yield StoredWord("", *match.span())
        else:
            for part in _folded(match[0]):
                yield StoredWord(part, *match.span())


# The same words are said again and again. The size bounds the memory.
@lru_cache(maxsize=100_000)
def _folded(word: str) -> tuple[str, ...]:
    """Return the normalised form of a word. A sign such as ½ yields several words."""
    if word.isascii():
        return (word.lower()[:WORD_LENGTH],)
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", word.casefold()))
    # NFKD may yield text that needs folding again: the sign for "TEL" is a single character.
    return tuple(part[:WORD_LENGTH] for part in _PART.findall(plain.casefold()))
