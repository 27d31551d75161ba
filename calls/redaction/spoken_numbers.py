"""Reading numbers as people say them and recognisers write them: tokens, and runs of digits.

"4-5-3-2", "four five three two", "double two", "forty five thirty two" and mixtures all
become digits with their position in the text, in the languages of
the rules. ``personal_data`` decides which ones are personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from calls.redaction.languages.rules import Rules
from calls.redaction.languages.vocabulary import JOINTS, NO_NUMBER

_TOKEN = re.compile(r"\d+|[^\W\d_]+(?:['\u2019][^\W\d_]+)?|[^\s\w]|_")
# Between the letters and digits of one code.
LETTER_JOINTS = frozenset("-,. ")
_MAX_FILLERS = 3
_MAX_SKIPPED = 30  # signs and fillers between two parts of a code
_LONG = 7  # from here on, no quantity
_READ_OUT = 4  # times of day have three: "seven oh four"
# If a long number is expected, one or two words inside it are most likely misheard digits,
# unless they announce the next number.
_MAX_MISHEARD = 2
# Amounts, times of day and ordinals are never part of a longer number.
_AMOUNT = r"""
    [$£€]\s?(?:\d{1,3}(?:[,']\d{3})+|\d{1,7})(?:\.\d{1,2})?(?![\d,]*\d)
    | (?<![\d.,])\d{1,4}\.\d\d(?![.]?\d)
    | (?<![\d:])(?:[01]?\d|2[0-3]):[0-5]\d(?![\d:])
    | \b(?:[01]?\d|2[0-3])\s?h\s?[0-5]\d\b
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
def tokenize(text: str, rules: Rules) -> tuple[Token, ...]:
    """Cut a text into words (lower case), numbers and single signs, with their digits.

    A number of several words is one token. Cached, because several rules look at the same turn one
    after the other.
    """
    found = [(match.start(), match.end(), match[0].lower()) for match in _TOKEN.finditer(text)]
    plain = [word for _, _, word in found]
    tokens: list[Token] = []
    place = 0
    while place < len(found):
        count, digits = _read_number(plain, place, rules)
        begin, end = found[place][0], found[place + count - 1][1]
        tokens.append(Token(begin, end, " ".join(plain[place : place + count]), digits))
        place += count
    return tuple(tokens)


def _read_number(words: Sequence[str], place: int, rules: Rules) -> tuple[int, str]:
    word = words[place]
    if word[0].isdigit():
        return 1, word
    if not word[0].isalpha():
        return NO_NUMBER
    best = NO_NUMBER
    for read in rules.readers:
        count, digits = read(words, place)
        if digits and (not best[1] or count > best[0]):
            best = count, digits
    return best


def has_digits(tokens: Sequence[Token]) -> bool:
    return any(token.digits for token in tokens)


def find_runs(
    text: str, tokens: Sequence[Token], rules: Rules, *, skip_harmless: bool, loose: bool
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
        if (
            runs
            and not _is_quantity_before(text, runs[-1], single, rules)
            and (
                _joins(tokens, runs[-1], single, rules, loose)
                or (loose and _misheard_between(tokens, runs[-1], single, rules))
            )
        ):
            runs[-1] = _joined(runs[-1], single)
        else:
            runs.append(single)
    return _merge_long(tokens, runs, rules)


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
    """Count the digits on both sides that are separated from this amount or date by signs only."""
    before = _CHAIN_BEFORE.search(text, max(0, match.start() - _CHAIN_REACH), match.start())
    after = _CHAIN_AFTER.match(text, match.end(), match.end() + _CHAIN_REACH)
    return sum(
        text[place].isdigit() and place not in harmless
        for chain in (before, after)
        if chain is not None
        for place in range(*chain.span())
    )


def _joins(
    tokens: Sequence[Token], left: DigitRun, right: DigitRun, rules: Rules, loose: bool
) -> bool:
    between = [token.word for token in tokens[left.last + 1 : right.first]]
    words = [word for word in between if word not in JOINTS]
    return len(words) <= _MAX_FILLERS and all(
        # Single letters may belong to policy and passport numbers.
        word in rules.fillers or word in rules.letters or (loose and word in rules.loose_fillers)
        for word in words
    )


def _is_quantity_before(text: str, left: DigitRun, right: DigitRun, rules: Rules) -> bool:
    """Return whether a unit ends the number on the left: "30 days and 12 percent"."""
    unit = rules.unit.match(text, left.end) if len(left.digits) < _LONG else None
    # "cent" is a unit and a number: in "zero, cent", it is the next number.
    return unit is not None and unit.end() <= right.begin


def _misheard_between(
    tokens: Sequence[Token], left: DigitRun, right: DigitRun, rules: Rules
) -> bool:
    between = [token.word for token in tokens[left.last + 1 : right.first]]
    words = [word for word in between if word not in JOINTS]
    is_new = any(word in rules.announcing or word in ".?!" for word in between)
    return len(words) <= _MAX_MISHEARD and not is_new


def _joined(left: DigitRun, right: DigitRun) -> DigitRun:
    return DigitRun(left.first, right.last, left.begin, right.end, left.digits + right.digits)


def _merge_long(tokens: Sequence[Token], runs: Sequence[DigitRun], rules: Rules) -> list[DigitRun]:
    """Join runs over filler words if they are surely one long number."""
    merged: list[DigitRun] = []
    for run in runs:
        long = merged and (
            max(len(merged[-1].digits), len(run.digits)) >= _LONG
            or all(_is_read_out(tokens, each) for each in (merged[-1], run))
        )
        if long and _joins(tokens, merged[-1], run, rules, loose=True):
            merged[-1] = _joined(merged[-1], run)
        else:
            merged.append(run)
    return merged


def _is_read_out(tokens: Sequence[Token], run: DigitRun) -> bool:
    """Return whether a run is read digit by digit ("two, three, four"), and not a quantity."""
    parts = [token for token in tokens[run.first : run.last + 1] if token.digits]
    return len(parts) >= _READ_OUT and all(len(token.digits) == 1 for token in parts)


def compact_from(tokens: Sequence[Token], start: int, rules: Rules) -> Iterator[tuple[int, str]]:
    """Yield (token, everything so far as capitals and digits) for codes such as an IBAN."""
    code, skipped = "", 0
    for place in range(start, len(tokens)):
        token = tokens[place]
        if token.word in JOINTS or (token.word in rules.fillers and not token.digits):
            skipped += 1
            if skipped > _MAX_SKIPPED:
                return
            continue
        skipped = 0
        if not token.digits and not (token.word.isalpha() and len(token.word) <= 4):
            return
        code += token.digits or token.word.upper()
        yield place, code
