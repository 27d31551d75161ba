"""Changes to a call outside ingest and analysis: one function is one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_fsm import can_proceed

from calls import events
from calls.clock import database_now
from calls.description import description_of, store_fields
from calls.events.people import CallReassigned
from calls.lifecycle import CallState
from calls.models import Call, Stage, Team
from calls.monitoring.log_context import read_origin
from calls.people.agents import named_properly
from calls.resolution import resolve_over
from calls.telemetry.tracing import present, span
from calls.waking import wake_worker, waking_once

log = logging.getLogger(__name__)

MOVED_FIELDS = ("state", "version", "state_changed_at")
REQUEUE_FIELDS = (
    "analysis_round",
    "automatic_retries",
    "first_stage",
    "next_attempt_at",
    "last_error",
    "dismissed_at",
)
LATE_PACKETS = "late packets"
LATE_QUIET = timedelta(seconds=5)
LATE_PATIENCE = timedelta(minutes=15)  # for packets that keep coming


class CallNotFound(Exception):
    """No call has this id."""


class NotPossible(Exception):
    """The state of the call does not allow it."""

    def __init__(self, call: Call, action: str) -> None:
        state = CallState(call.state).in_words
        super().__init__(f"A call that is {state} cannot be {action}.")
        self.state = str(call.state)


def open_call(
    call_id: str, *, now: datetime, origin: Mapping[str, str] | None = None, **description: str
) -> tuple[Call, bool]:
    """Return the call and whether this opened it. Call inside a transaction.

    The call keeps the ids of its ``origin``, or else of the request that is being answered.

    If another request wins the race, ``get_or_create`` catches the IntegrityError and fetches the
    winner's row.
    """
    known = {"opened_at": now, "state_changed_at": now, **description, **read_origin(origin)}
    call, opened = Call.objects.get_or_create(call_id=call_id, defaults=known)
    if not opened:
        log.warning("race condition caught: call %s was opened by another request", call_id)
    return call, opened


def start_call(
    *, call_id: str, fields: Mapping[str, str] | None = None, **description: str
) -> Call:
    """Open a call and record who calls whom. Called again, it only adds new details.

    ``fields`` are values of custom fields, as ``description.read_fields`` returns them.
    """
    now, description = timezone.now(), named_properly(description)
    with transaction.atomic():
        call = Call.objects.select_for_update().filter(call_id=call_id).first()
        entries: list[tuple[Call, events.Payload]] = []
        if call is None:
            call, opened = open_call(call_id, now=now, origin=None, **description)
            if opened:
                entries.append((call, opened_event(call)))
            else:
                call = Call.objects.select_for_update().get(pk=call.pk)
        new = {name: value for name, value in description.items() if value}
        before = (call.agent, call.queue)
        changed = _describe(call, new)
        if changed or entries:
            entries.append((call, _description_event(call)))
            entries += _moved(call, before)
        if stored := store_fields(call, fields or {}):
            entries.append((call, events.CallFieldsChanged(fields=stored)))
        events.append(entries, at=now)
    return call


def change_fields(*, call_id: str, fields: Mapping[str, str], by: str = "") -> Call:
    """Set the custom fields of a call; those left out are removed. Raises CallNotFound."""
    with transaction.atomic():
        call = lock_call(call_id)
        if changed := store_fields(call, fields, replace=True):
            entry = events.CallFieldsChanged(fields=changed, by=by)
            events.append([(call, entry)], at=timezone.now())
    return call


def describe_call(*, call_id: str, **description: str) -> Call:
    """Correct who calls whom. Unlike ``start_call``, it can clear a field. Raises CallNotFound."""
    description = named_properly(description)
    with transaction.atomic():
        call = lock_call(call_id)
        before = (call.agent, call.queue)
        if _describe(call, description):
            events.append(
                [(call, _description_event(call)), *_moved(call, before)], at=timezone.now()
            )
    return call


def _moved(call: Call, before: tuple[str, str]) -> list[tuple[Call, events.Payload]]:
    """Record who had a call before, if it was passed on and teams decide who sees it."""
    is_moved = any(before) and before != (call.agent, call.queue)
    if not is_moved or not Team.objects.exists():
        return []
    agent, queue = before
    return [(call, CallReassigned(agent=agent, queue=queue))]


def _describe(call: Call, description: dict[str, str]) -> bool:
    changed = [name for name, value in description.items() if getattr(call, name) != value]
    for name in changed:
        setattr(call, name, description[name])
    if changed:
        call.save(update_fields=changed)
    return bool(changed)


def _description_event(call: Call) -> events.CallDescribed:
    return events.CallDescribed(**description_of(call))


def opened_event(call: Call) -> events.StateChanged:
    return events.StateChanged(previous=None, version=call.version)


def end_call(*, call_id: str, reason: str = Call.EndReason.REQUESTED, by: str = "") -> Call:
    """End a live call and queue its analysis. Raises NotPossible if it has ended already."""
    now = timezone.now()
    with transaction.atomic():
        call = lock_call(call_id)
        complete_call(call, reason=reason, by=by, now=now)
    return call


def end_idle_calls() -> int:
    """End calls that have been silent for CALL_IDLE_TIMEOUT. Return how many."""
    before = database_now() - timedelta(seconds=settings.CALL_IDLE_TIMEOUT)
    idle = list(Call.objects.idle(before=before).values_list("pk", flat=True)[:1000])
    return sum(_end_if_idle(pk, before=before) for pk in idle)


def _end_if_idle(pk: int, *, before: datetime) -> bool:
    with transaction.atomic():
        # Check again under the lock: a packet may have arrived since.
        call = Call.objects.idle(before=before).lock_if_free(pk)
        if call is None:
            return False
        complete_call(call, reason=Call.EndReason.IDLE, now=database_now())
    log.warning("call %s ended: no packet for %g s", call.call_id, settings.CALL_IDLE_TIMEOUT)
    return True


def complete_call(call: Call, *, reason: str, now: datetime, by: str = "") -> None:
    """End a locked call and queue its analysis. Call inside a transaction."""
    call.ended_at, call.end_reason = now, reason
    fields = ("ended_at", "end_reason", *_adopt_origin(call))
    known = {"reason": reason, "call_id": call.call_id}
    # In the trace that opened the call, like everything that follows.
    with span("end call", parent=call.traceparent, links=(present(),), **known):
        move(call, call.complete, action="ended", fields=fields, now=now, reason=reason, by=by)
    # If the transaction is rolled back, no call has ended.
    transaction.on_commit(lambda: _report_end(call, reason))


def _adopt_origin(call: Call) -> list[str]:
    """Set the ids that were missing when the call was opened, and return their names."""
    new = {name: value for name, value in read_origin().items() if not getattr(call, name)}
    for name, value in new.items():
        setattr(call, name, value)
    return list(new)


def _report_end(call: Call, reason: str) -> None:
    log.log(
        logging.WARNING if call.missing_count else logging.INFO,
        "call %s ended (%s): %d packets, %d missing, %d duplicates",
        call.call_id, reason, call.packet_count, call.missing_count, call.duplicate_count,
    )  # fmt: skip


def retry_call(*, call_id: str, by: str = "") -> Call:
    """Give a failed call another round of attempts, from the stage that failed.

    Raises NotPossible unless it is FAILED.
    """
    with transaction.atomic():
        call = lock_call(call_id)
        _retry(call, by=by)
    return call


def dismiss_call(*, call_id: str, by: str = "", note: str = "") -> Call:
    """Mark a failed call as needing no analysis. It stays FAILED and is not retried automatically.

    It no longer needs attention unless somebody retries it. Dismissing it again changes nothing.
    Raises NotPossible unless the call is FAILED.
    """
    now = database_now()
    with transaction.atomic():
        call = lock_call(call_id)
        if call.state != CallState.FAILED:
            raise NotPossible(call, "dismissed")
        if call.dismissed_at is None:
            call.dismissed_at = now
            call.save(update_fields=["dismissed_at"])
            dismissed = events.CallDismissed(by=by, note=note)
            events.append([(call, dismissed), *resolve_over([call.pk], now=now)], at=now)
    return call


def retry_failed_calls() -> int:
    """Retry calls that failed AI_AUTO_RETRY_AFTER seconds ago or earlier. Return how many.

    Each call is retried at most AI_AUTO_RETRY_ROUNDS times.
    """
    if not settings.AI_AUTO_RETRY_AFTER:
        return 0
    before = database_now() - timedelta(seconds=settings.AI_AUTO_RETRY_AFTER)
    due = Call.objects.retryable(before=before, rounds=settings.AI_AUTO_RETRY_ROUNDS)
    pks = list(due.order_by("state_changed_at").values_list("pk", flat=True)[:1000])
    with waking_once():
        return sum(_retry_if_due(pk, before=before) for pk in pks)


def _retry_if_due(pk: int, *, before: datetime) -> bool:
    rounds = settings.AI_AUTO_RETRY_ROUNDS
    with transaction.atomic():
        call = Call.objects.retryable(before=before, rounds=rounds).lock_if_free(pk)
        if call is None:
            return False
        number = call.automatic_retries + 1
        by = f"automatic retry {number} of {rounds}"
        _retry(call, by=by, automatic_retries=number)
    log.warning("call %s: %s", call.call_id, by)
    return True


def reanalyse_call(*, call_id: str, by: str = "", stage: str = Stage.TRANSCRIBE) -> Call:
    """Analyse an archived call again, starting at ``stage``. The previous result is kept.

    Raises NotPossible unless it is ARCHIVED.
    """
    with transaction.atomic():
        call = lock_call(call_id)
        call.first_stage = Stage(stage)
        requeue(call, call.reanalyse, action="reanalysed", by=by)
    return call


def note_late_packets(call_pks: Collection[int], *, now: datetime) -> None:
    """Ask for another round of analysis of locked calls that ended a short while ago.

    The time counts from the end, so packets that keep coming do not cause endless rounds.
    """
    if not settings.REANALYSE_LATE:
        return
    since = now - timedelta(seconds=settings.REANALYSE_LATE_WITHIN)
    calls = Call.objects.filter(pk__in=call_pks, late_since=None, packets_pruned_at=None)
    calls.filter(ended_at__gte=since).update(late_since=now)


def reanalyse_late_calls() -> int:
    """Analyse archived calls again whose late packets no round has read. Return how many."""
    now = database_now()
    limits = {"quiet_since": now - LATE_QUIET, "waiting_since": now - LATE_PATIENCE}
    due = Call.objects.with_late_packets(**limits)
    pks = list(due.order_by("late_since").values_list("pk", flat=True)[:100])
    with waking_once():
        return sum(_reanalyse_if_due(pk, **limits) for pk in pks)


def _reanalyse_if_due(pk: int, **limits: datetime) -> bool:
    with transaction.atomic():
        call = Call.objects.with_late_packets(**limits).lock_if_free(pk)
        if call is None:
            return False
        call.first_stage = Stage.TRANSCRIBE
        requeue(call, call.reanalyse, action="reanalysed", by=LATE_PACKETS)
    log.info("call %s: analysed again because of late packets", call.call_id)
    return True


def _retry(call: Call, *, by: str, automatic_retries: int = 0) -> None:
    call.first_stage = _failed_stage(call)
    requeue(call, call.retry, action="retried", by=by, automatic_retries=automatic_retries)


def _failed_stage(call: Call) -> Stage:
    """Return the stage to retry from. A transcript that covers every packet is not made again."""
    attempt = call.attempts.order_by("-id").first()
    if attempt is None or attempt.stage != Stage.UNDERSTAND:
        return Stage.TRANSCRIBE
    heard_at = call.transcripts.order_by("-version").values_list("created_at", flat=True).first()
    if heard_at is None or (call.last_packet_at and call.last_packet_at > heard_at):
        return Stage.TRANSCRIBE
    return Stage.UNDERSTAND


def requeue(
    call: Call,
    transition: Callable[[], Any],
    *,
    action: str,
    by: str,
    automatic_retries: int = 0,
) -> None:
    """Start another round of analysis for a locked call that is over, at ``call.first_stage``."""
    call.analysis_round += 1
    call.automatic_retries = automatic_retries
    call.next_attempt_at, call.last_error, call.dismissed_at = None, "", None
    move(
        call,
        transition,
        action=action,
        fields=REQUEUE_FIELDS,
        now=database_now(),
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
    """Make one transition of a locked call, save it with ``fields``, and append the event.

    Alerts that end with it are resolved. Call inside a transaction. Raises NotPossible if the
    state does not allow it.
    """
    change = transit(call, transition, action=action, now=now, reason=reason, by=by)
    if call.state == CallState.COMPLETED:  # its analysis is due
        wake_worker()
    call.save(update_fields=[*MOVED_FIELDS, *fields])
    events.append([(call, change), *resolve_over([call.pk], now=now)], at=now)


def transit(
    call: Call,
    transition: Callable[[], Any],
    *,
    action: str,
    now: datetime,
    reason: str = "",
    by: str = "",
) -> events.StateChanged:
    """Make one transition of a locked call and return its event.

    The caller saves the call and appends the event. Raises NotPossible if the state does not
    allow it.
    """
    previous = str(call.state)
    if not can_proceed(transition):
        raise NotPossible(call, action)
    transition()
    call.version += 1
    call.state_changed_at = now
    return events.StateChanged(previous=previous, version=call.version, reason=reason, by=by)


def lock_call(call_id: str) -> Call:
    """Return the call with its row locked until the transaction ends. Raises CallNotFound."""
    call = Call.objects.select_for_update().filter(call_id=call_id).first()
    if call is None:
        raise CallNotFound(f"There is no call {call_id}.")
    return call
