"""The search index: one entry per call, with the words of its newest analysis and its notes.

All words are redacted. The entry is written in the transaction that stores the analysis or note,
and is deleted with the call. Tags are not indexed; search filters by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from calls.models import Analysis, Call, IndexedWords, Note, SearchEntry
from calls.models.search import BREAK
from calls.search.query import NOTE, SIDES, SUMMARY
from calls.search.words import split

# Increase this number when ``words`` changes: it causes all entries to be made again.
EDITION = 3
NO_ANALYSIS = 0  # the version of an entry that has only notes
# PostgreSQL keeps positions up to 16,383 and 255 of them for a word. Words beyond that match
# alone but not in a phrase, on SQLite too.
MAX_PLACES = 16_000
MAX_PLACES_OF_WORD = 255
# A tsvector holds 1 MiB, of which positions take up to 350 KB.
MAX_BYTES = 550_000
MAX_BYTES_OF_NOTES = 100_000

INDEXED = ("turns", "summary", "keywords", "insights")
NO_WORDS = IndexedWords({})
# The source of a text.
Where = Literal["agent", "customer", "summary", "insight", "keyword", "note"]


def texts_of(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """Yield side and text of everything that is indexed."""
    for turn in analysis.turns:
        yield SIDES[turn["speaker"]], turn["text"]
    for written in result_texts_of(analysis):
        yield SUMMARY, written.text


class ResultText(NamedTuple):
    """A text that the AI wrote about a call. ``name`` is the name of an insight."""

    where: Where
    text: str
    name: str = ""


def result_texts_of(analysis: Analysis) -> Iterator[ResultText]:
    """Yield the summary, the insights and the keywords of an analysis."""
    yield ResultText("summary", analysis.summary)
    for name, answer in analysis.insights.items():
        yield ResultText("insight", str(answer), name)
    for keyword in analysis.keywords:
        yield ResultText("keyword", keyword)


def words_of(analysis: Analysis) -> IndexedWords:
    """Return the words of an analysis, each prefixed with the letter of its side."""
    gathering = _Gathering(MAX_BYTES)
    for side, text in texts_of(analysis):
        gathering.add(side, text)
    return gathering.result()


def _words_of_notes(pks: Iterable[int]) -> dict[int, IndexedWords]:
    """Return the words of the notes of those calls that have any."""
    gatherings: dict[int, _Gathering] = {}
    notes = Note.objects.filter(call__in=pks).order_by("pk").values_list("call_id", "text")
    for pk, text in notes:
        gatherings.setdefault(pk, _Gathering(MAX_BYTES_OF_NOTES)).add(NOTE, text)
    return {pk: gathering.result() for pk, gathering in gatherings.items()}


class _Gathering:
    """Collects words until the limit is reached."""

    def __init__(self, room: int) -> None:
        self._placed: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}
        self._loose: dict[str, None] = {}
        self._room = room

    def add(self, side: str, text: str) -> None:
        placed, counts = self._placed.setdefault(side, []), self._counts
        for word in split(text):
            lexeme = f"{side}{word.text}" if word.text else BREAK
            count = counts.get(lexeme, 0)
            if lexeme == BREAK:
                placed.append(BREAK)
            elif len(placed) < MAX_PLACES and count < MAX_PLACES_OF_WORD:
                # A word takes room once; its positions are limited separately.
                if count or self._has_room(lexeme):
                    counts[lexeme] = count + 1
                    placed.append(lexeme)
            else:
                placed.append(BREAK)
                if not count and lexeme not in self._loose and self._has_room(lexeme):
                    self._loose[lexeme] = None
        placed.append(BREAK)
        # Breaks are added beyond the limit, too.
        del placed[MAX_PLACES:]

    def _has_room(self, lexeme: str) -> bool:
        self._room -= len(lexeme.encode())
        return self._room >= 0

    def result(self) -> IndexedWords:
        sides = {side: tuple(words) for side, words in self._placed.items() if words}
        loose = tuple(word for word in self._loose if word not in self._counts)
        return IndexedWords(sides, loose)


def write_entries(analyses: Iterable[Analysis], words: Mapping[int, IndexedWords]) -> None:
    """Write or replace the entries of calls. Lock their rows first, in the same transaction.

    ``words`` holds the words of the analyses by call. The words of the notes are added here.
    """
    versions = {analysis.call_id: analysis.version for analysis in analyses}
    noted = _words_of_notes(versions)
    _save(versions, {pk: _both(words[pk], noted.get(pk, NO_WORDS)) for pk in versions})


def write_notes(pks: Sequence[int]) -> None:
    """Write or replace the entries of calls without an analysis. Without notes, remove them."""
    noted = _words_of_notes(pks)
    SearchEntry.objects.filter(call__in=pks).exclude(call__in=list(noted)).delete()
    _save(dict.fromkeys(noted, NO_ANALYSIS), noted)


def index_notes(call: Call) -> None:
    """Update the entry of a call after a change of its notes. Lock its row first."""
    analysis = call.analyses.order_by("-version").only("call_id", "version", *INDEXED).first()
    if analysis is None:
        write_notes([call.pk])
    else:
        write_entries([analysis], {call.pk: words_of(analysis)})


def _both(one: IndexedWords, other: IndexedWords) -> IndexedWords:
    return IndexedWords({**one.sides, **other.sides}, (*one.loose, *other.loose))


def _save(versions: Mapping[int, int], words: Mapping[int, IndexedWords]) -> None:
    SearchEntry.objects.bulk_create(
        [
            SearchEntry(call_id=pk, version=version, edition=EDITION, words=words[pk])
            for pk, version in versions.items()
        ],
        update_conflicts=True,
        unique_fields=["call"],
        update_fields=["version", "edition", "words"],
    )


def words_of_fields(fields: Mapping[str, Any]) -> IndexedWords:
    """Return the words of an analysis that has not been stored yet."""
    return words_of(Analysis(**{name: fields[name] for name in INDEXED if name in fields}))
