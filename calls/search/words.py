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
from unicodedata import category

from calls.redaction.kinds import Kind

WORD_LENGTH = 64
# Accents, Hebrew points and Arabic vowel signs may be written or left out, and so may the Arabic
# sign that lengthens a line. Vowel signs of other scripts are parts of their words.
_OPTIONAL = (
    "\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
)
_OPTIONAL_SIGN = re.compile(f"[{_OPTIONAL}]")
# Thai, Lao, Burmese, Khmer, Japanese and Chinese are written without spaces between words.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
_IS_UNSPACED = re.compile(f"[{UNSPACED}]")


def _combining() -> str:
    """Return the signs that belong to the letter before them, as ranges of an expression."""
    signs = [code for code in range(0x300, 0x12000) if category(chr(code)) in ("Mn", "Mc")]
    begins = [code for code in signs if category(chr(code - 1)) not in ("Mn", "Mc")]
    ends = [code for code in signs if category(chr(code + 1)) not in ("Mn", "Mc")]
    return "".join(f"{chr(a)}-{chr(b)}" for a, b in zip(begins, ends, strict=True))


# The voiced marks of half-width katakana are letters by their category.
_SIGNS = rf"[{_OPTIONAL}{_combining()}\uff9e\uff9f]*"
_LETTER = r"[^\W_]"
# A letter of a script without spaces is a word of its own. Others combine into words.
_WORD = rf"(?=[{UNSPACED}]){_LETTER}{_SIGNS}|(?:(?![{UNSPACED}]){_LETTER}{_SIGNS})+"
_PART = re.compile(_WORD)
# A redaction placeholder is not a word, and no phrase spans it.
_MARKS = "|".join(get_args(Kind))
_WORD_OR_MARK = re.compile(rf"\[(?:{_MARKS})\]|{_WORD}")


class StoredWord(NamedTuple):
    """A normalised word and its position in the text: [begin, end)."""

    text: str
    begin: int
    end: int


def split(text: str) -> Iterator[StoredWord]:
    """Yield the words of a text. An empty word stands for a redaction.

    Case, accents and width are ignored. Everything that is neither a letter nor a digit ends a
    word: "don't" and "e-mail" are two words each. In scripts without spaces each letter is a word,
    so that a word of several letters is found as a phrase, wherever it stands in a sentence.
    """
    for match in _WORD_OR_MARK.finditer(text):
        if match[0].startswith("["):
            yield StoredWord("", *match.span())
        else:
            for part in _folded(match[0]):
                yield StoredWord(part, *match.span())


def is_unspaced(word: str) -> bool:
    """Whether the word is a letter of a script that is written without spaces."""
    return bool(_IS_UNSPACED.match(word))


# The same words come up again and again. The size bounds the memory.
@lru_cache(maxsize=100_000)
def _folded(word: str) -> tuple[str, ...]:
    """Return the normalised form of a word. A sign such as ½ yields several words."""
    if word.isascii():
        return (word.lower()[:WORD_LENGTH],)
    plain = _OPTIONAL_SIGN.sub("", unicodedata.normalize("NFKD", word.casefold()))
    # NFKD may yield text that needs folding again: the sign for "TEL" is a single character. NFC
    # joins signs that are not accents: the syllables of Korean, and the voiced marks of kana.
    plain = unicodedata.normalize("NFC", plain.casefold())
    return tuple(part[:WORD_LENGTH] for part in _PART.findall(plain))
