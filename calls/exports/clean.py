"""Text from outside, made fit for a format in which lines or control characters mean something."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\s]+")
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def one_line(text: str) -> str:
    """Return a text without line breaks and control characters, so that it cannot pose as more."""
    return _CONTROL.sub(" ", text).strip()


def cell(value: object) -> str:
    """Return a value for a spreadsheet, which would run a text that begins like a formula."""
    if not isinstance(value, str):
        return "" if value is None else str(value)
    text = one_line(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def clock(ms: int) -> str:
    """Return a time as HH:MM:SS.mmm."""
    seconds, thousandths = divmod(max(0, ms), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"
