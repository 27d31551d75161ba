"""Plays calls to a server over HTTP and counts the responses. Shows nothing."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from random import Random
from typing import Protocol

import httpx
import msgspec

from calls.simulation.line import Delivery
from calls.simulation.scripts import Opening, ScriptedPacket

MAY_PASS = frozenset({0, 429, 503})
"""Statuses after which a request is retried; 0 means no response. Duplicates do no harm."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
MOST_PROBLEMS = 20
ENDED_STATES = frozenset({"ARCHIVED", "FAILED"})


@dataclass(frozen=True, slots=True)
class PlannedCall:
    call_id: str
    opening: Opening
    delivery: Delivery[ScriptedPacket]


@dataclass(frozen=True, slots=True)
class SendingPace:
    """How fast to send. ``speed`` 0: as fast as possible. ``batch`` 0: one packet per request.

    ``patience``: the seconds after which a request that keeps failing is given up.
    """

    speed: float = 1.0
    batch: int = 0
    patience: float = 60.0
    # A phone does not wait for the response to a packet before it sends the next one.
    in_flight_per_call: int = 16


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str = ""
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300

    def count_accepted(self, sent: int) -> int:
        """Return how many of ``sent`` packets were accepted. 207: only some of a batch."""
        if self.status == 207:
            return int(msgspec.json.decode(self.text)["accepted"])
        return sent if self.accepted else 0

    def __str__(self) -> str:
        return f"{self.status or 'no response'} {self.text[:200]}".strip()


class Samples:
    """Percentiles of the newest 100,000 values, so that memory is bounded in long runs."""

    def __init__(self) -> None:
        self._newest: deque[float] = deque(maxlen=100_000)
        self.greatest = 0.0

    def add(self, value: float) -> None:
        self._newest.append(value)
        self.greatest = max(self.greatest, value)

    def percentile(self, percent: float) -> float:
        """Return the percentile by nearest rank; 0 if there are no values."""
        if not self._newest:
            return 0.0
        rank = math.ceil(percent / 100 * len(self._newest))
        return sorted(self._newest)[max(rank, 1) - 1]


@dataclass(slots=True)
class CallOutcome:
    """The result of one call. ``problem`` is empty if start and end were accepted."""

    call_id: str
    accepted: int = 0
    refused: int = 0
    problem: str = ""


@dataclass(slots=True)
class Tally:
    """Counts of a run. ``answers`` counts requests; ``accepted`` and ``refused``, packets."""

    started: int = 0
    ended: int = 0
    accepted: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    retries: int = 0
    lost: int = 0
    duplicated: int = 0
    shuffled: int = 0
    latency: Samples = field(default_factory=Samples)
    lag: Samples = field(default_factory=Samples)
    # Bounded, because a run may last for days.
    outcomes: deque[CallOutcome] = field(default_factory=lambda: deque(maxlen=10_000))
    problems: Counter[str] = field(default_factory=Counter)

    @property
    def sent(self) -> int:
        return self.accepted + self.refused.total()

    def note_problem(self, problem: str) -> None:
        # Responses may quote the packet, so all can differ. Keep only the first MOST_PROBLEMS.
        if problem in self.problems or len(self.problems) < MOST_PROBLEMS:
            self.problems[problem] += 1


class CallWatcher(Protocol):
    """Gets the events of a run as they happen."""

    def call_started(self, call_id: str, packets: int) -> None: ...
    def packets_answered(self, call_id: str, packets: int) -> None: ...
    def call_ended(self, outcome: CallOutcome) -> None: ...


