"""Scores the sentiment of live words within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calls.analysis.live.figures import score_turns
from calls.conversation import Sentiment, Turn

SPARE_SCORES = 1


@dataclass(slots=True)
class Judge:
    """Scores texts. ``spare`` bounds those of unwatched text calls in one round."""

    spare: int = SPARE_SCORES

    def score(
        self, turns: Sequence[Turn], *, language: str, heard: Sequence[Turn]
    ) -> Sequence[Sentiment | None]:
        return score_turns(turns, language=language, heard=heard) if turns else ()
