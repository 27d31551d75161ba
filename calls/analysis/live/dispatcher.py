"""Gives the recogniser the most important work first, and takes its words back."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from calls.analysis.live import turns
from calls.analysis.live.heard import Entry, HeardCall
from calls.analysis.live.opening import OpenCall
from calls.analysis.live.passages import Passage
from calls.analysis.live.recogniser import Outcome, ProviderOutage, Recogniser, Words
from calls.conversation import Transcription


@dataclass(frozen=True, slots=True)
class Again:
    """A passage of a call that has been recognised again since ``begun_at``."""

    call: HeardCall
    passage: Passage
    begun_at: float


Result = tuple[Entry | Again, Any]


class Dispatcher:
    """Outcomes arrive in threads of the recogniser; ``results`` hands them to the listener's.

    While it ``rests``, nothing is recognised again: the cores are needed elsewhere.
    """

    def __init__(self, recogniser: Recogniser, clock: Callable[[], float]) -> None:
        self.rests = False
        self._recogniser = recogniser
        self._clock = clock
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._outage = ProviderOutage()
        self._passage_at = 0.0  # no passage is recognised before

    def dispatch(self, calls: Mapping[int, OpenCall], clock: float) -> None:
        """Give the recogniser as much as it can take."""
        waiting = [
            entry
            for one in calls.values()
            if not one.heard.is_patient(clock)
            for entry in one.heard.entries()
        ]
        waiting.sort(key=_order)
        for entry in waiting:
            if not self._has_room(entry, calls) or not self._outage.may_ask(
                clock, running=self._recogniser.running
            ):
                return
            entry.state = "running"
            self._recogniser.submit(
                entry.utterance,
                language=entry.call.language,
                done=partial(self._arrived, entry),
                may_wait=entry.call.rank == turns.Rank.OTHER,
            )
        is_idle = not self._recogniser.running and not self.rests
        if is_idle and clock >= self._passage_at:
            self._hear_passage(calls)

    def _hear_passage(self, calls: Mapping[int, OpenCall]) -> None:
        """Recognise a passage again, because nothing new is waiting."""
        for one in sorted(calls.values(), key=lambda one: one.heard.rank):
            passage = one.heard.passages.next() if one.heard.passages else None
            if passage is not None:
                again = Again(one.heard, passage, self._clock())
                self._recogniser.submit_passage(passage, done=partial(self._arrived, again))
                return

    def _has_room(self, entry: Entry, calls: Mapping[int, OpenCall]) -> bool:
        room = self._recogniser.slots - self._recogniser.running
        # One place stays free for calls that somebody watches.
        watched = any(one.heard.rank == turns.Rank.WATCHED for one in calls.values())
        is_other = entry.call.rank != turns.Rank.WATCHED
        return room > (watched and is_other and self._recogniser.slots > 1)

    def _arrived(self, entry: Entry | Again, outcome: Outcome | Transcription) -> None:
        self._results.put((entry, outcome))

    def results(self, timeout_s: float) -> list[Result]:
        """Return what has arrived. Wait for the first of it, but no longer than that."""
        try:
            found = [self._results.get(timeout=timeout_s)]
        except queue.Empty:
            return []
        while not self._results.empty():
            found.append(self._results.get())
        return found

    def note(self, found: list[Result], clock: float) -> int:
        """Pass outcomes to their calls. Returns how many utterances are skipped by that."""
        skipped = 0
        for entry, outcome in found:
            self._recogniser.running -= 1
            if isinstance(entry, Again):
                self._note_passage(entry, outcome, clock)
                continue
            self._outage.note(outcome, clock)
            if isinstance(outcome, Words):
                entry.call.heard(entry, outcome, clock)
            else:
                counts = not self._outage.lasts
                skipped += entry.call.failed(entry, may_succeed=outcome.transient, counts=counts)
        return skipped

    def _note_passage(self, again: Again, outcome: Any, clock: float) -> None:
        # Two thirds of the time stay free for new words, which a passage delays.
        self._passage_at = clock + 2 * (clock - again.begun_at)
        if isinstance(outcome, Transcription):
            again.call.heard_again(again.passage, outcome)


def _order(entry: Entry) -> tuple[int, bool, float, float]:
    return entry.call.rank, entry.early, entry.call.served_at, entry.asked_at
