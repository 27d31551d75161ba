"""Which turns the local models can judge: those in English."""

from __future__ import annotations

from collections.abc import Sequence

from calls.conversation import SPEAKERS, Turn
from calls.formats.language import detect_language, name_of, primary

JUDGED = "en"


def languages_of_turns(turns: Sequence[Turn], declared: str) -> list[str]:
    """Return the language of each turn.

    A turn of a few words is in the language of its side, or else of the call. ``declared`` counts
    only if the words do not tell.
    """
    call = detect_language(" ".join(turn.text for turn in turns)) or primary(declared) or JUDGED
    sides = {
        speaker: detect_language(" ".join(turn.text for turn in turns if turn.speaker == speaker))
        for speaker in SPEAKERS
    }
    return [detect_language(turn.text) or sides[turn.speaker] or call for turn in turns]


def not_judged(languages: Sequence[str]) -> str:
    """Return which turns were not judged and why, for people; empty if all were."""
    others = [language for language in languages if language != JUDGED]
    if not others:
        return ""
    names = " and ".join(sorted({name_of(language) for language in others}))
    turns = (
        "all turns" if len(others) == len(languages) else f"{len(others)} of {len(languages)} turns"
    )
    return (
        f"Sentiment not known in {turns} ({names}): this site judges English only. Its summary and "
        "keywords are made for English as well."
    )