class Caller:
    """Plays calls until all are played or ``stop`` is set. Counts into ``tally``.

    There is at most one request per lane at a time. Stopping ends the calls in progress and
    starts no others.
    """

    def __init__(
        self,
        lanes: Iterable[httpx.AsyncClient],
        pace: SendingPace,
        watcher: CallWatcher,
        stop: asyncio.Event,
    ) -> None:
        self.tally = Tally()
        # Last in, first out: the lane used last is the most likely one to be connected still.
        self._lanes: asyncio.LifoQueue[httpx.AsyncClient] = asyncio.LifoQueue()
        for lane in lanes:
            self._lanes.put_nowait(lane)
        self._pace = pace
        self._watcher = watcher
        self._stop = stop
        self._rng = Random()  # noqa: S311 (only spreads the retries)
        self._now = asyncio.get_running_loop().time

    async def play_all(self, calls: Iterator[PlannedCall], concurrency: int) -> None:
        """Play ``calls``, several at a time. Takes each from the iterator only when it starts."""
        # Each task is a line: it plays one call after the other.
        async with asyncio.TaskGroup() as lines:
            for _ in range(concurrency):
                lines.create_task(self._play_in_turn(calls))

    async def _play_in_turn(self, calls: Iterator[PlannedCall]) -> None:
        while not self._stop.is_set():
            call = next(calls, None)
            if call is None:
                return
            await self.play(call)

    async def play(self, call: PlannedCall) -> None:
        """Start one call, stream it at its pace, wait for all responses, and end it."""
        outcome = CallOutcome(call.call_id)
        self._watcher.call_started(call.call_id, len(call.delivery.packets))
        address = f"/v1/call/{call.call_id}"
        opened = await self._post(f"{address}/start", call.opening)
        if opened.accepted:
            self.tally.started += 1
            await self._stream(call, outcome)
            self._note_end(outcome, await self._post(f"{address}/end", None))
        else:
            self._note_refused_start(outcome, opened)
        self.tally.outcomes.append(outcome)
        self._watcher.call_ended(outcome)

    def _note_end(self, outcome: CallOutcome, answer: Answer) -> None:
        if answer.accepted:
            self.tally.ended += 1
        else:
            self._note_problem(outcome, f"end refused: {answer}")

    def _note_refused_start(self, outcome: CallOutcome, answer: Answer) -> None:
        self._note_problem(outcome, f"start refused: {answer}")
        # A retry does not mend a wrong key or address. With --forever, it would flood the server.
        if answer.status not in MAY_PASS:
            self._stop.set()

    def _note_problem(self, outcome: CallOutcome, problem: str) -> None:
        outcome.problem = problem
        self.tally.note_problem(problem)

    async def _stream(self, call: PlannedCall, outcome: CallOutcome) -> None:
        self.tally.lost += call.delivery.lost
        self.tally.duplicated += call.delivery.duplicated
        self.tally.shuffled += call.delivery.shuffled
        slots = asyncio.Semaphore(self._pace.in_flight_per_call)
        begun = self._now()
        async with asyncio.TaskGroup() as sending:
            for seconds, parcel in parcels(call.delivery.packets, self._pace.batch):
                due = begun + seconds / self._pace.speed if self._pace.speed else None
                if due is not None:
                    await self._pause(due - self._now())
                await slots.acquire()
                if self._stop.is_set():
                    break
                sending.create_task(self._send(outcome, parcel, due, slots))

    async def _send(
        self,
        outcome: CallOutcome,
        parcel: list[ScriptedPacket],
        due: float | None,
        slots: asyncio.Semaphore,
    ) -> None:
        path = f"/v1/call/stream/{outcome.call_id}"
        if self._pace.batch:
            answer = await self._post(f"{path}/batch", parcel, self._count_answer, due)
        else:
            answer = await self._post(path, parcel[0], self._count_answer, due)
        slots.release()
        self._count_packets(outcome, answer, len(parcel))
        self._watcher.packets_answered(outcome.call_id, len(parcel))

    def _count_packets(self, outcome: CallOutcome, answer: Answer, sent: int) -> None:
        accepted = answer.count_accepted(sent)
        self.tally.accepted += accepted
        outcome.accepted += accepted
        outcome.refused += sent - accepted
        if accepted < sent:
            self.tally.refused[answer.status] += sent - accepted
            self.tally.note_problem(f"packets refused: {answer}")

    def _count_answer(self, answer: Answer, seconds: float) -> None:
        self.tally.answers[answer.status] += 1
        self.tally.latency.add(seconds)

    async def _post(
        self,
        path: str,
        body: object,
        on_answer: Callable[[Answer, float], None] = lambda _answer, _seconds: None,
        due: float | None = None,
    ) -> Answer:
        """POST until the response is final, patience runs out, or the run stops."""
        content = b"" if body is None else msgspec.json.encode(body)
        deadline = self._now() + self._pace.patience
        for attempt in count():
            lane = await self._lanes.get()
            begun = self._now()
            # Only the first try shows whether the client keeps up. Later ones wait on purpose.
            if due is not None and not attempt:
                self.tally.lag.add(max(0.0, begun - due))
            answer = await post_once(lane, path, content)
            on_answer(answer, self._now() - begun)
            self._lanes.put_nowait(lane)
            wait = self._pause_before_retry(answer, attempt)
            if answer.status not in MAY_PASS or self._stop.is_set():
                break
            if self._now() + wait > deadline:
                break
            self.tally.retries += 1
            await self._pause(wait)
        return answer

    def _pause_before_retry(self, answer: Answer, attempt: int) -> float:
        backoff = min(FIRST_PAUSE_SECONDS * 2 ** min(attempt, 10), LONGEST_PAUSE_SECONDS)
        asked = backoff if answer.retry_after is None else answer.retry_after
        # Never earlier than Retry-After; a little later, so that requests do not return together.
        return max(asked, FIRST_PAUSE_SECONDS) * self._rng.uniform(1, 1.2)

    async def _pause(self, seconds: float) -> None:
        if seconds > 0 and not self._stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), seconds)


