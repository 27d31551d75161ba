"""Makes text safe for formats in which lines or control characters have a meaning."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\s]+")
_NUMBER = re.compile(r"\+[0-9][0-9 ]*")
# Spreadsheets also read the full-width forms of the four signs as a formula. Tabs and carriage
# returns, which some skip before a formula, are removed as control characters.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters, so that it stays one line."""
    return _CONTROL.sub(" ", text).strip()


def cell(value: object) -> str:
    """Return a spreadsheet cell. Text that starts like a formula gets an apostrophe in front.

    A phone number does not: ``+`` and digits can run nothing.
    """
    if not isinstance(value, str):
        return "" if value is None else str(value)
    text = one_line(value)
    if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def clock(ms: int) -> str:
    """Return milliseconds as HH:MM:SS.mmm."""
    seconds, thousandths = divmod(max(0, ms), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"
