"""What was heard of a live call, as rules see it: its utterances, and where their words join."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from calls.alerts.phrases import normalise
from calls.analysis.media.roles import other_side
from calls.conversation import JOIN_GAP_MS, Span, Speaker

# Characters before and after an utterance that are searched with it: longer than any phrase.
REACH = 200


class HeardUtterance(NamedTuple):
    """An utterance of a live call. ``shown`` is None while its words are held back.

    ``words`` have times and may contain personal data: never quote them.
    """

    pk: int
    speaker: Speaker
    begin_ms: int
    end_ms: int
    shown: str | None
    words: Sequence[Any]
    score: float | None
    is_text: bool
    is_new: bool


class FoundPhrase(NamedTuple):
    """A phrase that was found. It begins in the first utterance and ends in the last one."""

    words: str
    utterances: Sequence[HeardUtterance]
    begin_ms: int

    @property
    def text(self) -> str:
        return " ".join(each.shown or "" for each in self.utterances)


@dataclass(frozen=True)
class Passage:
    """A new utterance, and what the same speaker said directly before and after it."""

    utterances: Sequence[HeardUtterance]
    new: int

    @property
    def speaker(self) -> Speaker:
        return self.utterances[self.new].speaker

    def find(self, expression: re.Pattern[str]) -> FoundPhrase | None:
        """Find a phrase of which at least one word is in the new utterance."""
        for match in expression.finditer(self._text):
            first, last = self._number(match.start()), self._number(match.end() - 1)
            if first <= self.new <= last:
                said = self.utterances[first : last + 1]
                return FoundPhrase(" ".join(match[0].split()), said, _begin_ms(expression, said))
        return None

    @cached_property
    def _parts(self) -> Sequence[str]:
        return [normalise(each.shown or "") for each in self.utterances]

    @cached_property
    def _text(self) -> str:
        return " ".join(self._parts)

    def _number(self, position: int) -> int:
        return bisect_right(self._starts, position) - 1

    @cached_property
    def _starts(self) -> Sequence[int]:
        return [0, *accumulate(len(part) + 1 for part in self._parts[:-1])]


def _begin_ms(expression: re.Pattern[str], said: Sequence[HeardUtterance]) -> int:
    """Return when a phrase begins, by the times of its words if they are known."""
    first = said[0]
    spoken = [word for each in said for word in each.words]
    parts = [normalise(str(text)) for _, _, text in spoken]
    match = expression.search(" ".join(parts))
    if match is None:
        return first.begin_ms
    starts = [0, *accumulate(len(part) + 1 for part in parts[:-1])]
    begin_ms = int(spoken[bisect_right(starts, match.start()) - 1][0])
    return min(max(begin_ms, first.begin_ms), first.end_ms)


class CallFacts(NamedTuple):
    """What rules need to know about a call besides its words, as of when it was read."""

    queue: str
    agent: str
    language: str
    opened_at: datetime
    packet_count: int
    missing_count: int
    read_at: datetime


class Progress(NamedTuple):
    """How far a live call has been heard. ``figures`` are by the site's track map."""

    heard_until_ms: int | None
    skipped: Sequence[Any]
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class HeardCall:
    """A live call in which something changed since it was last looked at.

    ``progress`` is None if the call is over: then the figures of the result count. ``judged`` is
    the number of utterances of each side whose sentiment is known, ``spoken_until_ms`` the end of
    the last one. ``load`` reads all utterances. ``searches_text`` says that the words of text
    packets count as utterances, which rules without conditions search as packets.
    """

    pk: int
    call: CallFacts
    revision: int
    utterances: Sequence[HeardUtterance]
    progress: Progress | None = None
    judged: Mapping[Speaker, int] = field(default_factory=dict)
    spoken_until_ms: int = 0
    is_swapped: bool = False
    load: Callable[[], Sequence[HeardUtterance]] | None = None
    searches_text: bool = False

    @cached_property
    def whole(self) -> HeardCall:
        """The call with all its utterances, as if all were new."""
        known = self.load() if self.load else self.utterances
        said = [each._replace(is_new=True) for each in known]
        return replace(self, utterances=said, load=None, searches_text=True)

    @property
    def age_ms(self) -> int | None:
        """How long a live call has been open. None if it is over."""
        if self.progress is None:
            return None
        return max(0, round((self.call.read_at - self.call.opened_at).total_seconds() * 1000))

    @property
    def sentiment(self) -> Mapping[Speaker, Mapping[str, Any]]:
        """The sentiment of each side so far."""
        figures = self.progress.figures if self.progress else {}
        overall = (figures.get("sentiment") or {}).get("overall") or {}
        return {other_side(who, swapped=self.is_swapped): each for who, each in overall.items()}

    @property
    def silence(self) -> Span | None:
        """The time in which nobody has spoken, up to where the call has been heard.

        What was skipped is not silence: nobody knows what was said there.
        """
        if self.progress is None or self.progress.heard_until_ms is None:
            return None
        begin_ms = max([self.spoken_until_ms, *(end_ms for _, end_ms in self.progress.skipped)])
        return Span(begin_ms, max(begin_ms, self.progress.heard_until_ms))

    @property
    def new(self) -> Iterator[HeardUtterance]:
        """The utterances that may be shown and are new or have changed."""
        return (each for each in self.utterances if each.is_new and each.shown)

    @cached_property
    def passages(self) -> Sequence[Passage]:
        """One passage for each new utterance that was spoken. Text is searched as packets."""
        return [
            _passage(run, number)
            for run in self._runs()
            for number, each in enumerate(run)
            if each.is_new
        ]

    def _runs(self) -> Iterator[list[HeardUtterance]]:
        """Yield what each side said without a pause that ends a turn, or words held back.

        An interjection of the other side does not end a run: it may be recognised later.
        """
        open_runs: dict[str, list[HeardUtterance]] = {}
        for each in sorted(self.utterances, key=lambda one: (one.begin_ms, one.pk)):
            if each.is_text and not self.searches_text:
                continue
            run = open_runs.get(each.speaker, [])
            if run and (not each.shown or each.begin_ms - run[-1].end_ms >= JOIN_GAP_MS):
                yield open_runs.pop(each.speaker)
            if each.shown:
                open_runs.setdefault(each.speaker, []).append(each)
        yield from open_runs.values()


def _passage(run: Sequence[HeardUtterance], number: int) -> Passage:
    before = _reach(run[number - 1 :: -1]) if number else 0
    after = _reach(run[number + 1 :])
    return Passage(run[number - before : number + 1 + after], before)


def _reach(utterances: Sequence[HeardUtterance]) -> int:
    """Return how many utterances are searched for a phrase that spans several."""
    length = 0
    for count, each in enumerate(utterances, 1):
        length += len(each.shown or "")
        if length >= REACH:
            return count
    return len(utterances)
