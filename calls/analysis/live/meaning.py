"""What the words of a live call mean, and which of them may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calls.conversation import Sentiment, Span, Speaker, Turn

LiveWords = Turn


def clear(utterances: Sequence[LiveWords], *, language: str, now_ms: int) -> list[str | None]:
    return [None for _ in utterances]


def live_figures(
    utterances: Sequence[Any], *, duration_ms: int, speech: Mapping[Speaker, Sequence[Span]]
) -> dict[str, Any]:
    return {}


def score_texts(texts: Sequence[str], *, language: str) -> list[Sentiment | None]:
    return [None for _ in texts]
