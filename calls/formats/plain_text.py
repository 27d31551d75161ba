"""Makes text from outside safe to store in any database, to show, and to send as UTF-8."""

from __future__ import annotations

import re
from typing import Any

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85]")
MARK = "\u2026"  # the end of text that was cut


def clean_text(text: str) -> str:
    """Return the text without control characters other than tab and newline.

    Halves of a character (lone surrogates) become U+FFFD. PostgreSQL stores neither them nor NUL,
    and they cannot be sent as UTF-8.
    """
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub("", _LINE_ENDS.sub("\n", text)) if _CONTROL.search(text) else text


def cut_text(text: str, most: int) -> str:
    """Return at most ``most`` characters of the text. A mark shows that it was cut."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}{MARK}"


def clean_json(value: Any) -> Any:
    """Return decoded JSON with every text in it cleaned, names too."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [clean_json(each) for each in value]
    if isinstance(value, dict):
        return {clean_text(name): clean_json(each) for name, each in value.items()}
    return value
