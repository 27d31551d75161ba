"""The scope of a search: which speaker, and which kind of text."""

from __future__ import annotations

from calls.search.query import EVERYWHERE, SIDES, NotUnderstood

SPEAKERS = ["", "agent", "customer"]
PLACES = ["", "transcript", "summary", "note"]


def sides_of(*, speaker: str = "", place: str = "") -> str:
    """Return the sides to search. Raises NotUnderstood if there is none."""
    if speaker and place in ("summary", "note"):
        raise NotUnderstood(
            f"Nobody says the {place}: leave out the speaker, or search transcripts."
        )
    return SIDES[speaker or place] if speaker or place else EVERYWHERE
