"""Normalises words, so that written scripts and recognised speech can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator

_UNIT_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_TEN_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNITS = {word: value for value, word in enumerate(_UNIT_WORDS.split())}
_TENS = {word: 10 * value for value, word in enumerate(_TEN_WORDS.split(), start=2)}
_ORDINALS = {"first": "1st", "second": "2nd", "third": "3rd", "thirtieth": "30th"}
_SIGNS = {"%": "percent", "£": "pound", "$": "dollars"}


def normalised(text: str) -> str:
    """Return lower case without punctuation, with one token per digit and signs as words."""
    text = text.lower().replace("okay", "ok").replace("@", " at ")
    text = re.sub(r"([£$])(\d+)", lambda sign: f"{sign[2]} {_SIGNS[sign[1]]}", text)
    text = text.replace("%", " percent")
    text = re.sub(r"(?<=[a-z])\.(?=[a-z])", " dot ", text)
    words = re.findall(r"[a-z0-9']+", text)
    return " ".join(token for word in _with_digits(words) for token in word)


def _with_digits(words: list[str]) -> Iterator[list[str]]:
    tens = 0
    # The empty word at the end flushes a last "twenty".
    for word in [*words, ""]:
        if tens and 1 <= _UNITS.get(word, 0) <= 9:
            yield list(str(tens + _UNITS[word]))
            tens = 0
            continue
        if tens:
            yield list(str(tens))
        tens = _TENS.get(word, 0)
        if word in _UNITS:
            yield list(str(_UNITS[word]))
        elif word and not tens:
            yield list(word) if word.isdecimal() else [_ORDINALS.get(word, word)]
