"""Finding identifiers that hold letters and digits: by an unmistakable shape, or after a cue."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from calls.redaction.cues import named_last
from calls.redaction.kinds import Kind
from calls.redaction.languages.rules import Rules

_REACH = 160
_LETTERS_OF_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3,
         6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
# A code of letters and digits, such as a passport number.
_CODE = re.compile(r"(?<![\w-])(?=[a-z-]*\d)(?=[\d-]*[a-z])[a-z0-9-]{5,34}(?![\w-])", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_PASSWORD = re.compile(
    r"\b(?:pass ?word|passcode|passwort|kennwort|mot de passe|contrasena)\b\W{0,3}"
    r"(?:(?:is|was|ist|war|lautet|est|es|era)\b\W{0,3})?(\S{4,64})",
    re.IGNORECASE,
)
_MAY_NAME_PASSWORD = re.compile("pass|kennwort|contrasena", re.IGNORECASE)
_SECRET = re.compile(r"\d|[^\W\d_][^\w\s.,;:!?'-]|[a-z][A-Z]")


def find_identifiers(
    text: str, asked: frozenset[Kind], rules: Rules
) -> list[tuple[int, int, Kind]]:
    """Return start, end and kind of identifiers that hold letters and digits."""
    return [*_by_shape(text), *_by_cue(text, asked, rules)]


def _by_shape(text: str) -> Iterator[tuple[int, int, Kind]]:
    for pattern, is_valid, kind in _SHAPES:
        for match in pattern.finditer(text):
            if is_valid(re.sub(r"[ -]", "", match[0]).upper()):
                yield match.start(), match.end(), kind


def _by_cue(text: str, asked: frozenset[Kind], rules: Rules) -> Iterator[tuple[int, int, Kind]]:
    for match in _CODE.finditer(text):
        if _is_measure(text, match.start(), rules):
            continue
        cued = named_last(text[max(0, match.start() - _REACH) : match.start()], rules)
        if cued in ("NATIONAL_ID", "ACCOUNT"):
            yield match.start(), match.end(), cued
        elif cued is None and "SECURITY_CODE" in asked:
            yield match.start(), match.end(), "SECURITY_CODE"


def _is_measure(text: str, place: int, rules: Rules) -> bool:
    """Return whether a code is a number with its unit, such as 100Mbps."""
    number = _NUMBER.match(text, place)
    return number is not None and rules.unit.match(text, number.end()) is not None


def find_passwords(text: str) -> Iterator[tuple[int, int]]:
    """Find "my password is Hunter2!", but not "my password is wrong"."""
    if not _MAY_NAME_PASSWORD.search(text):
        return
    for match in _PASSWORD.finditer(text):
        secret = match[1].rstrip(".,;:?\"')")
        if _SECRET.search(secret):
            yield match.start(1), match.start(1) + len(secret)


def is_codice_fiscale(code: str) -> bool:
    """Check an Italian tax code (Decreto ministeriale 12/03/1974)."""
    values = [
        _ODD[sign] if place % 2 == 0 else int(sign, 36) - (0 if sign.isdigit() else 10)
        for place, sign in enumerate(code[:15])
    ]
    return ord(code[15]) - ord("A") == sum(values) % 26


def is_dni(code: str) -> bool:
    """Check a Spanish DNI or NIE by its last letter."""
    number = code[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return _LETTERS_OF_DNI[int(number) % 23] == code[-1]


def is_vin(code: str) -> bool:
    """Check the number of a vehicle (49 CFR 565.15). European ones have no check digit."""
    if code.isdigit():
        return False
    values = [int(_VIN_VALUES.get(sign, sign)) for sign in code]
    rest = sum(value * weight for value, weight in zip(values, _VIN_WEIGHTS, strict=True)) % 11
    return code[8] == ("X" if rest == 10 else str(rest))


def _any_code(code: str) -> bool:
    return True


_SHAPES: tuple[tuple[re.Pattern[str], Callable[[str], bool], Kind], ...] = (
    (
        re.compile(r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b", re.IGNORECASE),
        is_codice_fiscale,
        "NATIONAL_ID",
    ),
    (re.compile(r"\b(?:\d{8}|[XYZ]-?\d{7})-?[A-Z]\b"), is_dni, "NATIONAL_ID"),
    # India's PAN of a person, and a US Medicare number.
    (re.compile(r"\b[A-Z]{3}P[A-Z]\d{4}[A-Z]\b"), _any_code, "NATIONAL_ID"),
    (
        re.compile(r"\b[1-9][A-Z][A-Z\d]\d[ -]?[A-Z][A-Z\d]\d[ -]?[A-Z]{2}\d{2}\b"),
        _any_code,
        "NATIONAL_ID",
    ),
    (re.compile(r"\b[A-HJ-NPR-Z\d]{17}\b"), is_vin, "ACCOUNT"),
)
