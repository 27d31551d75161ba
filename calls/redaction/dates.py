"""Finding dates of birth and expiry dates of cards."""

from __future__ import annotations

import re
from collections.abc import Sequence

from calls.redaction.cues import last_words, names, next_words
from calls.redaction.kinds import Kind
from calls.redaction.languages.rules import Rules
from calls.redaction.spoken_numbers import Token

BEFORE = 160
FEW_WORDS = 3
_BIRTH_YEAR = re.compile(r"(?:19\d\d|20[01]\d)$")
_DATE_SIGNS = frozenset("-/.,")


def find_dates(
    tokens: Sequence[Token],
    text: str,
    rules: Rules,
    asked: frozenset[Kind],
    *,
    in_digits: bool,
    of_card: bool,
) -> list[tuple[int, int, str]]:
    """Return start, end and digits of dates that are a birthday or an expiry date.

    ``of_card``: the turn names a card, which a date of expiry may belong to.
    """
    found = []
    of_card = of_card or "CARD" in asked
    for first, last in _date_runs(tokens, rules):
        begin, end = tokens[first].begin, tokens[last].end
        run = tokens[first : last + 1]
        answered = _answers_misheard_question(
            tokens, (first, last), rules, bool(asked) and in_digits
        )
        if (
            "DATE" in asked
            or answered
            or rules.birth_after.search(next_words(text[end:]))
            or _date_cue_before(text[max(0, begin - BEFORE) : begin], run, rules, of_card=of_card)
        ):
            digits = "".join(token.digits for token in tokens[first : last + 1])
            found.append((begin, end, digits))
    return found


def _answers_misheard_question(
    tokens: Sequence[Token], run: tuple[int, int], rules: Rules, after_other: bool
) -> bool:
    """Recognise a birthday or an expiry date by its form: "X by 3?" - "November 27."

    ``after_other`` means that other personal data was asked for. A turn that is nothing but a
    date with the year of a birth is taken for one.
    """
    first, last = run
    date = tokens[first : last + 1]
    # "Fourth of the second, eighty five": only a date is said as two ordinals and a number.
    ordinals = sum(token.word in rules.ordinals for token in date)
    if ordinals < 2 and not any(token.word in rules.months for token in date):
        return False
    # A longer text decides nothing.
    around = [*tokens[max(0, first - BEFORE) : first], *tokens[last + 1 : last + BEFORE]]
    digits = "".join(token.digits for token in date)
    has_year = _BIRTH_YEAR.search(digits) is not None or (ordinals > 1 and bool(digits))
    is_alone = sum(token.word.isalpha() for token in around) <= FEW_WORDS
    return after_other or (has_year and is_alone)


def _date_cue_before(before: str, run: Sequence[Token], rules: Rules, *, of_card: bool) -> bool:
    nearest = last_words(before)
    if not names("DATE", nearest, rules):
        return False
    if not rules.expiry.search(nearest) or of_card:
        return True
    # "The offer expires on the thirtieth of June" is not personal, "expires 12/27" is.
    return all(not is_date_word(token, rules) for token in run)


def _date_runs(tokens: Sequence[Token], rules: Rules) -> list[tuple[int, int]]:
    """Return first and last token of what may be a date: two parts at least."""
    runs: list[tuple[int, int]] = []
    parts: list[int] = []
    for place, token in enumerate([*tokens, Token(0, 0, "\n")]):
        if token.digits or is_date_word(token, rules):
            parts.append(place)
        elif token.word not in _DATE_SIGNS and token.word not in rules.date_joints:
            if len(parts) > 1 or (parts and len(tokens[parts[0]].digits) >= 4):
                runs.append((parts[0], parts[-1]))
            parts = []
    return runs


def is_date_word(token: Token, rules: Rules) -> bool:
    return any(token.word in words for words in (rules.months, rules.ordinals, rules.year_words))
