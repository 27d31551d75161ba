"""Which languages a conversation is in, and for which of them there are rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calls.conversation import SPEAKERS, Speaker
from calls.formats.language import detect_language, name_of, primary
from calls.redaction.languages.rules import VOCABULARIES

DEFAULT = "en"


@dataclass(frozen=True, slots=True)
class SpokenLanguages:
    """``ruled`` are those whose rules apply, ``others`` those without rules, as codes."""

    ruled: tuple[str, ...]
    others: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """A note about data that is not removed in the other languages; empty if there are none."""
        if not self.others:
            return ""
        names = " and ".join(map(name_of, self.others))
        return (
            f"There are no rules for {names}. Only data with a recognisable form was removed: "
            "cards, IBANs, phone numbers in digits and e-mail addresses."
        )


def spoken_languages(said: Sequence[tuple[Speaker, str]], declared: str) -> SpokenLanguages:
    """Return the declared language and those detected in all words, or in one side's."""
    texts = [text for _, text in said]
    sides = [[text for who, text in said if who == speaker] for speaker in SPEAKERS]
    found = dict.fromkeys(detect_language(" ".join(each)) for each in (texts, *sides) if each)
    found.pop("", None)
    site = primary(declared)
    if not found:
        return _sorted([site] if site else [DEFAULT])
    return _sorted([*([site] if site in VOCABULARIES else []), *found])


def _sorted(codes: Sequence[str]) -> SpokenLanguages:
    codes = list(dict.fromkeys(codes))
    return SpokenLanguages(
        tuple(code for code in codes if code in VOCABULARIES),
        tuple(code for code in codes if code not in VOCABULARIES),
    )
