"""Reading numbers as people say them and recognisers write them: tokens, and runs of digits.

"4-5-3-2", "four five three two", "double two", "forty five thirty two" and mixtures all
become digits with their position in the text. ``personal_data`` decides which ones are personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(r"\d+|[^\W\d_]+(?:['\u2019][^\W\d_]+)?|[^\s\w]|_")
_UNITS = {
    "zero": "0", "nought": "0", "naught": "0", "nil": "0", "one": "1", "two": "2", "three": "3",
    "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "niner": "9",
}  # fmt: skip
_TEENS = {
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
}  # fmt: skip
_TENS = {
    "twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6",
    "seventy": "7", "eighty": "8", "ninety": "9",
}  # fmt: skip
_REPEATS = {"double": 1, "triple": 2, "treble": 2}
_ZERO_LETTERS = frozenset({"oh", "o"})
_NUMBER_WORDS = frozenset({*_UNITS, *_TEENS, *_TENS, *_REPEATS})
_SAYING_DIGITS = _NUMBER_WORDS | _ZERO_LETTERS | {"hundred"}
_JOINTS = frozenset("-,./():;+#*_ \u2026|~'\\[]{}<>")
# Between the letters and digits of one code.
LETTER_JOINTS = frozenset("-,. ")
_FILLERS = frozenset(
    {"uh", "um", "er", "erm", "ah", "hm", "dash", "hyphen", "space", "slash", "stroke", "comma"}
)
# These also separate two quantities, so they join only parts that are surely one number.
_LOOSE_FILLERS = frozenset(
    {"and", "then", "next", "for", "to", "too", "due", "dot", "point", "of", "the", "it's", "so"}
    | {"double", "triple", "treble", "hundred"}
)
_MAX_FILLERS = 3
_READ_OUT = 4  # times of day have three: "seven oh four"
# If a long number is expected, one or two words inside it are most likely misheard digits...
_MAX_MISHEARD = 2
# ...unless they announce the next number.
_ANNOUNCING = frozenset(
    {"account", "card", "code", "pin", "phone", "mobile", "expiry", "expires", "security", "sort"}
    | {"routing", "number", "is", "was"}
)
# Amounts, times of day and ordinals are never part of a longer number.
_AMOUNT = r"""
    [$£€]\s?(?:\d{1,3}(?:[,']\d{3})+|\d{1,7})(?:\.\d{1,2})?(?![\d,]*\d)
    | (?<![\d.,])\d{1,4}\.\d\d(?![.]?\d)
    | (?<![\d:])(?:[01]?\d|2[0-3]):[0-5]\d(?![\d:])
    | \b\d{1,3}(?:st|nd|rd|th)\b
"""
_DATE = r"""
    (?<![\d/.-])\d{1,2}([/.-])\d{1,2}\1(?:19|20)?\d\d(?![/.-]?\d)
    | (?<![\d/.-])(?:19|20)\d\d-\d\d-\d\d(?![/.-]?\d)
"""
# An amount or a date that stands among further digits is part of their number.
_CHAIN_BEFORE = re.compile(r"(?:\d{1,20}[ ./()_|~-]{1,3}){1,10}$")
_CHAIN_AFTER = re.compile(r"(?:[ ./()_|~-]{1,3}\d{1,20}){1,10}")
_CHAIN_REACH = 60
_PART_OF_NUMBER = 4
_HARMLESS_ALONE = re.compile(_AMOUNT, re.VERBOSE | re.IGNORECASE)
_HARMLESS = re.compile(f"{_AMOUNT}|{_DATE}", re.VERBOSE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Token:
    """``digits`` holds the digits that the token stands for, empty if none."""

    begin: int
    end: int
    word: str
    digits: str = ""


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Tokens [first, last] read as one number; ``begin`` and ``end`` are positions in the text."""

    first: int
    last: int
    begin: int
    end: int
    digits: str


@lru_cache(maxsize=16)
def tokenize(text: str) -> tuple[Token, ...]:
    """Cut a text into words (lower case), numbers and single signs, with their digits.

    Cached, because several rules look at the same turn one after the other.
    """
    words = [(match.start(), match.end(), match[0].lower()) for match in _TOKEN.finditer(text)]
    plain = [word for _, _, word in words]
    return tuple(
        Token(begin, end, word, _digits(plain, place))
        for place, (begin, end, word) in enumerate(words)
    )


def has_digits(tokens: Sequence[Token]) -> bool:
    return any(token.digits for token in tokens)


def find_runs(
    text: str, tokens: Sequence[Token], *, skip_harmless: bool, loose: bool
) -> list[DigitRun]:
    """Return the runs of digits of a text in order.

    ``skip_harmless`` leaves out amounts, times and dates; ``loose`` also joins over words such
    as "and" and over one or two misheard words. Use it only if a long number is expected.
    """
    if not has_digits(tokens):
        return []
    harmless = _harmless_places(text) if skip_harmless else set()
    runs: list[DigitRun] = []
    for place, token in enumerate(tokens):
        if not token.digits or token.begin in harmless:
            continue
        single = DigitRun(place, place, token.begin, token.end, token.digits)
        if runs and (
            _joins(tokens, runs[-1], single, loose)
            or (loose and _misheard_between(tokens, runs[-1], single))
        ):
            runs[-1] = _joined(runs[-1], single)
        else:
            runs.append(single)
    return _merge_long(tokens, runs)


def is_harmless(written: str, before: str) -> bool:
    """Return whether a run, together with the text before it, is an amount or a time of day."""
    sign = before.rstrip()[-1:]
    return _HARMLESS_ALONE.fullmatch(sign + written if sign in "$£€" else written) is not None


def _harmless_places(text: str) -> set[int]:
    matches = list(_HARMLESS.finditer(text))
    all_places = {place for match in matches for place in range(*match.span())}
    return {
        place
        for match in matches
        if _other_digits_beside(text, match, all_places) < _PART_OF_NUMBER
        for place in range(*match.span())
    }


def _other_digits_beside(text: str, match: re.Match[str], harmless: set[int]) -> int:
    """Count the digits that only separators part from this amount or date, on both sides."""
    before = _CHAIN_BEFORE.search(text, max(0, match.start() - _CHAIN_REACH), match.start())
    after = _CHAIN_AFTER.match(text, match.end(), match.end() + _CHAIN_REACH)
    return sum(
        text[place].isdigit() and place not in harmless
        for chain in (before, after)
        if chain is not None
        for place in range(*chain.span())
    )


def _digits(words: Sequence[str], place: int) -> str:
    word = words[place]
    if word[0].isdigit():
        return word
    if word not in _SAYING_DIGITS:
        return ""
    after = words[place + 1 : place + 3]
    if word in _REPEATS:
        return _unit([each for each in after if each != ","][:1]) * _REPEATS[word]
    if word in _TENS:
        return _TENS[word] + ("" if _unit_follows(after) else "0")
    if word == "hundred":
        before = [each for each in words[max(0, place - 2) : place] if each != ","]
        return "00" if _unit(before[-1:]) else ""
    if word in _ZERO_LETTERS:
        return "0" if _beside_number(words, place) else ""
    return _UNITS.get(word) or _TEENS.get(word, "")


def _unit(words: Sequence[str]) -> str:
    """Return the digit that the first of these words stands for, or an empty string."""
    if not words:
        return ""
    if words[0] in _ZERO_LETTERS:
        return "0"
    return words[0] if re.fullmatch(r"\d", words[0]) else _UNITS.get(words[0], "")


def _unit_follows(after: Sequence[str]) -> bool:
    following = after[1:] if after[:1] == ["-"] else after[:1]
    return bool(following) and _UNITS.get(following[0], "0") != "0"


def _beside_number(words: Sequence[str], place: int) -> bool:
    """Return whether an "oh" is a zero, as in "oh three" and "four, oh", and not a sigh."""
    skipped = _ZERO_LETTERS | _JOINTS
    before = next((word for word in reversed(words[:place]) if word not in skipped), "")
    after = next((word for word in words[place + 1 :] if word not in _ZERO_LETTERS), "")
    return _is_number(before) or _is_number(after)


def _is_number(word: str) -> bool:
    return word[:1].isdigit() or word in _NUMBER_WORDS


def _joins(tokens: Sequence[Token], left: DigitRun, right: DigitRun, loose: bool) -> bool:
    between = [token.word for token in tokens[left.last + 1 : right.first]]
    words = [word for word in between if word not in _JOINTS]
    allowed = _FILLERS | _LOOSE_FILLERS if loose else _FILLERS
    return len(words) <= _MAX_FILLERS and all(_is_filler(word, allowed) for word in words)


def _misheard_between(tokens: Sequence[Token], left: DigitRun, right: DigitRun) -> bool:
    between = [token.word for token in tokens[left.last + 1 : right.first]]
    words = [word for word in between if word not in _JOINTS]
    is_new = any(word in _ANNOUNCING or word in ".?!" for word in between)
    return len(words) <= _MAX_MISHEARD and not is_new


def _is_filler(word: str, allowed: frozenset[str]) -> bool:
    # Single letters may belong to policy and passport numbers. "a" and "i" are words.
    return word in allowed or (len(word) == 1 and word.isalpha() and word not in "ai")


def _joined(left: DigitRun, right: DigitRun) -> DigitRun:
    return DigitRun(left.first, right.last, left.begin, right.end, left.digits + right.digits)


def _merge_long(tokens: Sequence[Token], runs: Sequence[DigitRun]) -> list[DigitRun]:
    """Join runs over filler words if they are surely one long number."""
    merged: list[DigitRun] = []
    for run in runs:
        long = merged and (
            max(len(merged[-1].digits), len(run.digits)) >= 7
            or all(_is_read_out(tokens, each) for each in (merged[-1], run))
        )
        if long and _joins(tokens, merged[-1], run, loose=True):
            merged[-1] = _joined(merged[-1], run)
        else:
            merged.append(run)
    return merged


def _is_read_out(tokens: Sequence[Token], run: DigitRun) -> bool:
    """Return whether a run is read digit by digit ("two, three, four"): then it is no quantity."""
    parts = [token for token in tokens[run.first : run.last + 1] if token.digits]
    return len(parts) >= _READ_OUT and all(len(token.digits) == 1 for token in parts)


def compact_from(tokens: Sequence[Token], start: int) -> Iterator[tuple[int, str]]:
    """Yield (token, everything so far as capitals and digits) for codes such as an IBAN."""
    code = ""
    for place in range(start, len(tokens)):
        token = tokens[place]
        if token.word in _JOINTS or (token.word in _FILLERS and not token.digits):
            continue
        if not token.digits and not (token.word.isalpha() and len(token.word) <= 4):
            return
        code += token.digits or token.word.upper()
        yield place, code