def parcels(
    packets: Iterable[ScriptedPacket], batch: int
) -> Iterator[tuple[float, list[ScriptedPacket]]]:
    """Yield groups of ``batch`` packets (0: single ones), each with its time to send.

    A delayed packet is sent with the one that overtook it, so times never go backwards.
    """
    latest, parcel = 0.0, list[ScriptedPacket]()
    for packet in packets:
        latest = max(latest, packet.timestamp)
        parcel.append(packet)
        if len(parcel) >= batch:
            yield latest, parcel
            parcel = []
    if parcel:
        yield latest, parcel


async def post_once(http: httpx.AsyncClient, path: str, content: bytes) -> Answer:
    """POST JSON once. Status 0: the connection failed before the response was complete."""
    headers = {"Content-Type": "application/json"} if content else {}
    try:
        response = await http.post(path, content=content, headers=headers)
    except httpx.TransportError as error:
        return Answer(0, f"{type(error).__name__} {error}".strip())
    wait = read_retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
    return Answer(response.status_code, response.text, wait)


def read_retry_after(header: str | None, now: datetime) -> float | None:
    """Return seconds from a number or a date (RFC 9110, section 10.2.3), or None if neither."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (TypeError, ValueError):
        return None


class StateReader:
    """Follows calls until they are analysed or cannot be read."""

    def __init__(self, http: httpx.AsyncClient, call_ids: Iterable[str]) -> None:
        self.states = dict.fromkeys(call_ids, "UNKNOWN")
        self._http = http
        self._slots = asyncio.Semaphore(16)

    @property
    def pending(self) -> list[str]:
        """Return the calls whose state may still change. A refused read is final."""
        return [
            call_id
            for call_id, state in self.states.items()
            if state not in ENDED_STATES and not state.startswith("HTTP 4")
        ]

    async def follow(
        self, patience: float, stop: asyncio.Event, on_round: Callable[[dict[str, str]], None]
    ) -> None:
        """Poll until no call is pending, ``patience`` seconds have passed, or ``stop`` is set."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self.pending and not stop.is_set():
                    await asyncio.gather(*map(self._read, self.pending))
                    on_round(self.states)
                    if self.pending:
                        with suppress(TimeoutError):
                            await asyncio.wait_for(stop.wait(), 0.5)

    async def _read(self, call_id: str) -> None:
        async with self._slots:
            try:
                response = await self._http.get(f"/v1/call/{call_id}")
            except httpx.TransportError as error:
                self.states[call_id] = f"no response ({type(error).__name__})"
                return
        if response.status_code == 200:
            self.states[call_id] = str(response.json().get("state"))
        else:
            self.states[call_id] = f"HTTP {response.status_code}"
