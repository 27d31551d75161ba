"""Scores the sentiment of live words within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calls.analysis.live.figures import score_texts
from calls.conversation import Sentiment

SPARE_SCORES = 1


@dataclass(slots=True)
class Judge:
    """Scores texts. ``spare`` bounds those of unwatched text calls in one round."""

    spare: int = SPARE_SCORES

    def score(self, texts: Sequence[str], *, language: str) -> Sequence[Sentiment | None]:
        return score_texts(texts, language=language) if texts else ()
