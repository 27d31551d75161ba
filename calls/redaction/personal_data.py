"""Finding personal data in one text: cards, phones, e-mails, IBANs, ids, codes, dates of birth.

The rules fail safe: recognisers garble numbers, so a long run of digits is removed even if its
checksum is wrong. Names and postal addresses are not recognised.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from calls.redaction.cues import (
    LIKE_DATE,
    cues_in,
    most_likely,
    named_last,
    names_harmless_last,
)
from calls.redaction.dates import find_dates
from calls.redaction.emails import find_emails
from calls.redaction.ibans import find_ibans
from calls.redaction.identifiers import find_identifiers, find_passwords
from calls.redaction.kinds import Kind
from calls.redaction.languages.rules import Rules
from calls.redaction.shapes import find_shapes
from calls.redaction.spoken_numbers import (
    LETTER_JOINTS,
    DigitRun,
    Token,
    find_runs,
    has_digits,
    is_harmless,
    tokenize,
)

LONG_RUN = 7
CARD_RUN = 12
ASKED_RUN = 4
CODE_RUN, LONGEST_CODE = 3, 8
ENDING_RUN = 2
MOST_LETTERS = 4
BEFORE = 160
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_YEARS = re.compile(r"(?:19|20)\d\d(?:[-/](?:19|20)?\d\d)?")
_AMOUNTS = re.compile(r"\d{1,3}(?:[,']\d{3})*(?:\.\d\d)?|\d{1,3}(?:[. ]\d{3})*(?:,\d\d)?")
# A number that is written in one piece, and one that is numbered within a year: "2026-114". Eight
# digits with a hyphen in the middle may as well be a phone number.
_IN_ONE_PIECE = re.compile(r"(?<![\d+(])(?<!\d[\s./-])\d(?:[\d./-]*\d)?(?![./-]?\d|\s\d)")
_OF_A_YEAR = re.compile(r"(?:19|20)\d\d[-/](?:\d{3}|\d{5,6})")
_NATIONAL_INSURANCE = re.compile(
    r"\b[A-Z]{2}[ -]?\d\d[ -]?\d\d[ -]?\d\d[ -]?[A-D]\b", re.IGNORECASE
)
# "AB-1234": the letters belong to the number.
_PREFIX = re.compile(r"\b[A-Z]{1,4}-$")
_SSN_SHAPE = re.compile(r"\d{3}[ -]\d{2}[ -]\d{4}")


@dataclass(frozen=True, slots=True)
class Detection:
    """Personal data at [begin, end) of a text. ``digits`` is empty if it has none."""

    begin: int
    end: int
    kind: Kind
    digits: str = ""


def find_personal_data(
    text: str,
    rules: Rules,
    asked: frozenset[Kind] = frozenset(),
    *,
    shortest: int = ASKED_RUN,
    cues: frozenset[str] | None = None,
) -> list[Detection]:
    """Return the personal data in a text, in order and without overlaps.

    ``asked`` holds the kinds that the other party asked for. A number in answer to that needs only
    ``shortest`` digits. Three digits count as a security code after a question or cue for one.
    ``cues`` are those of the whole turn, if the text is only a piece of one.
    """
    tokens = tokenize(text, rules)
    cues = cues_in(text, rules) if cues is None else cues
    emails = "EMAIL" in asked or "EMAIL" in cues
    found = [
        Detection(begin, end, "EMAIL") for begin, end in find_emails(text, rules, expected=emails)
    ]
    found += [Detection(begin, end, "SECURITY_CODE") for begin, end in find_passwords(text)]
    numbered = has_digits(tokens)
    if numbered:
        expected = "IBAN" in asked or "IBAN" in cues
        ibans = find_ibans(tokens, text, rules, expected=expected, in_pieces="IBAN" in asked)
        found += [Detection(begin, end, "IBAN") for begin, end in ibans]
        shapes = find_shapes(
            text,
            is_card=passes_luhn,
            phone_expected_at=lambda place: (
                "PHONE" in asked or named_last(_before(text, place), rules) == "PHONE"
            ),
        )
        found += [Detection(*shape) for shape in shapes]
        ids = find_identifiers(text, asked, rules)
        found += [Detection(begin, end, kind) for begin, end, kind in ids]
        written = _NATIONAL_INSURANCE.finditer(text)
        found += [Detection(*match.span(), "NATIONAL_ID") for match in written]
    dates = find_dates(
        tokens, text, rules, asked, in_digits=shortest < ASKED_RUN, of_card="CARD" in cues
    )
    found += [Detection(begin, end, "DATE", digits) for begin, end, digits in dates]
    if numbered:
        dates_stay = LIKE_DATE not in cues
        found += _numbers(tokens, text, rules, asked, shortest, dates_stay=dates_stay)
    return _without_overlaps(found)


def _before(text: str, place: int) -> str:
    """Return the text before a number, as far as it can matter."""
    return text[max(0, place - BEFORE) : place]


def harmless_numbers(text: str, rules: Rules) -> set[str]:
    """Return the digits of the numbers that a text announces as an order's, a ticket's..."""
    tokens = tokenize(text, rules)
    if not has_digits(tokens):
        return set()
    runs = find_runs(text, tokens, rules, skip_harmless=True, loose=False)
    records = {_digits_of(piece) for piece in _records(text, rules, expected=False)}
    return records | {run.digits for run in runs if _is_announced_harmless(run, text, rules)}


def _is_announced_harmless(run: DigitRun, text: str, rules: Rules) -> bool:
    before = _PREFIX.sub("", _before(text, run.begin))
    return len(run.digits) < CARD_RUN and names_harmless_last(before, rules)


def _records(text: str, rules: Rules, *, expected: bool) -> list[re.Match[str]]:
    """Return the numbers of orders, tickets... that are written in one piece."""
    return [
        piece
        for piece in _IN_ONE_PIECE.finditer(text)
        if _names_record(piece, _before(text, piece.start()), rules, expected=expected)
    ]


def _years(text: str, rules: Rules) -> list[re.Match[str]]:
    """Return the years of "300 in 2022, 350 since 2019-2021"."""
    return [
        piece
        for piece in _IN_ONE_PIECE.finditer(text)
        if _YEARS.fullmatch(piece[0]) and _is_dated(_before(text, piece.start()), rules)
    ]


def _is_dated(before: str, rules: Rules) -> bool:
    """Tell "in 2022" from the card that ends in 2022."""
    return bool(rules.dated.search(before[-12:])) and not rules.ending.search(before[-24:])


def _names_record(piece: re.Match[str], before: str, rules: Rules, *, expected: bool) -> bool:
    if not expected and _OF_A_YEAR.fullmatch(piece[0]) and named_last(before, rules) is None:
        return True
    # Shorter ones may be the first piece of a card's.
    return LONG_RUN <= len(_digits_of(piece)) < CARD_RUN and names_harmless_last(before, rules)


def _digits_of(piece: re.Match[str]) -> str:
    return re.sub(r"\D", "", piece[0])


def _without_overlaps(found: Sequence[Detection]) -> list[Detection]:
    """Join overlapping detections. The longer one decides the kind."""
    kept: list[Detection] = []
    for finding in sorted(found, key=lambda item: (item.begin, -item.end)):
        if not kept or finding.begin >= kept[-1].end:
            kept.append(finding)
            continue
        last = kept[-1]
        longer = max(last, finding, key=lambda item: item.end - item.begin)
        end = max(last.end, finding.end)
        kept[-1] = Detection(last.begin, end, longer.kind, last.digits or finding.digits)
    return kept


def _numbers(
    tokens: Sequence[Token],
    text: str,
    rules: Rules,
    asked: frozenset[Kind],
    shortest: int,
    *,
    dates_stay: bool,
) -> list[Detection]:
    expected = bool(asked - {"EMAIL", "DATE"})
    runs = _runs(tokens, text, rules, expected=expected, dates_stay=dates_stay and not expected)
    found: list[Detection] = []
    for run in runs:
        kind = _kind_of(run, text, rules, asked, shortest)
        if kind is None:
            continue
        first, last = run.first, run.last
        if kind in ("ACCOUNT", "NATIONAL_ID"):
            first, last = _with_letters(tokens, text, first, last)
        # Many numbers in one word have the same edges.
        if found and tokens[last].end <= found[-1].end:
            begin, end = found[-1].begin, found[-1].end
        else:
            begin, end = _with_edges(tokens, text, rules, first, last)
        found.append(Detection(begin, end, kind, run.digits))
    return found


def _runs(
    tokens: Sequence[Token], text: str, rules: Rules, *, expected: bool, dates_stay: bool
) -> list[DigitRun]:
    whole = _records(text, rules, expected=expected) + ([] if expected else _years(text, rules))
    places = {place for piece in whole for place in range(piece.start(), piece.end())}
    # They are never part of a longer number.
    parts = [replace(each, digits="") if each.begin in places else each for each in tokens]
    return find_runs(text, parts, rules, skip_harmless=dates_stay, loose=expected)


def unexplained_numbers(text: str, rules: Rules, *, shortest: int = ASKED_RUN) -> list[DigitRun]:
    """Return the numbers that no rule calls harmless, with the letters and signs beside them."""
    tokens = tokenize(text, rules)
    found: list[DigitRun] = []
    for run in _runs(tokens, text, rules, expected=False, dates_stay=True):
        if len(run.digits) < shortest or _is_explained(run, text, rules):
            continue
        first, last = _with_letters(tokens, text, run.first, run.last)
        begin, end = found[-1].begin if found else 0, found[-1].end if found else 0
        if tokens[last].end > end:
            begin, end = _with_edges(tokens, text, rules, first, last)
        found.append(replace(run, begin=begin, end=end))
    return found


def _is_explained(run: DigitRun, text: str, rules: Rules) -> bool:
    return (
        _is_quantity(run, text, rules)
        or _is_announced_harmless(run, text, rules)
        or (_only_years(run, text) and not rules.ending.search(_before(text, run.begin)))
    )


def _with_letters(tokens: Sequence[Token], text: str, first: int, last: int) -> tuple[int, int]:
    """Return first and last token of a number including its letters, as in "Q Q 12 C"."""
    places = [_letters_from(tokens, text, place, step) for place, step in ((first, -1), (last, 1))]
    return places[0], places[1]


def _letters_from(tokens: Sequence[Token], text: str, place: int, step: int) -> int:
    found: list[int] = []
    reach = place + step
    while 0 <= reach < len(tokens) and len(found) < MOST_LETTERS:
        token = tokens[reach]
        if _is_letter(text[token.begin : token.end]):
            found.append(reach)
        elif token.word not in LETTER_JOINTS:
            break
        reach += step
    # "A" and "I" are words when they stand alone.
    words = all(tokens[each].word in ("a", "i") for each in found)
    return place if words else found[-1]


def _is_letter(written: str) -> bool:
    return written.isalpha() and (len(written) == 1 or (len(written) == 2 and written.isupper()))


def _with_edges(
    tokens: Sequence[Token], text: str, rules: Rules, first: int, last: int
) -> tuple[int, int]:
    """Return start and end of tokens, including attached signs and letters."""
    begin, end = tokens[first].begin, tokens[last].end
    if plus := rules.plus.search(text[max(0, begin - 12) : begin]):
        begin = max(0, begin - 12) + plus.start()
    while begin and (_is_attached(text[begin - 1]) or text[begin - 1] in "+("):
        begin -= 1
    while end < len(text) and _is_attached(text[end]):
        end += 1
    return begin, end


def _is_attached(sign: str) -> bool:
    """Return whether a letter or digit belongs to the number that it touches.

    Scripts that have no capitals may have no spaces either: the words beside are not the number's.
    """
    return sign.isalnum() and (sign.isascii() or unicodedata.category(sign) != "Lo")


def _kind_of(
    run: DigitRun, text: str, rules: Rules, asked: frozenset[Kind], shortest: int
) -> Kind | None:
    """Return the kind of a run of digits, or None if it is not personal."""
    if _is_quantity(run, text, rules) or _is_announced_harmless(run, text, rules):
        return None
    cued = named_last(_before(text, run.begin), rules)
    count = len(run.digits)
    if cued == "SECURITY_CODE" or (cued is None and "SECURITY_CODE" in asked):
        if CODE_RUN <= count <= LONGEST_CODE:
            return "SECURITY_CODE"
    elif not asked and _only_years(run, text) and not rules.ending.search(_before(text, run.begin)):
        return None
    if count >= LONG_RUN:
        return _long(run, text, rules, cued, asked)
    least = shortest if asked else ASKED_RUN
    if cued and rules.ending.search(_before(text, run.begin)):
        least = ENDING_RUN
    return (cued or most_likely(asked, rules)) if count >= least else None


def _long(
    run: DigitRun, text: str, rules: Rules, cued: Kind | None, asked: frozenset[Kind]
) -> Kind:
    count = len(run.digits)
    if text[run.begin - 1 : run.begin] == "+" or rules.plus.search(_before(text, run.begin)):
        return "PHONE"
    if 13 <= count <= 19 and passes_luhn(run.digits):
        return "CARD"
    expected = cued or most_likely(asked, rules)
    if expected is not None:
        return expected
    if count >= CARD_RUN:
        return "CARD"
    if _SSN_SHAPE.fullmatch(text[run.begin : run.end]):
        return "NATIONAL_ID"
    return "PHONE" if count in (7, 10, 11) else "ACCOUNT"


def _is_quantity(run: DigitRun, text: str, rules: Rules) -> bool:
    written = text[run.begin : run.end]
    if is_harmless(written, _before(text, run.begin)):
        return True
    if not rules.unit.match(text, run.end):
        return _is_dated(_before(text, run.begin), rules) and _only_years(run, text)
    return (
        len(run.digits) < LONG_RUN
        or bool(_AMOUNTS.fullmatch(written))
        or _is_spoken_amount(re.findall(r"\d+", written))
    )


def _is_spoken_amount(groups: Sequence[str]) -> bool:
    """Tell "2000 300 and 40" before "euros": each group fits into the zeros of the one before."""
    return len(groups) > 1 and all(
        len(group) <= len(before) - len(before.rstrip("0")) for before, group in pairwise(groups)
    )


def _only_years(run: DigitRun, text: str) -> bool:
    years = _YEAR.findall(text[run.begin : run.end])
    # Four groups that look like years are more likely a card.
    return 0 < len(years) <= 3 and "".join(years) == run.digits


def passes_luhn(digits: str) -> bool:
    """Check a card number (ISO/IEC 7812-1, annex B)."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0
