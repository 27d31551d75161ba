"""From words recognised live or now to the turns of one side, as the local provider makes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise

from calls.analysis.live.reuse.placing import Placed
from calls.analysis.live.reuse.remainder import Remainder
from calls.analysis.providers.voice import WORD_GAP_MS, snap_to_edges
from calls.conversation import Span, Speaker, Turn, Word

_OVERHANG_MS = 500  # a word may begin before its utterance, if that was cut off without a pause


@dataclass(frozen=True, slots=True)
class Passage:
    """Words of one side that follow one another. ``words`` is empty if they have no times."""

    span: Span
    text: str
    words: tuple[Word, ...] = ()


def heard_live(placed: Placed, rate: int) -> Passage:
    """Return an utterance at its place in the finished call."""
    known = placed.known
    span = span_of(placed, rate)
    shift = span.begin_ms - known.begin_ms
    words = (_clamped(word, shift, span) for word in known.words)
    return Passage(span, known.text, tuple(words))


def span_of(placed: Placed, rate: int) -> Span:
    return Span(round(placed.begin * 1000 / rate), round(placed.end * 1000 / rate))


def _clamped(word: Word, shift: int, span: Span) -> Word:
    begin, end = (
        min(max(moment + shift, span.begin_ms - _OVERHANG_MS), span.end_ms + _OVERHANG_MS)
        for moment in (word.begin_ms, word.end_ms)
    )
    return replace(word, begin_ms=begin, end_ms=end)


def heard_now(turn: Turn, remainder: Remainder) -> Iterator[Passage]:
    """Yield the parts of a turn of the remainder that are not its context, placed in the call."""
    if not turn.words:
        span = remainder.in_call(turn)
        if remainder.is_inside(span):
            yield Passage(span, turn.text)
        return
    moved = [_moved(word, remainder.in_call(word)) for word in turn.words]
    cuts = [
        index
        for index, (before, word) in enumerate(pairwise(moved), start=1)
        if remainder.is_inside(before) != remainder.is_inside(word)
    ]
    for passage in _cut(Passage(Span(turn.begin_ms, turn.end_ms), turn.text, tuple(moved)), cuts):
        if remainder.is_inside(passage.words[0]):
            yield passage


def _moved(word: Word, span: Span) -> Word:
    return replace(word, begin_ms=span.begin_ms, end_ms=span.end_ms)


def turns_of(
    speaker: Speaker, passages: Iterable[Passage], speech: Sequence[Span]
) -> Iterator[Turn]:
    """Yield turns that are split at long pauses, and start and end with the speech."""
    pieces = chain.from_iterable(map(_split, _once(passages)))
    ordered = sorted(pieces, key=lambda piece: piece.span.begin_ms)
    homes = [_home(piece, speech) for piece in ordered]
    for index, (piece, home) in enumerate(zip(ordered, homes, strict=True)):
        first = index == 0 or homes[index - 1] is not home
        last = index + 1 == len(homes) or homes[index + 1] is not home
        span = snap_to_edges(piece.span, home, first=first, last=last) if home else piece.span
        yield Turn(speaker, span.begin_ms, span.end_ms, piece.text, piece.words)


def _once(passages: Iterable[Passage]) -> Iterator[Passage]:
    """Leave out a word with which a passage begins and the one before it ends: where speech was
    cut off without a pause, both may contain it.
    """
    last: Word | None = None
    for passage in sorted(passages, key=lambda each: each.span.begin_ms):
        rest = passage
        if last and passage.words and _is_same(last, passage.words[0]):
            if len(passage.words) == 1:
                continue
            _, rest = _cut(passage, [1])
        last = rest.words[-1] if rest.words else None
        yield rest


def _is_same(last: Word, word: Word) -> bool:
    overlap = min(last.end_ms, word.end_ms) - max(last.begin_ms, word.begin_ms)
    shorter = min(last.end_ms - last.begin_ms, word.end_ms - word.begin_ms)
    return 2 * overlap >= shorter > 0 and _plain(last) == _plain(word)


def _plain(word: Word) -> str:
    return "".join(filter(str.isalnum, word.text)).casefold()


def _home(piece: Passage, speech: Sequence[Span]) -> Span | None:
    """Return the speech in which a passage lies."""
    middle = (piece.span.begin_ms + piece.span.end_ms) / 2
    return next((span for span in speech if span.begin_ms <= middle < span.end_ms), None)


def _split(passage: Passage) -> Iterator[Passage]:
    pauses = [
        index
        for index, (before, word) in enumerate(pairwise(passage.words), start=1)
        if word.begin_ms - before.end_ms > WORD_GAP_MS
    ]
    return _cut(passage, pauses)


def _cut(passage: Passage, cuts: Sequence[int]) -> Iterator[Passage]:
    """Cut a passage before the words with these numbers."""
    if not passage.words:
        yield passage
        return
    begins = _begins(passage)
    for first, end in pairwise([0, *cuts, len(passage.words)]):
        words = passage.words[first:end]
        if begins is None:
            text = " ".join(word.text for word in words) if cuts else passage.text
        else:
            text = passage.text[begins[first] : begins[end]]
        yield Passage(Span(words[0].begin_ms, words[-1].end_ms), " ".join(text.split()), words)


def _begins(passage: Passage) -> list[int] | None:
    """Return where in the text each word starts, and where the text ends; None if a word is not
    in it. The text has the punctuation, and the spaces as the language has them.
    """
    begins, at = [], 0
    for word in passage.words:
        begin = passage.text.find(word.text, at)
        if begin < 0:
            return None
        begins.append(begin)
        at = begin + len(word.text)
    return [0, *begins[1:], len(passage.text)]
