"""The phases of a call as pages name them, and the states that they cover."""

from __future__ import annotations

from django.db import models
from django.db.models import (
    Q,
)

from calls.lifecycle import CallState
from calls.models import Attempt, Call

COUNTED = (Attempt.Outcome.FAILED, Attempt.Outcome.CRASHED)


def next_number(number: int | None, outcome: str) -> int:
    """Return the number of the next attempt. Only outcomes in COUNTED use up a number."""
    # A snoozed or released attempt is repeated with its number. Before the first one it is 1.
    return (number or 0) + (outcome in COUNTED) or 1


_RETRYING = Q(
    state=CallState.PROCESSING_AI, next_attempt_at__isnull=False, lease_expires_at__isnull=True
)


class Phase(models.TextChoices):
    """The state of a call in a supervisor's words.

    Unlike the state, it distinguishes a call that waits for a retry from one being analysed, and a
    dismissed call from one that failed.
    """

    LIVE = "IN_PROGRESS", CallState.IN_PROGRESS.label
    WAITING = "COMPLETED", CallState.COMPLETED.label
    ANALYSING = "PROCESSING_AI", CallState.PROCESSING_AI.label
    RETRYING = "RETRYING", "Retrying"
    FAILED = "FAILED", CallState.FAILED.label
    DISMISSED = "DISMISSED", "Dismissed"
    ARCHIVED = "ARCHIVED", CallState.ARCHIVED.label


def phase_of(call: Call) -> Phase:
    if call.state == CallState.PROCESSING_AI and call.next_attempt_at and not call.lease_expires_at:
        return Phase.RETRYING
    if call.state == CallState.FAILED and call.dismissed_at:
        return Phase.DISMISSED
    return Phase(str(call.state))


def in_phase(phase: str) -> Q:
    if phase == Phase.RETRYING:
        return _RETRYING
    if phase == Phase.ANALYSING:
        # Not `& ~_RETRYING`: in SQL, NOT of a comparison with NULL is NULL, which loses rows.
        at_work = Q(next_attempt_at__isnull=True) | Q(lease_expires_at__isnull=False)
        return Q(state=CallState.PROCESSING_AI) & at_work
    # Dismissed is a flag in addition to the state, not a state: the call did fail.
    if phase in (Phase.FAILED, Phase.DISMISSED):
        return Q(state=CallState.FAILED, dismissed_at__isnull=phase == Phase.FAILED)
    return Q(state=phase)
