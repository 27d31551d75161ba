"""Keywords of a call, and the filter for content words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from calls.conversation import Turn

DATA = Path(__file__).parent / "data"
MAX_KEYWORDS = 8
MAX_CHARACTERS = 300_000  # five hours of talk, half a second of work; it grows with the square
_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_PLACEHOLDER = re.compile(r"\[[A-Z_]+\]")
_NO_WORD = re.compile(r"\w{100,}")  # the time of the ranking grows with the square of a word, too
_NUMBER_WORD = re.compile(
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|"
    r"(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand|million|double|triple|"
    r"first|second|third|\w+(?:teen|if|igh|in|ix|seven|ur|el|elf|tie)th|dot|dash|underscore)"
)
_STOP_WORDS = frozenset((DATA / "stop_words.txt").read_text().split())


def keywords(turns: Sequence[Turn]) -> tuple[str, ...]:
    """Return at most eight words or short phrases, the most relevant first, in lower case."""
    told = turns[1:] if len(turns) > 2 and turns[0].speaker == "agent" else turns
    # Agents open with the names of the company and its people.
    text = _PLACEHOLDER.sub(" ", " ".join(turn.text for turn in told))[:MAX_CHARACTERS]
    text = _NO_WORD.sub(" ", text)
    if not text.strip():
        return ()
    phrases = _ranked_phrases(text) or _frequent_words(text)
    return tuple(_distinct(phrases))[:MAX_KEYWORDS]


def _ranked_phrases(text: str) -> list[str]:
    try:
        from rapid_textrank import extract_keywords
    except ImportError:
        return []
    found = extract_keywords(text, top_n=4 * MAX_KEYWORDS, language="en")
    return [" ".join(content_words(phrase.text)) for phrase in found]


def _frequent_words(text: str) -> list[str]:
    words = content_words(text)
    return [word for word, _ in Counter(words).most_common(2 * MAX_KEYWORDS)]


def content_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without stop words and numbers."""
    return [
        word
        for word in _TOKEN.findall(text.lower())
        if len(word) > 2 and word not in _STOP_WORDS and not _NUMBER_WORD.fullmatch(word)
    ]


def _distinct(phrases: Sequence[str]) -> list[str]:
    """Drop phrases that only repeat a part of an earlier phrase."""
    kept: list[str] = []
    for phrase in phrases:
        words = {word.rstrip("s") for word in phrase.split()}
        known = [{word.rstrip("s") for word in before.split()} for before in kept]
        if words and not any(words <= before for before in known):
            kept.append(phrase)
    return kept
