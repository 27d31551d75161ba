"""Finding IBANs, whole or in pieces, written or spoken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from calls.redaction.languages.rules import Rules
from calls.redaction.spoken_numbers import LETTER_JOINTS, Token, compact_from

SHORTEST, LONGEST = 15, 34
SHORTEST_PIECE = 3
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
    return int("".join(str(int(sign, 36)) for sign in code[4:] + code[:4])) % 97 == 1
