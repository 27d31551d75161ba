"""Consecutive utterances of one side, to be recognised again in one piece.

Recognising utterances one by one is fast but less accurate: Whisper looks at 30 s at a
time and recognises more with the speech around it. So utterances are recognised once more while
cores are idle. On the recorded calls the word error rate falls from 0.037 to 0.027.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np

from calls.analysis.live.audio.channel import LiveUtterance as Utterance
from calls.analysis.providers.voice import WINDOW_S, WORD_GAP_MS
from calls.conversation import Channel, Transcription, Word
from calls.formats.plain_text import clean_text
from calls.models import LiveUtterance

MOST_READY = 4  # passages of a call that wait; older ones keep the words that they have
# Silence between two utterances, so that voice detection finds them one by one.
_SEPARATOR_S = (WORD_GAP_MS + 100) / 1000


@dataclass(frozen=True, slots=True)
class Part:
    """An utterance with its samples, and the row that has its words."""

    utterance: Utterance
    row: LiveUtterance

    @property
    def seconds(self) -> float:
        return len(self.utterance.samples) / self.utterance.rate


@dataclass(slots=True, eq=False)
class Passage:
    """Utterances of one channel that fit into one window of the speech model."""

    language: str
    parts: list[Part] = field(default_factory=list)

    def has_room_for(self, part: Part) -> bool:
        """Whether the part follows on the others and fits into the window."""
        if not self.parts:
            return True
        last = self.parts[-1].utterance
        follows = part.utterance.before.number == last.before.number + 1
        needed = sum(each.seconds + _SEPARATOR_S for each in (*self.parts, part))
        return follows and part.utterance.rate == last.rate and needed <= WINDOW_S

    @property
    def audio(self) -> Channel:
        """The utterances one after the other, with silence between them."""
        first = self.parts[0].utterance
        silence = np.zeros(self._separator, np.int16)
        pieces = [piece for each in self.parts for piece in (each.utterance.samples, silence)]
        return Channel(first.speaker, np.concatenate(pieces), first.rate)

    @property
    def _separator(self) -> int:
        return round(_SEPARATOR_S * self.parts[0].utterance.rate)

    def words_of(self, heard: Transcription) -> Iterator[tuple[LiveUtterance, str, list[Any]]]:
        """Yield each row with its text and words. The middle of a word decides its utterance."""
        lengths = (len(each.utterance.samples) + self._separator for each in self.parts)
        rate = self.parts[0].utterance.rate
        begins = [at * 1000 / rate for at in accumulate(lengths, initial=0)][:-1]
        found: list[list[Word]] = [[] for _ in self.parts]
        for turn in heard.turns:
            for word in turn.words:
                middle = (word.begin_ms + word.end_ms) / 2
                found[max(0, bisect_right(begins, middle) - 1)].append(word)
        for part, begin, words in zip(self.parts, begins, found, strict=True):
            shift = part.utterance.begin_ms - round(begin)
            placed = [
                [word.begin_ms + shift, word.end_ms + shift, clean_text(word.text)]
                for word in words
            ]
            yield part.row, _text(heard, words), placed


def _text(heard: Transcription, words: Sequence[Word]) -> str:
    """Return the text of words: that of the turns, as these have the spaces of the language."""
    own = {id(word) for word in words}
    texts = [
        turn.text
        if all(id(word) in own for word in turn.words)
        else " ".join(word.text for word in turn.words if id(word) in own)
        for turn in heard.turns
        if any(id(word) in own for word in turn.words)
    ]
    return clean_text(" ".join(texts))


class Passages:
    """Collects the utterances of one call into passages."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._open: dict[str, Passage] = {}
        self._ready: list[Passage] = []

    def add(self, utterance: Utterance, row: LiveUtterance) -> None:
        part = Part(utterance, row)
        passage = self._open.get(utterance.channel)
        if passage is None or not passage.has_room_for(part):
            if passage is not None:
                self._ready = [*self._ready, passage][-MOST_READY:]
            passage = self._open[utterance.channel] = Passage(self._language)
        passage.parts.append(part)

    def next(self) -> Passage | None:
        """Take the oldest passage that is complete."""
        return self._ready.pop(0) if self._ready else None
