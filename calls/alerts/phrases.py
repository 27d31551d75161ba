"""Finds words and phrases in what was said: whole words, whatever their case and punctuation."""

from __future__ import annotations

import re
import unicodedata

QUOTE_LENGTH = 160
_WORD = re.compile(r"[^\W_]+\*?")
# Marks that sit on the letter before them belong to its word.
_INSIDE = r"[\w\u0300-\u036f]"
_BETWEEN = r"[\W_]+"


def normalise(text: str) -> str:
    """Bring full width, ligatures, accents and capitals to one form; the length may change."""
    return unicodedata.normalize("NFKC", text.casefold())


def compile_phrases(lines: str) -> re.Pattern[str] | None:
    """One expression for all phrases, one a line; None if there is no word in them.

    ``cancel*`` is every word that begins so. It matches what ``normalise`` returns.
    """
    found = [_WORD.findall(normalise(line)) for line in lines.splitlines()]
    phrases = [_BETWEEN.join(map(_as_expression, words)) for words in found if words]
    if not phrases:
        return None
    # The longest first, as the first alternative that fits is the one that is quoted.
    phrases.sort(key=len, reverse=True)
    return re.compile(rf"(?<!{_INSIDE})(?:{'|'.join(phrases)})(?!{_INSIDE})")


def _as_expression(word: str) -> str:
    return re.escape(word[:-1]) + rf"{_INSIDE}*" if word.endswith("*") else re.escape(word)


def find_phrase(expression: re.Pattern[str], text: str) -> str | None:
    """Return the words that match, as they were said but for case, on one line."""
    match = expression.search(normalise(text))
    return " ".join(match[0].split()) if match else None


def excerpt(text: str, expression: re.Pattern[str] | None = None) -> str:
    """Return one line of at most QUOTE_LENGTH characters, around the match if it is in there."""
    line = " ".join(text.split())
    if len(line) <= QUOTE_LENGTH:
        return line
    match = expression.search(normalise(line)) if expression else None
    middle = (match.start() + match.end()) // 2 if match else 0
    begin = min(max(0, middle - QUOTE_LENGTH // 2), len(line) - QUOTE_LENGTH)
    end = begin + QUOTE_LENGTH
    before, after = "…" if begin else "", "…" if end < len(line) else ""
    return f"{before}{line[begin:end].strip()}{after}"
