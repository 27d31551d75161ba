"""What search can find of a call: the words of its newest analysis, which is redacted.

An entry is written in the transaction that stores the analysis, and goes with the call. Notes and
tags are not in it: they change by themselves, and tags are filtered by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from calls.models import Analysis, IndexedWords, SearchEntry
from calls.models.search import BREAK
from calls.search.query import AGENT, CUSTOMER, SIDES, SUMMARY
from calls.search.words import split

# Another number makes every entry anew: when words are taken from texts in another way.
EDITION = 1
# PostgreSQL keeps positions up to 16,383 and 255 of them for a word. What is beyond is found as a
# word and not in a phrase, on SQLite as well.
MAX_PLACES = 16_000
MAX_PLACES_OF_WORD = 255
# A tsvector holds 1 MiB, of which positions take up to 100 KB.
MAX_BYTES = 600_000

INDEXED = ("turns", "summary", "keywords", "insights")
# Where a text comes from.
Where = Literal["agent", "customer", "summary", "insight", "keyword"]


def texts_of(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """Yield side and text of everything that can be found."""
    for turn in analysis.turns:
        yield SIDES[turn["speaker"]], turn["text"]
    for finding in findings_of(analysis):
        yield SUMMARY, finding.text


class Finding(NamedTuple):
    """What the AI has written about a call: as what, for an insight under which name."""

    where: Where
    text: str
    name: str = ""


def findings_of(analysis: Analysis) -> Iterator[Finding]:
    """Yield everything that the AI has written about the call."""
    yield Finding("summary", analysis.summary)
    for name, answer in analysis.insights.items():
        yield Finding("insight", str(answer), name)
    for keyword in analysis.keywords:
        yield Finding("keyword", keyword)


def words_of(analysis: Analysis) -> IndexedWords:
    """Return the words of an analysis, each behind the letter of its side."""
    gathering = _Gathering()
    for side, text in texts_of(analysis):
        gathering.add(side, text)
    return gathering.result()


class _Gathering:
    """Words as far as there is room for them."""

    def __init__(self) -> None:
        self._placed: dict[str, list[str]] = {AGENT: [], CUSTOMER: [], SUMMARY: []}
        self._counts: dict[str, int] = {}
        self._loose: dict[str, None] = {}
        self._room = MAX_BYTES

    def add(self, side: str, text: str) -> None:
        placed, counts = self._placed[side], self._counts
        for word in split(text):
            lexeme = f"{side}{word.text}" if word.text else BREAK
            count = counts.get(lexeme, 0)
            if lexeme == BREAK:
                placed.append(BREAK)
            elif len(placed) < MAX_PLACES and count < MAX_PLACES_OF_WORD:
                if count or self._has_room(lexeme):
                    counts[lexeme] = count + 1
                    placed.append(lexeme)
            else:
                placed.append(BREAK)
                if not count and lexeme not in self._loose and self._has_room(lexeme):
                    self._loose[lexeme] = None
        placed.append(BREAK)
        del placed[MAX_PLACES:]

    def _has_room(self, lexeme: str) -> bool:
        self._room -= len(lexeme.encode())
        return self._room >= 0

    def result(self) -> IndexedWords:
        sides = {side: tuple(words) for side, words in self._placed.items() if words}
        loose = tuple(word for word in self._loose if word not in self._counts)
        return IndexedWords(sides, loose)


def write_entries(analyses: Iterable[Analysis], words: Mapping[int, IndexedWords]) -> None:
    """Write or replace the entries of calls, whose rows the transaction has locked."""
    SearchEntry.objects.bulk_create(
        [
            SearchEntry(
                call_id=analysis.call_id,
                version=analysis.version,
                edition=EDITION,
                words=words[analysis.call_id],
            )
            for analysis in analyses
        ],
        update_conflicts=True,
        unique_fields=["call"],
        update_fields=["version", "edition", "words"],
    )


def words_of_fields(fields: Mapping[str, Any]) -> IndexedWords:
    """Return the words of an analysis that is not stored yet."""
    return words_of(Analysis(**{name: fields[name] for name in INDEXED if name in fields}))
