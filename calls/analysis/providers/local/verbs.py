"""English verbs, as far as a summary needs them: what is a verb, and its form."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

_DATA = Path(__file__).parent / "data" / "grammar.json"
WORDS = {name: frozenset(words.split()) for name, words in json.loads(_DATA.read_text()).items()}
_SINGULAR = {
    "am": "is", "are": "is", "is": "is", "was": "was", "were": "was", "have": "has", "has": "has",
    "do": "does", "does": "does", "don't": "doesn't", "haven't": "hasn't", "aren't": "isn't",
    "weren't": "wasn't", "wasn't": "wasn't", "hasn't": "hasn't", "doesn't": "doesn't",
    "isn't": "isn't", "go": "goes",
}  # fmt: skip
_MODAL = WORDS["modal"]
# As past forms, so that "I put it there" is not taken for the present. Their base is left out.
_PAST = WORDS["past"]
_BASE = WORDS["base"]
_NOT_PAST = WORDS["not_past"]
_ADVERBS = WORDS["adverbs"]
_CLITIC = frozenset({"it", "that", "there", "he", "she", "what"})
_CERTAIN = frozenset({"goes", "comes", "says", "takes", "gets", "keeps", "arrives"})
# What follows a verb rather than an adjective or a noun.
_AFTER_VERB = WORDS["openers"] | WORDS["prepositions"] | WORDS["adverbs"] | {
    "me", "us", "him", "them", "it", "you", "out", "up", "down", "back", "off", ".", ",", "!",
    "twice", "again", "early", "late",
}  # fmt: skip
# What may follow "would" where it was written as 'd. Otherwise it may be "had".
_AFTER_WOULD = WORDS["after_would"]


def agreed(verb: str, following: str) -> str:
    """Return the form of a verb after a name: "want" becomes "wants". Empty if it is not sure."""
    if verb == "would" and following and not (following in _AFTER_WOULD or is_base(following)):
        return ""
    if verb in _SINGULAR:
        return _SINGULAR[verb]
    if verb in _MODAL or is_past(verb):
        return verb
    return _third(verb) if verb in _BASE else ""


def _third(verb: str) -> str:
    if verb.endswith(("s", "x", "z", "ch", "sh")):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}s"


def has_other_form(verb: str) -> bool:
    """Whether the form after a name differs from that after "I"."""
    return verb in _BASE or _SINGULAR.get(verb, verb) != verb


def is_adverb(word: str) -> bool:
    return word in _ADVERBS


def is_base(word: str) -> bool:
    return word in _BASE or word == "be"


def is_past(word: str) -> bool:
    return word in _PAST or (word.endswith("ed") and len(word) > 3 and word not in _NOT_PAST)


def is_finite(word: str) -> bool:
    """Whether a word can be the verb of a clause, whatever else it can be."""
    if word in _SINGULAR or word in _MODAL or word in _BASE or is_past(word):
        return True
    stem, _, ending = word.rpartition("'")
    if ending in ("s", "re", "ll", "ve") and stem in _CLITIC:
        return True
    return word.endswith("s") and (word[:-1] in _BASE or word[:-2] in _BASE)


def has_verb(words: Sequence[str]) -> bool:
    """Whether a clause certainly has a verb. "Skimmed" and "orders" need not be one."""
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        before = words[at - 1] if at else ""
        stem, _, ending = word.rpartition("'")
        if word in _SINGULAR or word in _MODAL or word in _PAST or word in _CERTAIN:
            return True
        if ending in ("s", "re", "ll", "ve") and stem in _CLITIC:
            return True
        if word in _BASE and before in ("i", "we", "you"):
            return True
        may_be = is_past(word) or (word.endswith("s") and is_finite(word))
        if may_be and (not following or following in _AFTER_VERB):
            return True
    return False
