"""Finds whole words and phrases in text, regardless of case and punctuation."""

from __future__ import annotations

import re
import unicodedata

QUOTE_LENGTH = 160
_WORD = re.compile(r"[^\W_]+\*?")
# Combining marks belong to the word of the letter before them.
_INSIDE = r"[\w\u0300-\u036f]"
_BETWEEN = r"[\W_]+"


def normalise(text: str) -> str:
    """Unify full width, ligatures, accents and capitals. The length may change."""
    return unicodedata.normalize("NFKC", text.casefold())


def compile_phrases(lines: str) -> re.Pattern[str] | None:
    """Return one expression for all phrases, one per line, or None if they hold no word.

    ``cancel*`` matches every word that starts so. Search the result of ``normalise``.
    """
    found = [_WORD.findall(normalise(line)) for line in lines.splitlines()]
    phrases = [_BETWEEN.join(map(_as_expression, words)) for words in found if words]
    if not phrases:
        return None
    # The longest first: the first alternative that fits is the one that is quoted.
    phrases.sort(key=len, reverse=True)
    return re.compile(rf"(?<!{_INSIDE})(?:{'|'.join(phrases)})(?!{_INSIDE})")


def _as_expression(word: str) -> str:
    return re.escape(word[:-1]) + rf"{_INSIDE}*" if word.endswith("*") else re.escape(word)


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
