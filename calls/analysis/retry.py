"""Whether and when to retry: failed attempts of the AI, and reads and writes of the database.

A failed attempt is judged by tenacity's rules in a pure function. It does not sleep: the caller
writes the wait to the call's row, so that it survives a restart.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
)

from calls.analysis.providers import ProviderError
from calls.outage import Outage, is_contention, is_outage

log = logging.getLogger(__name__)
outage = Outage(log, "results wait")
T = TypeVar("T")
DATABASE_RETRY_S, DATABASE_RETRY_MOST_S = 0.5, 4.0
MAX_RETRY_AFTER_S = 3600.0
MAX_SNOOZES = 100  # after so many, being told to wait counts as a failure


@dataclass(frozen=True)
class Retry:
    """Try again after ``wait``. With ``counts=False`` (a snooze), no attempt is used up."""

    wait: timedelta
    counts: bool = True

    def __str__(self) -> str:
        return f"tried again in {self.wait.total_seconds():.0f} s"


@dataclass(frozen=True)
class GiveUp:
    reason: str

    def __str__(self) -> str:
        return f"failed for good: {self.reason}"


@dataclass(frozen=True)
class RetryPolicy:
    """Wait ``base_s`` * 2^(n-1) seconds after attempt n, but at most ``max_wait_s``.

    No attempt starts later than ``deadline_s`` after the analysis started; 0 means no deadline.
    """

    max_attempts: int = 5
    base_s: float = 2
    max_wait_s: float = 60
    deadline_s: float = 0

    def decide(
        self,
        error: ProviderError,
        *,
        attempt: int,
        snoozes: int = 0,
        down_s: float | None = None,
        spent_s: float = 0,
    ) -> Retry | GiveUp:
        """Decide what follows attempt number ``attempt`` (from 1), which failed with ``error``.

        If the provider names a time (Retry-After), wait that long; if it is down, wait ``down_s``
        seconds, regardless of the deadline. Neither uses up an attempt, up to MAX_SNOOZES times.
        ``spent_s`` is the time since the analysis started.
        """
        state = _state(error, attempt)
        if not retry_if_exception(_is_transient)(state):
            return GiveUp(f"No other attempt can succeed: {error}")
        later_s = [each for each in (error.retry_after_s, down_s) if each is not None]
        if later_s and snoozes < MAX_SNOOZES:
            wait_s = min(max(*later_s, 0), MAX_RETRY_AFTER_S)
            decision = Retry(timedelta(seconds=wait_s), counts=False)
        elif stop_after_attempt(self.max_attempts)(state):
            return GiveUp(f"All {self.max_attempts} attempts failed, the last with: {error}")
        else:
            wait = wait_exponential(multiplier=self.base_s, max=self.max_wait_s)
            decision = Retry(timedelta(seconds=wait(state)))
        if down_s is None and self._is_too_late(decision, spent_s):
            return GiveUp(f"No result within {self.deadline_s:g} s; the last error was: {error}")
        return decision

    def _is_too_late(self, decision: Retry, spent_s: float) -> bool:
        next_s = spent_s + decision.wait.total_seconds()
        return bool(self.deadline_s) and next_s > self.deadline_s


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, ProviderError) and error.transient


def _state(error: ProviderError, attempt: int) -> RetryCallState:
    state = RetryCallState(Retrying(), fn=None, args=(), kwargs={})
    state.attempt_number = attempt
    state.set_exception((type(error), error, error.__traceback__))
    return state


async def patiently(work: Callable[[], Awaitable[T]], should_stop: Callable[[], bool]) -> T:
    """Do work on the database, again and again while it can succeed later.

    What the AI has answered is paid for. Without this, the call would wait until its lease expires,
    and its attempt would count as that of a dead worker.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception(lambda error: is_outage(error) and not should_stop()),
        wait=wait_exponential(multiplier=DATABASE_RETRY_S, max=DATABASE_RETRY_MOST_S),
        before_sleep=_note,
        reraise=True,
    )
    result: T = await retrying(work)
    outage.over()
    return result


def _note(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if error is None:
        return
    if is_contention(error):
        log.info("a result waits for a lock: %s", error)
    else:
        outage.note(error)
