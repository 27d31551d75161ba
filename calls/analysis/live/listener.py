"""The process that transcribes live calls, alongside the worker's other processes.

Any number may run: each call is leased by one of them. If it dies, another one continues from the
positions in the database.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from math import inf
from traceback import extract_tb
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError

from calls.analysis.live import leases, storing, turns
from calls.analysis.live import status as live_status
from calls.analysis.live.dispatcher import Dispatcher, Result
from calls.analysis.live.heard import HeardCall
from calls.analysis.live.leases import CallNow
from calls.analysis.live.opening import OpenCall, find_streams, open_calls
from calls.analysis.live.passages import Passages
from calls.analysis.live.reading import PacketReader, StoredPacket
from calls.analysis.live.recogniser import NICE, Recogniser, from_settings
from calls.analysis.live.texts import TextTime
from calls.clock import database_now
from calls.outage import is_outage
from calls.process import give_way, this_process
from calls.telemetry.catalogue import LIVE_HEARD, LIVE_SKIPPED

log = logging.getLogger(__name__)

ROUND_S = 0.15
PLAN_S = 0.5
IDLE_S = 1.0
RENEW_S = 3.0
QUEUES_S = 10.0
ASIDE_S = 60.0
OTHERS_S = 0.1  # of each round for calls that nobody watches: no words of a watched one wait longer


class Listener:
    """Each ``step`` processes what is new in the calls that this process holds."""

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
        self._dispatcher = Dispatcher(self._recogniser, clock)
        self._detector = detector
        self._clock = clock
        self._reader = PacketReader()
        self._of_stream: dict[int, int] = {}
        # The loop has the priority of ingest, because it holds locks that ingest waits for.
        self._worker = ThreadPoolExecutor(1, "hearing", initializer=partial(give_way, NICE))
        self._important: set[str] = set()
        self._next_plan = self._next_renewal = self._next_queues = self._next_report = 0.0
        self._aside: dict[int, float] = {}
        self._text_time = TextTime()
        self._waiting = self._heard = self._skipped = 0
        self._reported: live_status.LiveStatus | None = None

    def step(self) -> None:
        clock = self._clock()
        if clock >= self._next_plan:
            self._plan(clock)
        if self.calls:
            for one in self.calls.values():
                self._count_skipped(one.heard.expire(clock))
            self._hear(self._reader.read(), clock)
            self._dispatch(clock)

    def wait(self, seconds: float) -> None:
        """Wait for the next round. Words that are recognised meanwhile are stored at once."""
        until = self._clock() + (seconds if self.calls else IDLE_S)
        while (left := until - self._clock()) > 0:
            found = self._dispatcher.results(left)
            if not found:
                return
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
        self._find_streams()
        if clock >= self._next_renewal and self.calls:
            self._next_renewal = clock + RENEW_S
            leases.renew(self.calls, owner=self.owner, now=now)
        self._let_rest(now)
        self._waiting = plan.waiting
        self._report(clock, now)
        self._next_plan = clock + PLAN_S

    def _let_rest(self, now: datetime) -> None:
        """Leave the cores to the analysis of ended calls, except for what is watched."""
        wanted = self._recogniser.takes_cores and leases.ended_calls_are_analysed(now=now)
        for one in self.calls.values():
            one.heard.rests = wanted and one.heard.rank == turns.Rank.OTHER
        self._dispatcher.rests = wanted

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
        calls = sorted(self.calls.values(), key=lambda one: one.taken_at)
        first = [one for one in calls if one.heard.comes_first]
        self._hear_calls(first, by_call, clock)
        self._dispatch(clock)
        others = [one for one in calls if not one.heard.comes_first]
        self._hear_calls(others, by_call, clock, until=self._clock() + OTHERS_S)
        over = [pk for pk, one in self.calls.items() if one.heard.is_over(clock)]
        if over:
            self._give_away(over, clock)

    def _hear_calls(
        self,
        calls: Sequence[OpenCall],
        by_call: Mapping[int, Sequence[StoredPacket]],
        clock: float,
        *,
        until: float = inf,
    ) -> None:
        now = database_now()
        self._worker.submit(self._listen, calls, by_call, clock, now, until).result()
        self._forget(self._aside)
        self._store([one.heard for one in calls if one.heard.pk in self.calls], clock, until=until)

    def _listen(
        self,
        calls: Iterable[OpenCall],
        by_call: Mapping[int, Sequence[StoredPacket]],
        clock: float,
        now: datetime,
        until: float,
    ) -> None:
        for one in calls:
            pk = one.heard.pk
            packets = by_call.get(pk, ())
            if not one.is_due(clock) or self._clock() > until:
                one.held.extend(packets)
                continue
            try:
                one.take(packets, clock, heard_at=now)
                if one.hears and one.heard.audio is not None:
                    self._recogniser.warm_up()
                one.heard.listen(clock)
            except Exception as error:  # invalid packets of one call must not stop the others
                self._set_aside(pk, error)

    def _store(
        self,
        heard: Iterable[HeardCall],
        clock: float,
        *,
        force: bool = False,
        until: float = inf,
    ) -> None:
        now = database_now()
        work = self._worker.submit(self._changes, list(heard), clock, now, force, until)
        taken = work.result()
        self._forget(self._aside)
        if taken:
            self._forget(self._stored(taken, now))
            count = sum(len(change.new) for change in taken)
            self._heard += count
            LIVE_HEARD.add(count)

    def _changes(
        self, heard: Iterable[HeardCall], clock: float, now: datetime, force: bool, until: float
    ) -> list[storing.Change]:
        changes: list[storing.Change] = []
        for each in sorted(heard, key=lambda each: each.stored_at):
            begin = self._clock()
            if changes and begin > until:
                break
            if each.may_wait and not force and not self._text_time.is_left(clock):
                continue
            try:
                change = each.take_change(clock, heard_at=now, force=force)
            except Exception as error:  # invalid words of one call must not stop the others
                self._set_aside(each.pk, error)
            else:
                changes += [change] if change is not None else []
            if each.may_wait:
                self._text_time.spend(self._clock() - begin)
        return changes

    def _stored(self, taken: list[storing.Change], now: datetime) -> set[int]:
        """Store the changes, and return the calls that this process must give up."""
        try:
            return storing.store(taken, owner=self.owner, now=now)
        except DatabaseError as error:
            if is_outage(error):
                raise
        # A call whose words the database refuses must not stop the others.
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
        log.error("call %s cannot be transcribed live: %s", pk, where(error))

    # --- Which words

    def _dispatch(self, clock: float) -> None:
        self._dispatcher.dispatch(self.calls, clock)

    def _note(self, found: list[Result]) -> None:
        clock = self._clock()
        self._count_skipped(self._dispatcher.note(found, clock))
        self._dispatch(clock)
        held = {entry.call for entry, _ in found if entry.call.pk in self.calls}
        self._store(held, clock)

    def _count_skipped(self, count: int) -> None:
        self._skipped += count
        LIVE_SKIPPED.add(count)

    # --- The end

    def forget(self) -> None:
        """Start again from the positions in the database."""
        self._forget(list(self.calls))
        self._next_plan = self._next_renewal = 0.0

    def leave(self) -> None:
        if self.calls:
            self._give_away(list(self.calls), self._clock())
        live_status.withdraw(self.owner)


def where(error: Exception) -> str:
    """Describe an error without its message, which could hold words of a call."""
    places = [f"{at.filename}:{at.lineno}" for at in extract_tb(error.__traceback__)[-3:]]
    return f"{type(error).__name__} in {', '.join(places)}"
