"""The words of one language that announce, ask for and spell personal data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from calls.redaction.kinds import Kind

# Signs between the digits of one number.
JOINTS = frozenset("-,./():;+#*_ \u2026|~'\\[]{}<>")
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")

# Takes lower-case words and a position. Returns how many words are one number, and its digits.
ReadNumber = Callable[[Sequence[str], int], tuple[int, str]]
NO_NUMBER = (1, "")


def no_numbers(words: Sequence[str], place: int) -> tuple[int, str]:
    return NO_NUMBER


def words(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in text.split())


@dataclass(frozen=True, kw_only=True, eq=False)
class Vocabulary:
    """Patterns are regular expressions in verbose mode, sets hold lower-case words."""

    code: str
    name: str
    read_number: ReadNumber = no_numbers
    # What a sentence names or asks for.
    cues: Mapping[Kind, str] = field(default_factory=dict)
    # A turn that asks for something, and words of which each such turn without "?" has one.
    request: str = ""
    asking: frozenset[str] = frozenset()
    # The rest of a question without a verb: "your passport number".
    elliptic: str = ""
    # "the number" without a word that says what it belongs to. Group ``of`` may hold that word.
    bare_number: str = ""
    # "order number", what announces a harmless number before it, and what only looks like that.
    record_number: str = ""
    harmless_cues: Sequence[str] = ()
    harmless_numbers: frozenset[str] = frozenset()
    idioms: str = ""
    # Words of an answer that is nothing but a number: "yes, it is".
    answer: frozenset[str] = frozenset()
    # Directly before a number.
    ending: str = ""
    dated: str = ""
    plus: str = ""
    # Directly after a number.
    unit: str = ""
    # Dates.
    months: frozenset[str] = frozenset()
    ordinals: frozenset[str] = frozenset()
    year_words: frozenset[str] = frozenset()  # nineteen hundred
    date_joints: frozenset[str] = frozenset()
    expiry: str = ""
    birth_after: str = ""
    looks_like_date: str = ""
    # Between the parts of one number, surely or only if a long number is expected.
    fillers: frozenset[str] = frozenset()
    loose_fillers: frozenset[str] = frozenset()
    announcing: frozenset[str] = frozenset()
    # Letters that are not words when they stand alone.
    letters: frozenset[str] = LETTERS
    # E-mail addresses: spoken signs, words for "@" that have another meaning as well, words
    # before an address, words before "at" that make it a place, and words like "de" and "es".
    signs: Mapping[str, str] = field(default_factory=dict)
    unsure_at: frozenset[str] = frozenset()
    email_lead_in: frozenset[str] = frozenset()
    before_site: frozenset[str] = frozenset()
    not_a_domain: frozenset[str] = frozenset()
