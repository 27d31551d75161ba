"""Which turns the local models can judge: those in English."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from calls.conversation import SPEAKERS, Turn
from calls.formats.language import detect_language, name_of, primary

JUDGED = "en"


def languages_of_turns(
    turns: Sequence[Turn], declared: str, *, heard: Sequence[Turn] = ()
) -> list[str]:
    """Return the language of each turn.

    A turn is judged only if neither the declared language nor its words speak against English:
    another declared language is that of all turns. A turn of a few words is in the language of its
    side, or else of the call. ``heard`` holds the turns of the call so far, if ``turns`` are only
    its newest.
    """
    if primary(declared) not in ("", JUDGED):
        return [primary(declared)] * len(turns)
    known = heard or turns
    call = detect_language(" ".join(turn.text for turn in known)) or JUDGED
    sides = {
        speaker: detect_language(" ".join(turn.text for turn in known if turn.speaker == speaker))
        for speaker in SPEAKERS
    }
    return [detect_language(turn.text) or sides[turn.speaker] or call for turn in turns]


def unjudged_language(turns: Sequence[Turn], languages: Sequence[str]) -> str:
    """Return the language of a side of which no turn can be judged; empty if there is none."""
    spoken = Counter[str]()
    for speaker in SPEAKERS:
        pairs = zip(turns, languages, strict=True)
        own = [language for turn, language in pairs if turn.speaker == speaker]
        if JUDGED not in own:
            spoken.update(own)
    return spoken.most_common(1)[0][0] if spoken else ""


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
        f"Sentiment not known in {turns} ({names}): this site judges English only. "
        "Summary and keywords are made for English only as well."
    )
