"""Decides what follows an attempt at a delivery. Pure; the waits are tenacity's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying, wait_exponential, wait_random

MAX_ATTEMPTS = 33  # with the waits below, about a day
FIRST_WAIT_S, LONGEST_WAIT_S = 5, 3600
# Spreads the messages that failed together when an endpoint went down.
JITTER = 0.1
MAX_RETRY_AFTER_S = 6 * 3600
DISABLE_AFTER = timedelta(days=3)
# The Standard Webhooks specification: the receiver wants no more messages.
GONE = 410


@dataclass(frozen=True)
class Outcome:
    """The result of an attempt: a status and the start of the response, or an error."""

    status: int | None = None
    error: str = ""
    retry_after_s: float | None = None
    duration_ms: int = 0
    response: str = ""

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def told(self) -> str:
        return "" if self.is_success else self.error or f"The receiver returned {self.status}."


@dataclass(frozen=True)
class RetryDelivery:
    wait: timedelta


@dataclass(frozen=True)
class GiveUpDelivery:
    reason: str


def decide(outcome: Outcome, *, attempt: int) -> RetryDelivery | GiveUpDelivery | None:
    """Return what follows attempt number ``attempt`` (from 1). None: the message was delivered."""
    if outcome.is_success:
        return None
    if outcome.status == GONE:
        return GiveUpDelivery("The receiver says that it is gone (410).")
    if attempt >= MAX_ATTEMPTS:
        return GiveUpDelivery(f"All {MAX_ATTEMPTS} attempts failed. The last: {outcome.told}")
    if outcome.retry_after_s is not None:
        return RetryDelivery(
            timedelta(seconds=min(max(outcome.retry_after_s, 1), MAX_RETRY_AFTER_S))
        )
    return RetryDelivery(timedelta(seconds=_wait_s(attempt)))


def _wait_s(attempt: int) -> float:
    state = RetryCallState(Retrying(), fn=None, args=(), kwargs={})
    state.attempt_number = attempt
    wait = wait_exponential(multiplier=FIRST_WAIT_S, max=LONGEST_WAIT_S)(state)
    return wait + wait_random(0, JITTER * wait)(state)


def is_persistent(failing_since: datetime | None, *, now: datetime) -> bool:
    """Whether the endpoint has been failing for long enough to be disabled."""
    return failing_since is not None and now - failing_since >= DISABLE_AFTER


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds of ``Retry-After`` (a number or a date), or None if it is neither."""
    text = (value or "").strip()
    # isascii: "²" is a digit as well, but not for float().
    if text.isascii() and text.isdigit() and len(text) < 12:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
