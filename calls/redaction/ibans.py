"""Finding IBANs, whole or in pieces, written or spoken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from calls.redaction.languages.rules import Rules
from calls.redaction.spoken_numbers import LETTER_JOINTS, Token, compact_from

SHORTEST, LONGEST = 15, 34
SHORTEST_PIECE = 3
# ISO 13616: the length in each country. "le 0000001000101" is a number after a word.
_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 "
    "DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 "
    "IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 "
    "MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 "
    "SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
LENGTHS = {code[:2]: int(code[2:]) for code in _LENGTHS.split()}
_BEGIN = re.compile(r"[A-Z]{2}\d\d")


def find_ibans(
    tokens: Sequence[Token], text: str, rules: Rules, *, expected: bool, in_pieces: bool
) -> list[tuple[int, int]]:
    """Return start and end of each IBAN.

    ``expected``: an IBAN was named, so that invalid ones count too. ``in_pieces``: the speaker was
    asked for one, and may say it in parts.
    """
    found = []
    for start, token in enumerate(tokens):
        if token.digits or not token.word.isalpha() or len(token.word) > 2:
            continue
        last = _end_of(tokens, start, rules, expected=expected)
        if last is not None:
            found.append((token.begin, tokens[last].end))
    return found + (_pieces(tokens, text) if in_pieces else [])


def _end_of(tokens: Sequence[Token], start: int, rules: Rules, *, expected: bool) -> int | None:
    valid = likely = None
    for place, code in compact_from(tokens, start, rules):
        if len(code) > LONGEST or (len(code) >= 4 and not _BEGIN.match(code)):
            break
        if passes_mod97(code):
            valid = place
        elif expected and tokens[place].digits and _BEGIN.match(code):
            likely = place if len(code) >= SHORTEST else likely
    return valid if valid is not None else likely


def _pieces(tokens: Sequence[Token], text: str) -> list[tuple[int, int]]:
    """Return possible parts of an IBAN, such as "A T six one"."""
    found = []
    for is_code, group in groupby(tokens, lambda token: _is_code(token, text)):
        part = list(group)
        if is_code and any(t.digits for t in part) and len(_compact(part)) >= SHORTEST_PIECE:
            marks = [token for token in part if token.digits or token.word.isalpha()]
            found.append((marks[0].begin, marks[-1].end))
    return found


def _is_code(token: Token, text: str) -> bool:
    written = text[token.begin : token.end]
    capitals = written.isalpha() and (len(written) == 1 or (written.isupper() and len(written) < 5))
    return bool(token.digits) or capitals or token.word in LETTER_JOINTS


def _compact(part: Sequence[Token]) -> str:
    return "".join(t.digits or (t.word if t.word.isalpha() else "") for t in part)


def passes_mod97(code: str) -> bool:
    """Check an IBAN without spaces (ISO 13616)."""
    if not re.fullmatch(r"[A-Z]{2}\d\d[A-Z0-9]{11,30}", code):
        return False
    if LENGTHS.get(code[:2]) != len(code):
        return False
    return int("".join(str(int(sign, 36)) for sign in code[4:] + code[:4])) % 97 == 1
