"""The process that hears live calls, beside the worker's other processes.

Any number may run: each call is leased by one of them. If it dies, another one goes on from the
positions in the database.
"""

from __future__ import annotations

import logging
import queue
import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from traceback import extract_tb
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError

from calls.analysis.live import leases, storing, turns
from calls.analysis.live import status as live_status
from calls.analysis.live.heard import Entry, HeardCall
from calls.analysis.live.judging import Judge
from calls.analysis.live.leases import CallNow
from calls.analysis.live.opening import OpenCall, find_streams, open_calls
from calls.analysis.live.passages import Passage, Passages
from calls.analysis.live.reading import PacketReader, StoredPacket
from calls.analysis.live.recogniser import (
    Outcome,
    ProviderOutage,
    Recogniser,
    Words,
    from_settings,
)
from calls.clock import database_now
from calls.conversation import Transcription
from calls.outage import is_outage
from calls.process import give_way, this_process

log = logging.getLogger(__name__)

ROUND_S = 0.15
PLAN_S = 0.5
IDLE_S = 1.0
RENEW_S = 3.0
TEXT_S = 0.02  # between two writes of unwatched text, for each text call: 50 writes a second
LONGEST_TEXT_S = 20.0
QUEUES_S = 10.0
ASIDE_S = 60.0


@dataclass(frozen=True, slots=True)
class Again:
    """A passage of a call that is heard again since ``begun_at``."""

    call: HeardCall
    passage: Passage
    begun_at: float


Result = tuple[Entry | Again, Any]


