"""The live words of a call, as turns and as its last words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calls.analysis.live.audio.channel import LiveUtterance as Utterance
from calls.analysis.live.recogniser import Words
from calls.conversation import Turn, Word
from calls.formats.plain_text import cut_text
from calls.models import LiveUtterance

LAST_WORDS = 300


def turn_of(utterance: LiveUtterance) -> Turn:
    words = tuple(Word(*each) for each in utterance.words)
    speaker: Any = utterance.speaker
    return Turn(speaker, utterance.begin_ms, utterance.end_ms, utterance.text, words)


def guess_of(utterance: Utterance, found: Words) -> Turn:
    """Return the turn of an utterance that may still be in progress."""
    words = tuple(Word(*each) for each in found.words)
    return Turn(utterance.speaker, utterance.begin_ms, utterance.end_ms, found.text, words)


def last_words(known: Sequence[LiveUtterance]) -> dict[str, str]:
    """Return the fields that say who spoke last, and what may be shown of it."""
    for utterance in reversed(known):
        if utterance.shown:
            words = cut_text(utterance.shown, LAST_WORDS)
            return {"last_speaker": utterance.speaker, "last_words": words}
    return {}
