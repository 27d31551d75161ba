"""Limits for text calls: the words of audio calls, and of watched ones, must not wait for them.

A text call can contain anything: more than anybody could say, or signs that are not words.
"""

from __future__ import annotations

from collections.abc import Sequence

from calls.models import LiveUtterance

SHARE = 0.1  # of the time of this process, for text that nobody watches
MOST_SAVED_S = 0.1
LONGEST = 4_000  # characters of a call at once: four minutes of talk


class TextTime:
    """The time that is left for text that nobody watches. Times are in seconds."""

    def __init__(self) -> None:
        self._left = MOST_SAVED_S
        self._at = 0.0

    def is_left(self, clock: float) -> bool:
        self._left = min(MOST_SAVED_S, self._left + SHARE * max(0.0, clock - self._at))
        self._at = clock
        return self._left > 0

    def spend(self, seconds: float) -> None:
        self._left -= seconds


def newest(
    utterances: Sequence[LiveUtterance],
) -> tuple[Sequence[LiveUtterance], list[LiveUtterance]]:
    """Split utterances into those that are too many to be read live, and the newest ones."""
    length = 0
    for place in range(len(utterances) - 1, -1, -1):
        length += len(utterances[place].text)
        if length > LONGEST:
            return utterances[: place + 1], list(utterances[place + 1 :])
    return (), list(utterances)
