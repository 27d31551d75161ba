"""Finds whole words and phrases in text, regardless of case and punctuation."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from calls.search.words import UNSPACED, is_unspaced

QUOTE_LENGTH = 160
_WORD = re.compile(r"[^\W_]+\*?")
# Combining marks belong to the word of the letter before them. Scripts without spaces have no
# words that could be inside one another.
_MARKS = r"\u0300-\u036f"
_INSIDE = rf"(?:(?![{UNSPACED}_])[\w{_MARKS}])"
_NOT_BEHIND, _NOT_BEFORE = f"(?<!{_INSIDE})", f"(?!{_INSIDE})"
# No sign is both inside and between words: a long run of it would be tried in every split.
_BETWEEN = rf"(?:(?![{_MARKS}])[\W_])+"


def normalise(text: str) -> str:
    """Unify full width, ligatures, accents and capitals. The length may change."""
    return unicodedata.normalize("NFKC", text.casefold())


def compile_phrases(lines: str) -> re.Pattern[str] | None:
    """Return one expression for all phrases, one per line, or None if they hold no word.

    ``cancel*`` matches every word that starts so. Search the result of ``normalise``. In scripts
    without spaces, a phrase is found anywhere in a sentence.
    """
    found = [_WORD.findall(normalise(line)) for line in lines.splitlines()]
    # The longest first: the first alternative that fits is the one that is quoted.
    phrases = sorted(filter(None, found), key=lambda words: len(" ".join(words)), reverse=True)
    if not phrases:
        return None
    # The borders of ordinary phrases are checked once for all of them: there may be hundreds.
    plain = [words for words in phrases if not (_begins_anywhere(words) or _ends_anywhere(words))]
    parts = [_with_borders(words) for words in phrases if words not in plain]
    if plain:
        parts.append(f"{_NOT_BEHIND}(?:{'|'.join(map(_phrase, plain))}){_NOT_BEFORE}")
    return re.compile("|".join(parts))


def _begins_anywhere(words: Sequence[str]) -> bool:
    return is_unspaced(words[0])


def _ends_anywhere(words: Sequence[str]) -> bool:
    return is_unspaced(words[-1].rstrip("*")[-1])


def _with_borders(words: Sequence[str]) -> str:
    begin = "" if _begins_anywhere(words) else _NOT_BEHIND
    return f"{begin}{_phrase(words)}{'' if _ends_anywhere(words) else _NOT_BEFORE}"


def _phrase(words: Sequence[str]) -> str:
    return _BETWEEN.join(map(_as_expression, words))


def _as_expression(word: str) -> str:
    stem = re.escape(word.rstrip("*"))
    is_open = word.endswith("*") and not _ends_anywhere([word])
    return rf"{stem}{_INSIDE}*" if is_open else stem


def find_phrase(expression: re.Pattern[str], text: str) -> str | None:
    """Return the matching words on one line, normalised."""
    match = expression.search(normalise(text))
    return " ".join(match[0].split()) if match else None


def excerpt(text: str, expression: re.Pattern[str] | None = None) -> str:
    """Return one line of at most QUOTE_LENGTH characters, around the match if there is one."""
    line = " ".join(text.split())
    if len(line) <= QUOTE_LENGTH:
        return line
    # Positions in the normalised line may be slightly off, which does not matter to an excerpt.
    match = expression.search(normalise(line)) if expression else None
    middle = (match.start() + match.end()) // 2 if match else 0
    begin = min(max(0, middle - QUOTE_LENGTH // 2), len(line) - QUOTE_LENGTH)
    end = begin + QUOTE_LENGTH
    before, after = "…" if begin else "", "…" if end < len(line) else ""
    return f"{before}{line[begin:end].strip()}{after}"
