"""What is done to a call outside ingest and analysis: one function, one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_fsm import can_proceed
from django_q.tasks import async_task

from calls import events
from calls.models import Call

log = logging.getLogger(__name__)

DESCRIPTION_FIELDS = ("agent", "caller", "callee", "queue", "direction", "media")
RUN_ANALYSES = "calls.tasks.run_analyses"


class CallNotFound(Exception):
    """No call has this id."""


class NotPossible(Exception):
    """The state of the call does not allow it."""

    def __init__(self, call: Call, action: str) -> None:
        super().__init__(f"A call that is {call.state} cannot be {action}.")
        self.state = str(call.state)


def open_call(call_id: str, *, now: datetime, **description: str) -> tuple[Call, bool]:
    """Return the call and whether this opened it. Belongs into the caller's transaction.

    ``get_or_create`` catches the IntegrityError of a lost race and fetches the winner's row.
    """
    call, opened = Call.objects.get_or_create(
        call_id=call_id, defaults={"opened_at": now, "state_changed_at": now, **description}
    )
    if not opened:
        log.warning("race condition caught: call %s was opened by another request", call_id)
    return call, opened


def start_call(*, call_id: str, **description: str) -> Call:
    """Open a call and say who calls whom; repeated, it only fills in what is new."""
    now = timezone.now()
    with transaction.atomic():
        call = Call.objects.select_for_update().filter(call_id=call_id).first()
        entries: list[tuple[Call, events.Payload]] = []
        if call is None:
            call, opened = open_call(call_id, now=now, **description)
            if opened:
                entries.append((call, opened_event(call)))
            else:
                call = Call.objects.select_for_update().get(pk=call.pk)
        new = {name: value for name, value in description.items() if value}
        changed = _describe(call, new)
        if changed or entries:
            entries.append((call, _description_event(call)))
        events.append(entries, at=now)
    return call


def describe_call(*, call_id: str, **description: str) -> Call:
    """Correct who calls whom; unlike ``start_call`` this can empty a field. Raises CallNotFound."""
    with transaction.atomic():
        call = lock_call(call_id)
        if _describe(call, description):
            events.append([(call, _description_event(call))], at=timezone.now())
    return call


def _describe(call: Call, description: dict[str, str]) -> bool:
    changed = [name for name, value in description.items() if getattr(call, name) != value]
    for name in changed:
        setattr(call, name, description[name])
    if changed:
        call.save(update_fields=changed)
    return bool(changed)


def _description_event(call: Call) -> events.CallDescribed:
    return events.CallDescribed(**{name: getattr(call, name) for name in DESCRIPTION_FIELDS})


def opened_event(call: Call) -> events.StateChanged:
    return events.StateChanged(previous=None, version=call.version)


def end_call(*, call_id: str, reason: str = Call.EndReason.REQUESTED, by: str = "") -> Call:
    """End a live call and queue its analysis. Raises NotPossible if it has ended already."""
    now = timezone.now()
    with transaction.atomic():
        call = lock_call(call_id)
        _complete(call, reason=reason, by=by, now=now)
    return call


def end_idle_calls() -> int:
    """End calls that have been silent for CALL_IDLE_TIMEOUT. Returns how many."""
    before = timezone.now() - timedelta(seconds=settings.CALL_IDLE_TIMEOUT)
    idle = list(Call.objects.idle(before=before).values_list("pk", flat=True)[:1000])
    return sum(_end_if_idle(pk, before=before) for pk in idle)


def _end_if_idle(pk: int, *, before: datetime) -> bool:
    with transaction.atomic():
        # Asked again under the lock: a packet may have come since.
        call = Call.objects.idle(before=before).select_for_update().filter(pk=pk).first()
        if call is None:
            return False
        _complete(call, reason=Call.EndReason.IDLE, by="", now=timezone.now())
    log.warning("call %s ended: no packet for %g s", call.call_id, settings.CALL_IDLE_TIMEOUT)
    return True


def _complete(call: Call, *, reason: str, by: str, now: datetime) -> None:
    call.ended_at, call.end_reason = now, reason
    wake_worker()
    move(
        call,
        call.complete,
        action="ended",
        fields=("ended_at", "end_reason"),
        now=now,
        reason=reason,
        by=by,
    )


def retry_call(*, call_id: str, by: str = "") -> Call:
    """Give a failed call another round of attempts. Raises NotPossible unless it is FAILED."""
    with transaction.atomic():
        call = lock_call(call_id)
        _requeue(call, call.retry, action="retried", by=by)
    return call


def reanalyse_call(*, call_id: str, by: str = "") -> Call:
    """Analyse an archived call anew; the old result is kept. Raises NotPossible otherwise."""
    with transaction.atomic():
        call = lock_call(call_id)
        _requeue(call, call.reanalyse, action="reanalysed", by=by)
    return call


def _requeue(call: Call, transition: Callable[[], Any], *, action: str, by: str) -> None:
    call.analysis_round += 1
    call.next_attempt_at, call.last_error = None, ""
    wake_worker()
    move(
        call,
        transition,
        action=action,
        fields=("analysis_round", "next_attempt_at", "last_error"),
        now=timezone.now(),
        reason=action,
        by=by,
    )


def move(
    call: Call,
    transition: Callable[[], Any],
    *,
    action: str,
    now: datetime,
    fields: Sequence[str] = (),
    reason: str = "",
    by: str = "",
) -> None:
    """Make one transition of a locked call, save it with ``fields``, and log the event.

    Belongs into the caller's transaction. Raises NotPossible if the state does not allow it.
    """
    previous = str(call.state)
    if not can_proceed(transition):
        raise NotPossible(call, action)
    transition()
    call.version += 1
    call.state_changed_at = now
    call.save(update_fields=["state", "version", "state_changed_at", *fields])
    change = events.StateChanged(previous=previous, version=call.version, reason=reason, by=by)
    events.append([(call, change)], at=now)


def wake_worker() -> None:
    """Queue a look at the calls that are due: an INSERT that commits or rolls back with ours."""
    async_task(RUN_ANALYSES, task_name="run_analyses", save=False)


def lock_call(call_id: str) -> Call:
    """Return the call with its row locked until the transaction ends. Raises CallNotFound."""
    call = Call.objects.select_for_update().filter(call_id=call_id).first()
    if call is None:
        raise CallNotFound(f"There is no call {call_id}.")
    return call
