"""Calls revealed utterance by utterance, and words shown that are later removed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from calls.conversation import Turn, Word, join_turns
from calls.redaction.live import LiveWords, clear
from calls.redaction.redact import redact

WORD_MS = 300
# The finished call removes these as well where they are read as the country of an IBAN.
_WORDS_TOO = {"it", "is"}
_MARK = re.compile(r"\[[A-Z_]+\]")


def utterance(speaker: str, begin_ms: int, text: str) -> LiveWords:
    end_ms = begin_ms + WORD_MS * len(text.split())
    return LiveWords(speaker, begin_ms, end_ms, text)


def reveal(
    utterances: Sequence[LiveWords], *, language: str = "en"
) -> Iterator[tuple[int, list[str | None]]]:
    """Yield what is shown after each utterance, and at last when nobody says anything more."""
    for number in range(1, len(utterances) + 1):
        known = utterances[:number]
        yield number, clear(known, language=language, now_ms=known[-1].end_ms + 200)
    yield len(utterances), clear(utterances, language=language, now_ms=10**9)


def leaks(
    utterances: Sequence[LiveWords], *, language: str = "en", pauses: bool = True
) -> list[str]:
    """Return the words that were shown at any time and that the finished call does not show.

    Without ``pauses``, the finished transcript joins all that one side says in a row.
    """
    kept = kept_words(utterances, language, pauses=pauses)
    return sorted(
        {
            f"{utterances[place].text!r} was shown as {text!r}: {word}"
            for _, shown in reveal(utterances, language=language)
            for place, text in enumerate(shown)
            if text is not None
            for word, count in Counter(words_of(text)).items()
            if count > kept[place][word] and word not in _WORDS_TOO
        }
    )


def words_of(text: str) -> list[str]:
    return re.findall(r"[\w'@]+", _MARK.sub(" ", text).lower())


def kept_words(
    utterances: Sequence[LiveWords], language: str, *, pauses: bool
) -> list[Counter[str]]:
    """Return the words of each utterance that the redaction of the finished call keeps."""
    marked = [_numbered(place, each) for place, each in enumerate(utterances)]
    if not pauses:
        marked = [replace(each, begin_ms=at, end_ms=at) for at, each in enumerate(marked)]
    final = redact(join_turns(marked), language=language)
    kept: list[Counter[str]] = [Counter() for _ in utterances]
    for turn in final.turns:
        for word in turn.words:
            kept[word.begin_ms].update(words_of(word.text))
    return kept


def _numbered(place: int, each: LiveWords) -> Turn:
    """Return an utterance whose words have its number for their times."""
    return replace(each, words=tuple(Word(place, place, word) for word in each.text.split()))
