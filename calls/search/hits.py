"""Hits within a call: the turns, results and notes that match a query, with excerpts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calls.models import Analysis, Note
from calls.search.index import Where, result_texts_of
from calls.search.query import EVERYWHERE, NOTE, SIDES, SUMMARY, Node, Term, wanted_terms
from calls.search.words import StoredWord, split

EXCERPT_LENGTH = 240
LEAD = 80  # characters before the first match

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text or a part of it, and the matching spans. Plain text, not HTML."""

    text: str
    spans: tuple[Span, ...] = ()

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The text in pieces, each with whether it matches."""
        pieces, place = [], 0
        for begin, end in self.spans:
            pieces += [(self.text[place:begin], False), (self.text[begin:end], True)]
            place = end
        pieces.append((self.text[place:], False))
        return [piece for piece in pieces if piece[0]]


@dataclass(frozen=True, slots=True)
class Hit:
    """A matching turn, result or note. Only turns have a turn number and times.

    ``name`` is the name of the insight or the author of the note, ``note`` the key of the note.
    """

    where: Where
    excerpt: Excerpt
    text: str
    name: str = ""
    note: int | None = None
    turn: int | None = None
    begin_ms: int | None = None
    end_ms: int | None = None
    sentiment: str = ""

    @property
    def begin_s(self) -> str:
        """The start in seconds, as used in URLs."""
        return f"{(self.begin_ms or 0) / 1000:.3f}"


@dataclass(frozen=True, slots=True)
class Hits:
    """The best hits of a call, in the order of the call, and the number of all hits."""

    best: list[Hit]
    count: int

    @property
    def more(self) -> int:
        return self.count - len(self.best)


def find_hits(
    analysis: Analysis | None, node: Node, *, notes: Sequence[Note] = (), limit: int | None = None
) -> Hits:
    """Find the hits in a call. The best ones match the most terms; among equals, the first wins."""
    terms = terms_by_side(node)
    found = list(_find(analysis, terms)) if analysis else []
    found[:0] = _find_noted(notes, terms[NOTE])
    # Chosen by score, but shown in the order of the call, so that they read as a conversation.
    best = sorted(range(len(found)), key=lambda at: (-found[at][0], at))[:limit]
    return Hits([found[at][1] for at in sorted(best)], len(found))


def terms_by_side(node: Node) -> dict[str, list[Term]]:
    """Return the terms to find on each side."""
    # A word that is asked for twice counts once in the score.
    terms = list(dict.fromkeys(wanted_terms(node)))
    return {side: [term for term in terms if side in term.sides] for side in EVERYWHERE}


def mark(text: str, terms: Sequence[Term]) -> Excerpt:
    """Return a whole text with the spans that match the terms."""
    return Excerpt(text, tuple(_match(text, terms)[1]))


def _find(analysis: Analysis, terms: Mapping[str, Sequence[Term]]) -> Iterator[tuple[int, Hit]]:
    """Yield each hit with the number of terms that it matches."""
    told_before: list[str] = []
    for where, text, name in result_texts_of(analysis) if terms[SUMMARY] else ():
        score, spans = _match(text, terms[SUMMARY])
        # A summary may repeat insights, and keywords occur in both.
        if spans and not any(text in told for told in told_before):
            told_before.append(text)
            yield score, Hit(where, cut(text, spans), text, name)
    for number, turn in enumerate(analysis.turns):
        score, spans = _match(turn["text"], terms[SIDES[turn["speaker"]]])
        if spans:
            yield score, _said(number, turn, spans)


def _find_noted(notes: Sequence[Note], terms: Sequence[Term]) -> Iterator[tuple[int, Hit]]:
    for note in notes:
        score, spans = _match(note.text, terms)
        if spans:
            yield score, Hit("note", cut(note.text, spans), note.text, note.author, note.pk)


def _said(number: int, turn: dict[str, Any], spans: list[Span]) -> Hit:
    return Hit(
        turn["speaker"],
        cut(turn["text"], spans),
        turn["text"],
        turn=number,
        begin_ms=turn["begin_ms"],
        end_ms=turn["end_ms"],
        sentiment=turn.get("sentiment") or "",
    )


def _match(text: str, terms: Sequence[Term]) -> tuple[int, list[Span]]:
    """Return how many of the terms match a text, and the spans, without overlaps."""
    if not terms:
        return 0, []
    words = list(split(text))
    found = [spans for term in terms if (spans := _spans_of(term, words))]
    return len(found), _merged(sorted(span for spans in found for span in spans))


def _spans_of(term: Term, words: Sequence[StoredWord]) -> list[Span]:
    length = len(term.words)
    return [
        (words[at].begin, words[at + length - 1].end)
        for at in range(len(words) - length + 1)
        if _begins(term, words, at)
    ]


def _begins(term: Term, words: Sequence[StoredWord], at: int) -> bool:
    last = len(term.words) - 1
    for offset, wanted in enumerate(term.words):
        said = words[at + offset].text
        if said != wanted and not (term.is_open and offset == last and said.startswith(wanted)):
            return False
    return True


def _merged(spans: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for begin, end in spans:
        # Two terms may match the same words, and HTML cannot overlap its marks.
        if merged and begin < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def cut(text: str, spans: Sequence[Span]) -> Excerpt:
    """Return the part of a text around the first spans, cut at word boundaries."""
    if len(text) <= EXCERPT_LENGTH:
        return Excerpt(text, tuple(spans))
    first = spans[0][0] if spans else 0
    begin = max(0, min(first - LEAD, len(text) - EXCERPT_LENGTH))
    end = min(len(text), begin + EXCERPT_LENGTH)
    if begin:
        # At the next space, so that no word is cut; the first match stays inside.
        begin = max(begin, text.find(" ", begin, first) + 1)
    if end < len(text):
        space = text.rfind(" ", spans[0][1] if spans else begin, end)
        end = space if space > 0 else end
    before, after = "…" if begin else "", "…" if end < len(text) else ""
    shift = len(before) - begin
    kept = tuple((b + shift, min(e, end) + shift) for b, e in spans if begin <= b < end)
    return Excerpt(f"{before}{text[begin:end]}{after}", kept)