class Listener:
    """Each ``step`` hears what is new in the calls that this process holds."""

    def __init__(
        self,
        *,
        owner: str = "",
        recogniser: Recogniser | None = None,
        detector: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.owner = owner or f"{this_process()}:{secrets.token_hex(3)}"
        self.calls: dict[int, OpenCall] = {}
        self._recogniser = recogniser or from_settings()
        self._detector = detector
        self._clock = clock
        self._reader = PacketReader()
        self._of_stream: dict[int, int] = {}
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._passage_at = 0.0  # no passage is heard before
        # The loop has the priority of ingest, because it holds locks that ingest waits for.
        self._worker = ThreadPoolExecutor(1, "hearing", initializer=give_way)
        self._important: set[str] = set()
        self._next_plan = self._next_renewal = self._next_queues = self._next_report = 0.0
        self._outage = ProviderOutage()
        self._aside: dict[int, float] = {}
        self._waiting = self._heard = self._skipped = 0
        self._reported: live_status.LiveStatus | None = None

    def step(self) -> None:
        clock = self._clock()
        if clock >= self._next_plan:
            self._plan(clock)
        if self.calls:
            self._hear(self._reader.read(), clock)
            self._dispatch(clock)

    def wait(self, seconds: float) -> None:
        """Wait for the next round. Words that are recognised meanwhile are stored at once."""
        until = self._clock() + (seconds if self.calls else IDLE_S)
        while (left := until - self._clock()) > 0:
            try:
                found = [self._results.get(timeout=left)]
            except queue.Empty:
                return
            while not self._results.empty():
                found.append(self._results.get())
            self._note(found)

    # --- Which calls

    def _plan(self, clock: float) -> None:
        now = database_now()
        if clock >= self._next_queues:
            self._next_queues = clock + QUEUES_S
            self._important = leases.important_queues()
        self._aside = {pk: until for pk, until in self._aside.items() if until > clock}
        calls = [call for call in leases.read_live(now=now) if call.pk not in self._aside]
        by_pk = {call.pk: call for call in calls}
        self._drop_lost(by_pk)
        self._end(by_pk)
        plan = turns.plan(
            calls,
            {
                pk: turns.Place(one.heard.since, needs_place=one.needs_place)
                for pk, one in self.calls.items()
            },
            owner=self.owner,
            important=self._important,
            cap=settings.LIVE_TRANSCRIPTION_CALLS,
            now=now,
            clock=clock,
        )
        if plan.give:
            self._give_away(plan.give, clock)
        if plan.take:
            self._take(plan.take, now, clock)
        for pk, one in self.calls.items():
            if pk in by_pk:
                one.heard.rank = turns.rank_of(by_pk[pk], self._important)
        texts = sum(one.heard.is_text for one in self.calls.values())
        for one in self.calls.values():
            one.heard.text_pause_s = min(max(TEXT_S * texts, 1.0), LONGEST_TEXT_S)
        self._find_streams()
        if clock >= self._next_renewal and self.calls:
            self._next_renewal = clock + RENEW_S
            leases.renew(self.calls, owner=self.owner, now=now)
        self._waiting = plan.waiting
        self._report(clock, now)
        self._next_plan = clock + PLAN_S

    def _report(self, clock: float, now: datetime) -> None:
        if clock < self._next_report:
            return
        behind = [one.heard.behind_s(clock) for one in self.calls.values()]
        status = live_status.LiveStatus(
            calls=len(self.calls),
            waiting=self._waiting,
            behind_s=max(behind, default=0.0),
            heard=self._heard,
            skipped=self._skipped,
        )
        if status != self._reported or clock >= self._next_report + live_status.UNCHANGED_S:
            live_status.report(self.owner, status, now=now)
            self._reported, self._next_report = status, clock + live_status.EVERY_S

    def _take(self, pks: Iterable[int], now: datetime, clock: float) -> None:
        rows = leases.acquire(list(pks), owner=self.owner, now=now)
        for one in open_calls(
            rows, now=now, clock=clock, hears=self._recogniser.hears, detector=self._detector
        ):
            if self._recogniser.hears_passages:
                one.heard.passages = Passages(one.heard.language)
            self.calls[one.heard.pk] = one

    def _find_streams(self) -> None:
        if not self.calls:
            return
        for call_pk, stream in find_streams(self.calls):
            if stream.pk not in self._of_stream:
                self._of_stream[stream.pk] = call_pk
                self.calls[call_pk].add_stream(stream, self._reader)

    def _drop_lost(self, by_pk: dict[int, CallNow]) -> None:
        lost = [
            pk
            for pk, one in self.calls.items()
            if pk in by_pk and (by_pk[pk].owner, by_pk[pk].token) != (self.owner, one.heard.token)
        ]
        self._forget(lost)

    def _end(self, by_pk: dict[int, CallNow]) -> None:
        gone = [pk for pk in self.calls if pk not in by_pk and pk not in self._aside]
        if not gone:
            return
        live = leases.still_live(gone)
        for pk in gone:
            if pk not in live:
                self.calls[pk].heard.end(self._clock())
        if live:
            self._give_away(live, self._clock())

    def _give_away(self, pks: Iterable[int], clock: float) -> None:
        given = [self.calls[pk].heard for pk in pks]
        for heard in given:
            heard.drop_guesses()
        self._store([heard for heard in given if heard.pk in self.calls], clock, force=True)
        leases.release([heard.pk for heard in given], owner=self.owner)
        self._forget([heard.pk for heard in given])

    def _forget(self, pks: Iterable[int]) -> None:
        for pk in pks:
            one = self.calls.pop(pk, None)
            if one is not None:
                one.heard.drop()
                self._reader.close(one.streams)
                for stream in one.streams:
                    del self._of_stream[stream]

    # --- What is said

    def _hear(self, packets: list[StoredPacket], clock: float) -> None:
        by_call: dict[int, list[StoredPacket]] = {}
        for packet in packets:
            by_call.setdefault(self._of_stream[packet.stream_pk], []).append(packet)
        now = database_now()
        self._worker.submit(self._listen, by_call, clock, now).result()
        self._forget(self._aside)
        self._store([one.heard for one in self.calls.values()], clock)
        over = [pk for pk, one in self.calls.items() if one.heard.is_over(clock)]
        if over:
            self._give_away(over, clock)

    def _listen(self, by_call: dict[int, list[StoredPacket]], clock: float, now: datetime) -> None:
        for pk, one in self.calls.items():
            try:
                one.take(by_call.get(pk, ()), clock, heard_at=now)
                if one.hears and one.heard.audio is not None:
                    self._recogniser.warm_up()
                one.heard.listen(clock)
            except Exception as error:  # odd packets of one call must not stop all others
                self._set_aside(pk, error)
            self._skipped += one.heard.expire(clock)

    def _store(self, heard: Iterable[HeardCall], clock: float, *, force: bool = False) -> None:
        now = database_now()
        taken = self._worker.submit(self._changes, list(heard), clock, now, force).result()
        self._forget(self._aside)
        if taken:
            self._forget(self._stored(taken, now))
            self._heard += sum(len(change.new) for change in taken)

    def _changes(
        self, heard: Iterable[HeardCall], clock: float, now: datetime, force: bool
    ) -> list[storing.Change]:
        judge = Judge()
        changes = []
        for each in heard:
            try:
                change = each.take_change(clock, heard_at=now, judge=judge, force=force)
            except Exception as error:  # odd words of one call must not stop all others
                self._set_aside(each.pk, error)
            else:
                changes += [change] if change is not None else []
        return changes

    def _stored(self, taken: list[storing.Change], now: datetime) -> set[int]:
        """Store the changes, and return the calls that this process must give up."""
        try:
            return storing.store(taken, owner=self.owner, now=now)
        except DatabaseError as error:
            if is_outage(error):
                raise
        # A call whose words the database refuses must not stop all others.
        given_up: set[int] = set()
        for change in taken:
            try:
                given_up |= storing.store([change], owner=self.owner, now=now)
            except DatabaseError as error:
                if is_outage(error):
                    raise
                self._set_aside(change.call_pk, error)
                given_up.add(change.call_pk)
        return given_up

    def _set_aside(self, pk: int, error: Exception) -> None:
        """Leave a call alone for a while. Its words must not be in the log."""
        self._aside[pk] = self._clock() + ASIDE_S
        log.error("call %s cannot be heard live: %s", pk, where(error))

    # --- Which words

    def _dispatch(self, clock: float) -> None:
        """Give the recogniser as much as it can take, what matters most first."""
        waiting = [entry for one in self.calls.values() for entry in one.heard.entries()]
        waiting.sort(key=_order)
        for entry in waiting:
            if not self._has_room(entry) or not self._outage.may_ask(
                clock, running=self._recogniser.running
            ):
                return
            entry.state = "running"
            self._recogniser.submit(
                entry.utterance,
                language=entry.call.language,
                done=partial(self._arrived, entry),
            )
        if not self._recogniser.running and clock >= self._passage_at:
            self._hear_passage()

    def _hear_passage(self) -> None:
        """Hear something again, as nothing new waits."""
        for one in sorted(self.calls.values(), key=lambda one: one.heard.rank):
            passage = one.heard.passages.next() if one.heard.passages else None
            if passage is not None:
                again = Again(one.heard, passage, self._clock())
                self._recogniser.submit_passage(passage, done=partial(self._arrived, again))
                return

    def _has_room(self, entry: Entry) -> bool:
        room = self._recogniser.slots - self._recogniser.running
        # One place stays free for calls that somebody watches.
        watched = any(one.heard.rank == turns.Rank.WATCHED for one in self.calls.values())
        is_other = entry.call.rank != turns.Rank.WATCHED
        return room > (watched and is_other and self._recogniser.slots > 1)

    def _arrived(self, entry: Entry | Again, outcome: Outcome | Transcription) -> None:
        self._results.put((entry, outcome))

    def _note(self, found: list[Result]) -> None:
        clock = self._clock()
        for entry, outcome in found:
            self._recogniser.running -= 1
            if isinstance(entry, Again):
                self._note_passage(entry, outcome, clock)
                continue
            self._outage.note(outcome, clock)
            if isinstance(outcome, Words):
                entry.call.heard(entry, outcome, clock)
            else:
                self._skipped += entry.call.failed(
                    entry, may_succeed=outcome.transient, counts=not self._outage.lasts
                )
        self._dispatch(clock)
        held = {entry.call for entry, _ in found if entry.call.pk in self.calls}
        self._store(held, clock)

    def _note_passage(self, again: Again, outcome: Any, clock: float) -> None:
        # Two thirds of the time stay free for new words, which a passage delays.
        self._passage_at = clock + 2 * (clock - again.begun_at)
        if isinstance(outcome, Transcription):
            again.call.heard_again(again.passage, outcome)

    # --- The end

    def forget(self) -> None:
        """Start again from the positions in the database."""
        self._forget(list(self.calls))
        self._next_plan = self._next_renewal = 0.0

    def leave(self) -> None:
        if self.calls:
            self._give_away(list(self.calls), self._clock())
        live_status.withdraw(self.owner)


def _order(entry: Entry) -> tuple[int, bool, float, float]:
    return entry.call.rank, entry.early, entry.call.served_at, entry.asked_at


def where(error: Exception) -> str:
    """Describe an error without its message, which could hold words of a call."""
    places = [f"{at.filename}:{at.lineno}" for at in extract_tb(error.__traceback__)[-3:]]
    return f"{type(error).__name__} in {', '.join(places)}"
