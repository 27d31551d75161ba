"""Which words may turn out to be personal data when their speaker continues."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from calls.redaction.cues import names
from calls.redaction.dates import is_date_word
from calls.redaction.emails import PROVIDERS
from calls.redaction.folding import rewrite
from calls.redaction.kinds import Kind
from calls.redaction.languages.rules import VOCABULARIES, Rules, rules_for
from calls.redaction.languages.vocabulary import words
from calls.redaction.spoken_numbers import Token, tokenize

# Further words between two digits part them into two numbers: see ``spoken_numbers``.
REACH = 3
# An address that was announced begins within this many words, and has hardly more.
_ANNOUNCED = 12
# A number in words of a language that the call is not known to be in needs two of them, unless it
# is the last word and has no other meaning: "once" is an English word, and Spanish for 11.
_FOREIGN_WORDS = 2
_WORDS_FIRST = words("once elf null nil mil mille cent six sept on ten one")
_SHORT_TEXT = 6
_LONG = 7  # from here on, no quantity
_WORDS_TOO = frozenset("aiyoeu")
_BEFORE_ONE = words(
    "the this that which new old last next first other another right wrong every no"
)
_ADDRESS = re.compile(
    rf"@|\bdot\b|\bunderscore\b|\b(?!live\b|outlook\b){PROVIDERS}\b|\bat\W*$", re.IGNORECASE
)
# They mean something only together with the digit that follows.
_BEFORE_DIGITS = words(
    "double triple treble oh plus hundred doppel doppelt zweimal dreimal doble triple mas"
)


@lru_cache(maxsize=16_384)
def open_words(
    text: str, rules: Rules, expected: frozenset[Kind], asked: bool = False
) -> tuple[bool, ...]:
    """Return for each word whether it may be part of an unfinished number, date or address.

    ``expected`` holds the kinds of personal data that were asked for or announced.
    """
    tokens = [token for token in tokenize(text, rules) if token.word[0].isalnum()]
    places = (
        _number_places(text, tokens, rules, asked=asked)
        | foreign_places(text, rules)
        | _letter_places(text, tokens, spelled=asked)
        | _address_places(text, tokens, rules)
        | _date_places(text, tokens, rules, expected, asked=asked)
    )
    return tuple("EMAIL" in expected or token.begin in places for token in tokens)


@lru_cache(maxsize=16_384)
def announced(text: str, rules: Rules) -> frozenset[Kind]:
    """Return the kinds that the last words of a text announce, if they are not one number."""
    last = " ".join(text.split()[-_ANNOUNCED:])
    kinds: set[Kind] = {"DATE"} if names("DATE", last, rules) else set()
    tokens = tokenize(last, rules)
    return frozenset(kinds | ({"EMAIL"} if _after_announcement(last, tokens, rules) else set()))


def _number_places(text: str, tokens: Sequence[Token], rules: Rules, *, asked: bool) -> set[int]:
    found = {
        token.begin
        for before, token in pairwise([None, *tokens])
        if token and token.digits and not _is_counted(text, token, rules)
        # "This one" and "the last one" are not numbers.
        if asked or not (token.word == "one" and before and before.word in _BEFORE_ONE)
    }
    if tokens and tokens[-1].word in _BEFORE_DIGITS:
        found.add(tokens[-1].begin)
    return found


def _is_counted(text: str, token: Token, rules: Rules) -> bool:
    """Return whether a unit ends the number, as in "30 days"."""
    return len(token.digits) < _LONG and rules.unit.match(text, token.end) is not None


@lru_cache(maxsize=16_384)
def foreign_places(text: str, rules: Rules) -> frozenset[int]:
    """Return the places of numbers in words of languages that the call is not known to be in."""
    found: set[int] = set()
    for code in VOCABULARIES.keys() - set(rules.languages):
        tokens = [each for each in tokenize(text, rules_for((code,))) if each.word[0].isalnum()]
        spoken = [each for each in tokens if each.digits and each.word[0].isalpha()]
        is_last = bool(spoken) and spoken[-1] is tokens[-1] and spoken[-1].word not in _WORDS_FIRST
        if is_last or len(spoken) >= _FOREIGN_WORDS:
            found |= {each.begin for each in tokens if each.digits}
    return frozenset(found)


def _letter_places(text: str, tokens: Sequence[Token], *, spelled: bool) -> set[int]:
    """Return the places of letters that are spelled out; after a question, also "A" and "UK"."""
    found: set[int] = set()
    for token, before in zip(tokens, [None, *tokens], strict=False):
        written = text[token.begin : token.end]
        single = len(written) == 1 and written.isalpha()
        follows = before is not None and before.begin in found
        if (single and (spelled or follows or token.word not in _WORDS_TOO)) or (
            spelled and written.isupper() and len(written) < 5
        ):
            found.add(token.begin)
    return found


def _address_places(text: str, tokens: Sequence[Token], rules: Rules) -> set[int]:
    plain = rewrite(text, rules.signs)
    spans = [plain.original(*match.span()) for match in _ADDRESS.finditer(plain.text)]
    found = {
        token.begin
        for token in tokens
        if any(begin < token.end and token.begin < end for begin, end in spans)
    }
    announced_here = _after_announcement(text, tokens, rules)
    if all(token.word in rules.email_lead_in for token in announced_here):
        return found
    return found | {token.begin for token in announced_here}


def _after_announcement(text: str, tokens: Sequence[Token], rules: Rules) -> list[Token]:
    """Return the words after "my e-mail is", but none of "what is your e-mail address?"."""
    cues = [] if text.endswith("?") else rules.cues["EMAIL"].finditer(text)
    found: list[Token] = []
    for cue in cues:
        after = [token for token in tokens if token.begin >= cue.end()]
        if any(token.word in rules.email_lead_in for token in after[:2]):
            found += after[:_ANNOUNCED]
    return found


def _date_places(
    text: str, tokens: Sequence[Token], rules: Rules, expected: frozenset[Kind], *, asked: bool
) -> set[int]:
    named = "DATE" in expected or names("DATE", text, rules)
    if not (named or asked or len(tokens) <= _SHORT_TEXT):
        return set()
    dated = [token for token in tokens if token.digits or is_date_word(token, rules)]
    # In a sentence, "first" alone is not a date, nor is "may".
    is_date = named or asked or len(dated) > 1 or len(tokens) <= REACH
    return {token.begin for token in dated} if is_date else set()
