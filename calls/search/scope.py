"""Where a search looks: whose words, and in what."""

from __future__ import annotations

from calls.search.query import EVERYWHERE, SIDES, NotUnderstood

SPEAKERS = ["", "agent", "customer"]
PLACES = ["", "transcript", "summary", "note"]


def sides_of(*, speaker: str = "", place: str = "") -> str:
    """Return the sides to look at. Raises NotUnderstood if there is none."""
    if speaker and place in ("summary", "note"):
        raise NotUnderstood(
            f"Nobody says the {place}: leave out the speaker, or search transcripts."
        )
    return SIDES[speaker or place] if speaker or place else EVERYWHERE
