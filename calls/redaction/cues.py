"""Cues: which personal data a sentence names, and which a turn asks for."""

from __future__ import annotations

import re
from functools import lru_cache

from calls.redaction.kinds import Kind
from calls.redaction.languages.rules import Rules

SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_REACH = 120
_NEAR = 8
# Abbreviations before a number: their full stop does not end the sentence.
_ABBREVIATED = re.compile(r"\b(no|nr|num|ref|tel)\.\s*$", re.IGNORECASE)
OF_A_TURN: tuple[Kind, ...] = ("EMAIL", "IBAN", "CARD")
LIKE_DATE = "LIKE_DATE"  # a sort code looks like a date: 12-34-56
_LETTERS = re.compile(r"[a-z]+")


def asked_for(text: str, rules: Rules) -> frozenset[Kind]:
    """Return what a turn asks the other party to say."""
    kinds: set[Kind] = set()
    for sentence in SENTENCE_END.split(text):
        if _requests(sentence, rules) or rules.elliptic.match(sentence):
            named = {kind for kind, pattern in rules.cues.items() if pattern.search(sentence)}
            kinds |= named or _bare_number(sentence, rules)
    return frozenset(kinds)


def asks_for_record(text: str, rules: Rules) -> bool:
    """Return whether a turn asks only for the number of a record, such as an order or a ticket."""
    return (
        _requests(text, rules)
        and bool(rules.record_number.search(text))
        and not asked_for(text, rules)
    )


def _requests(text: str, rules: Rules) -> bool:
    # A text without one of these words or a question mark asks for nothing.
    may_request = "?" in text or not rules.asking.isdisjoint(_LETTERS.findall(text.casefold()))
    return may_request and rules.request.search(text) is not None


def _bare_number(sentence: str, rules: Rules) -> set[Kind]:
    """Return ACCOUNT for "what is the number?", nothing for "what is your order number?"."""
    for pattern in rules.bare_numbers:
        found = pattern.search(sentence)
        if found and (found.groupdict().get("of") or "").lower() not in rules.harmless_numbers:
            return {"ACCOUNT"}
    return set()


def names(kind: Kind, text: str, rules: Rules) -> bool:
    """Return whether a text names this kind of data."""
    return rules.cues[kind].search(text) is not None


def cues_in(text: str, rules: Rules) -> frozenset[str]:
    """Return what a turn names that decides about the whole of it, however far away."""
    found = {kind for kind in OF_A_TURN if names(kind, text, rules)}
    return frozenset(found | ({LIKE_DATE} if rules.looks_like_date.search(text) else set()))


def last_words(text: str) -> str:
    """Return the last few words of a text that belong to its last sentence."""
    text = _ABBREVIATED.sub(r"\1 ", text[-_REACH:])
    return " ".join(SENTENCE_END.split(text)[-1].split()[-_NEAR:])


def next_words(text: str) -> str:
    """Return the first few words of a text that belong to its first sentence."""
    return " ".join(SENTENCE_END.split(text[:_REACH])[0].split()[:_NEAR])


def named_last(text: str, rules: Rules) -> Kind | None:
    """Return what kind of personal number the last few words of a text announce."""
    return _named(last_words(text), rules)


def names_harmless_last(text: str, rules: Rules) -> bool:
    """Return whether the last few words of a text announce a number that is not personal."""
    nearest = last_words(text)
    return _named(nearest, rules) is None and _harmless_from(nearest, rules) is not None


# The turn of somebody who is still speaking is read again with every word: the words before its
# numbers are the same as before.
@lru_cache(maxsize=16_384)
def _named(nearest: str, rules: Rules) -> Kind | None:
    place = _harmless_from(nearest, rules)
    kinds = [
        (match.end(), kind)
        for kind, pattern in rules.cues.items()
        if kind not in ("EMAIL", "DATE")
        for match in pattern.finditer(nearest)
        # "I was on the phone about ticket 4471982", but not "my tax reference 4471982".
        if place is None or match.end() > place
    ]
    return max(kinds, key=lambda item: item[0])[1] if kinds else None


@lru_cache(maxsize=16_384)
def _harmless_from(nearest: str, rules: Rules) -> int | None:
    """Return from where in the last few words a record's name marks a number as harmless.

    "The pin for the order is" announces a pin: there, the record's name counts only if no other
    cue does.
    """
    plain = rules.idioms.sub(lambda idiom: "x" * len(idiom[0]), nearest)
    found = [match for cue in rules.harmless_cues if (match := cue.search(plain))]
    if not found:
        return None
    return min(-1 if match["subject"] else match.start() for match in found)


def most_likely(asked: frozenset[Kind], rules: Rules) -> Kind | None:
    """Return the most likely kind of a number that answers a question for all these kinds."""
    return next((kind for kind in rules.cues if kind in asked - {"EMAIL", "DATE"}), None)
