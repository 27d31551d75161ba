"""Whether a failed attempt is tried again, and when: tenacity's rules in a pure function.

The wait is not slept here. It is written to the call's row, so that it survives the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
)

from calls.analysis.providers import ProviderError

MAX_RETRY_AFTER_S = 3600.0
MAX_SNOOZES = 100  # after that, a provider's "later" counts as a failure


@dataclass(frozen=True)
class Retry:
    """Try again after ``wait``; an attempt that does not count is a snooze."""

    wait: timedelta
    counts: bool = True


@dataclass(frozen=True)
class GiveUp:
    reason: str


@dataclass(frozen=True)
class RetryPolicy:
    """``base_s`` * 2^(n-1) seconds after attempt n, at most ``max_wait_s``.

    No attempt begins later than ``deadline_s`` after the analysis has; 0 is no deadline.
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
        """Return what follows attempt number ``attempt`` (from 1) that failed with ``error``.

        A provider that names its own time is asked again then, at no cost; one that is known to
        be down, after ``down_s`` seconds, whatever the deadline says. ``spent_s`` is how long
        ago the analysis began.
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
            return GiveUp(f"No answer within {self.deadline_s:g} s, the last error was: {error}")
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
