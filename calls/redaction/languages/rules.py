"""Combines the vocabularies of a conversation's languages into one set of rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from calls.redaction.kinds import Kind
from calls.redaction.languages.english import ENGLISH
from calls.redaction.languages.french import FRENCH
from calls.redaction.languages.german import GERMAN
from calls.redaction.languages.shared import SHARED
from calls.redaction.languages.spanish import SPANISH
from calls.redaction.languages.vocabulary import ReadNumber, Vocabulary

VOCABULARIES = {each.code: each for each in (ENGLISH, GERMAN, FRENCH, SPANISH)}
FLAGS = re.IGNORECASE | re.VERBOSE
# In order of precedence: "card security code" asks for the code.
KINDS: Sequence[Kind] = (
    "SECURITY_CODE", "NATIONAL_ID", "IBAN", "DATE", "PHONE", "CARD", "ACCOUNT", "EMAIL",
)  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class Rules:
    """Compiled patterns and words; see ``Vocabulary`` for what each is."""

    languages: tuple[str, ...]
    readers: tuple[ReadNumber, ...]
    cues: Mapping[Kind, re.Pattern[str]]
    request: re.Pattern[str]
    asking: frozenset[str]
    elliptic: re.Pattern[str]
    bare_numbers: Sequence[re.Pattern[str]]
    record_number: re.Pattern[str]
    harmless_cues: Sequence[re.Pattern[str]]
    harmless_numbers: frozenset[str]
    idioms: re.Pattern[str]
    answer: frozenset[str]
    ending: re.Pattern[str]
    dated: re.Pattern[str]
    plus: re.Pattern[str]
    unit: re.Pattern[str]
    months: frozenset[str]
    ordinals: frozenset[str]
    year_words: frozenset[str]
    date_joints: frozenset[str]
    expiry: re.Pattern[str]
    birth_after: re.Pattern[str]
    looks_like_date: re.Pattern[str]
    fillers: frozenset[str]
    loose_fillers: frozenset[str]
    announcing: frozenset[str]
    letters: frozenset[str]
    signs: Sequence[tuple[re.Pattern[str], str]]
    unsure_at: frozenset[str]
    email_lead_in: frozenset[str]
    before_site: frozenset[str]
    not_a_domain: frozenset[str]


@lru_cache(maxsize=64)
def rules_for(languages: tuple[str, ...]) -> Rules:
    """Return the rules for these language codes. Unknown ones add nothing."""
    known = [VOCABULARIES[code] for code in languages if code in VOCABULARIES]
    every = [SHARED, *known]
    return Rules(
        languages=tuple(each.code for each in known),
        readers=tuple(each.read_number for each in known),
        cues={kind: _any(each.cues.get(kind, "") for each in every) for kind in KINDS},
        request=_any(each.request for each in every),
        elliptic=_any(each.elliptic for each in every),
        bare_numbers=_each(each.bare_number for each in every),
        record_number=_any(each.record_number for each in every),
        harmless_cues=_each(cue for each in every for cue in each.harmless_cues),
        idioms=_any(each.idioms for each in every),
        ending=_any((each.ending for each in every), after="$"),
        dated=_any((each.dated for each in every), after="$"),
        plus=_any((each.plus for each in every), after="$"),
        unit=_any((each.unit for each in every), before=r"[\s-]*"),
        expiry=_any(each.expiry for each in every),
        birth_after=_any(each.birth_after for each in every),
        looks_like_date=_any(each.looks_like_date for each in every),
        letters=_letters(known),
        signs=[
            (re.compile(pattern, re.IGNORECASE), sign)
            for each in every
            for pattern, sign in each.signs.items()
        ],
        # "et" is a misheard "at" in English and "and" in French.
        unsure_at=_words(known, "unsure_at") - _words(known, "loose_fillers"),
        **{name: _words(every, name) for name in _WORD_SETS},
    )


_WORD_SETS = (
    "asking", "harmless_numbers", "answer", "months", "ordinals", "year_words", "date_joints",
    "fillers", "loose_fillers", "announcing", "email_lead_in", "before_site", "not_a_domain",
)  # fmt: skip


def _words(vocabularies: Iterable[Vocabulary], name: str) -> frozenset[str]:
    return frozenset().union(*(getattr(each, name) for each in vocabularies))


def _letters(known: Sequence[Vocabulary]) -> frozenset[str]:
    """Return the letters that are not a word in any of the languages; none if they are unknown."""
    return frozenset.intersection(*(each.letters for each in known)) if known else frozenset()


def _any(patterns: Iterable[str], *, before: str = "", after: str = "") -> re.Pattern[str]:
    """Compile an alternative of patterns. Without any, it matches nothing."""
    choices = "|".join(f"(?:{pattern})" for pattern in patterns if pattern) or "(?!)"
    return re.compile(f"{before}(?:{choices}){after}", FLAGS)


def _each(patterns: Iterable[str]) -> list[re.Pattern[str]]:
    return [re.compile(pattern, FLAGS) for pattern in patterns if pattern]
