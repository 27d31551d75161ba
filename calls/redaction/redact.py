"""Redacting a conversation, before the AI, search, pages or exports see it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from calls.conversation import Speaker, Turn, Word
from calls.redaction.cues import asked_for, asks_for_record, cues_in
from calls.redaction.folding import Folded, fold
from calls.redaction.kinds import Kind
from calls.redaction.languages.rules import Rules, rules_for
from calls.redaction.personal_data import CARD_RUN, Detection, find_personal_data, harmless_numbers
from calls.redaction.spoken_languages import SpokenLanguages, spoken_languages
from calls.redaction.spoken_numbers import find_runs, has_digits, tokenize

# People read long numbers in pieces, and the listener repeats or nods.
_PIECE = 2
_NOD_WORDS = 4
_ECHO = 3
SECRET = 4
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Redaction:
    """One item that was removed from turn number ``turn``.

    The times are those of its words, for muting the audio, or those of the whole turn if words
    have no times.
    """

    turn: int
    kind: Kind
    begin_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Redacted:
    turns: tuple[Turn, ...]
    redactions: tuple[Redaction, ...]
    languages: SpokenLanguages


def redact(turns: Sequence[Turn], *, language: str = "") -> Redacted:
    """Replace personal data in texts and words by ``[CARD]``, ``[PHONE]``, ``[EMAIL]``...

    ``language`` is the declared one, such as ``de`` or ``en-GB``; empty if it is not known. The
    rules of the languages that the words show are used as well.

    What the other party asked for helps to recognise numbers. Personal data that was found once is
    also removed wherever it is repeated.
    """
    places = [_place_words(turn) for turn in turns]
    plain = [fold(text) for text, _ in places]
    spoken = spoken_languages(
        [(turn.speaker, each.text) for turn, each in zip(turns, plain, strict=True)], language
    )
    memory = Memory(rules_for(spoken.ruled))
    found = [
        memory.listen(turn.speaker, each.text) for turn, each in zip(turns, plain, strict=True)
    ]
    if memory.secrets:
        secrets = Secrets(list(memory.secrets.items()))
        found = [
            _with_repeated(each.text, here, secrets, memory.rules)
            for each, here in zip(plain, found, strict=True)
        ]
    results = [
        _apply(number, turn, *place, [_in_original(item, folded) for item in here])
        for number, (turn, place, folded, here) in enumerate(
            zip(turns, places, plain, found, strict=True)
        )
    ]
    return Redacted(
        tuple(turn for turn, _ in results),
        tuple(item for _, redactions in results for item in redactions),
        spoken,
    )


@dataclass
class Memory:
    """What the conversation so far says about the next turn."""

    rules: Rules
    asked: dict[Speaker, frozenset[Kind]] = field(default_factory=dict)
    last: dict[Speaker, list[Detection]] = field(default_factory=dict)
    secrets: dict[str, Kind] = field(default_factory=dict)
    harmless: set[str] = field(default_factory=set)
    # The speaker who was last asked for the number of a record, such as an order.
    asked_record: Speaker | None = None
    cues: frozenset[str] = frozenset()  # in the turn so far

    def copy(self) -> Memory:
        return replace(
            self,
            asked=dict(self.asked),
            last=dict(self.last),
            secrets=dict(self.secrets),
            harmless=set(self.harmless),
        )

    def listen(self, speaker: Speaker, text: str, *, goes_on: bool = False) -> list[Detection]:
        """Return the personal data in the next turn, or in the next piece of a long one."""
        other: Speaker = "agent" if speaker == "customer" else "customer"
        asked = self.asked.get(speaker, frozenset())
        shortest = _PIECE if _mostly_digits(text, self.rules) else SECRET
        self.cues = cues_in(text, self.rules) | (self.cues if goes_on else frozenset())
        found = find_personal_data(text, self.rules, asked, shortest=shortest, cues=self.cues)
        if self.asked_record == speaker and _is_bare_answer(text, self.rules):
            self.harmless |= {item.digits for item in found if _may_be_record(item)}
        # The listener repeats an order number to confirm it.
        found = [item for item in found if item.digits not in self.harmless]
        found = found or self._echo(other, text)
        self.harmless |= harmless_numbers(text, self.rules)
        self._remember(speaker, other, text, found, goes_on=goes_on)
        return found

    def _remember(
        self,
        speaker: Speaker,
        other: Speaker,
        text: str,
        found: list[Detection],
        *,
        goes_on: bool,
    ) -> None:
        for item in found:
            if len(item.digits) >= SECRET and item.kind != "DATE":
                self.secrets.setdefault(item.digits, item.kind)
        question, record = asked_for(text, self.rules), asks_for_record(text, self.rules)
        if goes_on:
            question |= self.asked.get(other, frozenset())
            record = (record or self.asked_record == other) and not question
        if question or record or not is_nod(text, found):
            self.asked[other] = question
            self.asked_record = other if record else None
        if found and _mostly_digits(text, self.rules):
            # More pieces of the same number may follow.
            self.asked[speaker] = self.asked.get(speaker) or frozenset({found[-1].kind})
        self.last[speaker] = [*self.last.get(speaker, ()), *found] if goes_on else found

    def _echo(self, other: Speaker, text: str) -> list[Detection]:
        """Return the short runs that repeat what the other party has just said."""
        heard = [(item.digits, item.kind) for item in self.last.get(other, ()) if item.digits]
        return _repeats(text, Secrets(heard), _ECHO, self.rules) if heard else []


class Secrets:
    """Numbers that were removed, to be found again as a whole or in part."""

    def __init__(self, known: Sequence[tuple[str, Kind]]) -> None:
        self._kinds = [kind for _, kind in known]
        self._digits = "|".join(digits for digits, _ in known)
        self._begins = list(accumulate((len(digits) + 1 for digits, _ in known), initial=0))

    def kind_of(self, digits: str) -> Kind | None:
        place = self._digits.find(digits)
        return self._kinds[bisect_right(self._begins, place) - 1] if place >= 0 else None


def _with_repeated(
    text: str, found: list[Detection], secrets: Secrets, rules: Rules
) -> list[Detection]:
    """Add personal data of other turns that is repeated in this turn."""
    begins, ends = [old.begin for old in found], [old.end for old in found]
    # Detections are in order and do not overlap.
    new = [
        item
        for item in _repeats(text, secrets, SECRET, rules)
        if bisect_left(begins, item.end) == bisect_right(ends, item.begin)
    ]
    return sorted([*found, *new], key=lambda item: item.begin)


def _in_original(item: Detection, folded: Folded) -> Detection:
    begin, end = folded.original(item.begin, item.end)
    return replace(item, begin=begin, end=end)


def _repeats(text: str, secrets: Secrets, least: int, rules: Rules) -> list[Detection]:
    """Return the numbers of a text that are, or are part of, one of these secrets."""
    runs = find_runs(text, tokenize(text, rules), rules, skip_harmless=True, loose=False)
    return [
        Detection(run.begin, run.end, kind, run.digits)
        for run in runs
        if len(run.digits) >= least and (kind := secrets.kind_of(run.digits))
    ]


def _may_be_record(item: Detection) -> bool:
    return item.kind in ("PHONE", "ACCOUNT") and len(item.digits) < CARD_RUN


def _mostly_digits(text: str, rules: Rules) -> bool:
    tokens = tokenize(text, rules)
    if not has_digits(tokens):
        return False
    return sum(token.word.isalpha() and not token.digits for token in tokens) <= 2


def _is_bare_answer(text: str, rules: Rules) -> bool:
    """Return whether a turn is a number and words such as "yes, of course, it is"."""
    tokens = tokenize(text, rules)
    words = [token.word for token in tokens if token.word.isalpha() and not token.digits]
    return has_digits(tokens) and (len(words) <= 2 or rules.answer.issuperset(words))


def is_nod(text: str, found: Sequence[Detection]) -> bool:
    """Return whether a turn only confirms ("mm-hm", "go ahead", a repeated number)."""
    for item in reversed(found):
        text = text[: item.begin] + text[item.end :]
    return len(_WORD.findall(text)) <= _NOD_WORDS


@dataclass(frozen=True, slots=True)
class _Placed:
    """A word at [begin, end) of the text of its turn."""

    begin: int
    end: int
    word: Word


def _place_words(turn: Turn) -> tuple[str, list[_Placed]]:
    """Return the text of a turn, and where in it the words are.

    If the words do not occur in the text, use the words as the text. Otherwise personal data
    could be removed from one and stay in the other.
    """
    placed: list[_Placed] = []
    end = 0
    for word in turn.words:
        begin = _skip_space(turn.text, end)
        spoken = word.text.strip()
        end = begin + len(spoken)
        if turn.text[begin:end] != spoken:
            return _join_words(turn.words)
        placed.append(_Placed(begin, end, word))
    if placed and turn.text[end:].strip():
        return _join_words(turn.words)
    return turn.text, placed


def _skip_space(text: str, place: int) -> int:
    return len(text) - len(text[place:].lstrip())


def _join_words(words: Sequence[Word]) -> tuple[str, list[_Placed]]:
    placed: list[_Placed] = []
    place = 0
    for word in words:
        end = place + len(word.text.strip())
        placed.append(_Placed(place, end, word))
        place = end + 1
    return " ".join(word.text.strip() for word in words), placed


def _apply(
    number: int, turn: Turn, text: str, placed: Sequence[_Placed], found: Sequence[Detection]
) -> tuple[Turn, list[Redaction]]:
    if not found and text == turn.text:
        return turn, []
    begins, ends = [at.begin for at in placed], [at.end for at in placed]
    spans = [
        _times(turn, placed[bisect_right(ends, item.begin) : bisect_left(begins, item.end)])
        for item in found
    ]
    redactions = [
        Redaction(number, item.kind, begin, end)
        for item, (begin, end) in zip(found, spans, strict=True)
    ]
    words = tuple(
        group[0].word
        if not items
        else Word(
            group[0].word.begin_ms,
            group[-1].word.end_ms,
            _replaced(text, items, group[0].begin, group[-1].end),
        )
        for group, items in _groups(placed, found)
    )
    return replace(turn, text=_replaced(text, found, 0, len(text)), words=words), redactions


def _replaced(text: str, found: Sequence[Detection], begin: int, end: int) -> str:
    """Return [begin, end) of a text with the detections in it replaced by their kind."""
    parts = []
    for item in found:
        parts += [text[begin : item.begin], f"[{item.kind}]"]
        begin = item.end
    return "".join([*parts, text[begin:end]])


def _times(turn: Turn, inside: Sequence[_Placed]) -> tuple[int, int]:
    """Return when the words of a detection were spoken, or the whole turn if it has none."""
    if not inside:
        return turn.begin_ms, turn.end_ms
    return inside[0].word.begin_ms, inside[-1].word.end_ms


def _groups(
    placed: Sequence[_Placed], found: Sequence[Detection]
) -> list[tuple[list[_Placed], list[Detection]]]:
    """Group words that share a detection. Returns each group with its detections."""
    groups: list[tuple[list[_Placed], list[Detection]]] = []
    begins, reach = [item.begin for item in found], 0
    for at in placed:
        starting = [*found[bisect_left(begins, at.begin) : bisect_left(begins, at.end)]]
        if at.begin < reach:
            groups[-1][0].append(at)
            groups[-1][1].extend(starting)
        else:
            groups.append(([at], starting))
        reach = max([reach, *(item.end for item in starting)])
    return groups
