"""Carries out one action on many calls. Each call is acted on at most once.

The rows say what is left to do. A job locks the row of a call and saves its outcome in the
transaction that acts on the call, so a job may run twice or die at any point.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.db.models import Count
from django.utils import timezone
from django_q.tasks import async_task

from calls.actions.catalogue import ACTIONS, REFUSALS
from calls.annotations import NAME_LENGTH, normal_tag
from calls.audit.actors import find_actor
from calls.audit.record import record_audit
from calls.holds.services import read_reason
from calls.models import AuditAction, BulkAction, BulkItem, Call, Stage
from calls.visibility import (
    EVERYTHING,
    Sight,
    active,
    in_sight,
    is_in_sight,
    looking_with,
    sight_of,
)
from calls.waking import waking_once

log = logging.getLogger(__name__)

LIMIT = 5000  # calls in one action
AT_ONCE = 25  # up to this many calls, the request itself does the work
AT_ONCE_S = 2.0
SLICE_S = 10.0  # then a job queues the rest, so that other jobs get a turn
SIGN_OF_LIFE_S = 2.0
# Well above SLICE_S and SIGN_OF_LIFE_S: a slow job must not get a second one.
ABANDONED_AFTER = timedelta(seconds=45)
KEPT = timedelta(days=30)
RUN_BULK = "calls.tasks.run_bulk"


class TooMany(Exception):
    """More than LIMIT calls were selected, or none."""


def start_bulk(
    *,
    kind: str,
    call_ids: Sequence[str],
    by: str,
    stage: str = "",
    tag: str = "",
    reason: str = "",
    query: str = "",
    token: uuid.UUID | None = None,
) -> BulkAction:
    """Save a bulk action and start it. If the ``token`` has been used, return that action.

    Raises TooMany, AnnotationRefused if the tag is invalid, HoldRefused if the reason is, and
    ValueError if the kind or stage is unknown.
    """
    kind, wanted = BulkAction.Kind(kind), list(dict.fromkeys(call_ids))
    if not 0 < len(wanted) <= LIMIT:
        raise TooMany(f"Select 1 to {LIMIT:,} calls; you selected {len(wanted):,}.")
    options = _options(kind, stage=stage, tag=tag, reason=reason)
    with transaction.atomic():
        action, is_new = BulkAction.objects.get_or_create(
            token=token or uuid.uuid4(),
            defaults={
                "kind": kind, **options, "query": query, "by": by[:NAME_LENGTH],
                "total": len(wanted),
            },
        )  # fmt: skip
        if not is_new:
            return action
        # The calls are fixed now. One that matches the filter later is not part of the action.
        hidden = _hidden(wanted)
        BulkItem.objects.bulk_create(
            [_item(action, call_id, is_hidden=call_id in hidden) for call_id in wanted],
            batch_size=1000,
        )
        _audit(AuditAction.BULK, action, by)
        if len(wanted) > AT_ONCE:
            _queue(action.pk)
    if len(wanted) <= AT_ONCE:
        carry_on(action.pk, seconds=AT_ONCE_S)
    return action


def _options(kind: BulkAction.Kind, *, stage: str, tag: str, reason: str) -> dict[str, str]:
    """Return the options that the action takes, checked."""
    takes = ACTIONS[kind].takes
    return {
        "stage": Stage(stage or Stage.TRANSCRIBE).value if "stage" in takes else "",
        "tag": normal_tag(tag) if "tag" in takes else "",
        "reason": read_reason(reason) if "reason" in takes else "",
    }


def _hidden(call_ids: Sequence[str]) -> set[str]:
    """Return those that the author may not see, keys included, which are not checked again."""
    if active().is_all:
        return set()
    seen = in_sight(Call.objects.filter(call_id__in=call_ids))
    return set(call_ids) - set(seen.values_list("call_id", flat=True))


def _item(action: BulkAction, call_id: str, *, is_hidden: bool) -> BulkItem:
    if not is_hidden:
        return BulkItem(action=action, call_id=call_id)
    refused = BulkItem.Outcome.REFUSED
    reason = f"There is no call {call_id}."
    return BulkItem(action=action, call_id=call_id, outcome=refused, reason=reason)


def _audit(what: AuditAction, action: BulkAction, by: str) -> None:
    details = {"kind": str(action.kind), "calls": action.total}
    record_audit(
        what,
        object_kind="bulk action",
        object_id=action.pk,
        details=details,
        actor=find_actor(by),
    )


def carry_on(
    action_pk: int,
    *,
    seconds: float = SLICE_S,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Work on an action for up to ``seconds``, then queue the rest. Return whether it is done."""
    action = BulkAction.objects.filter(pk=action_pk, finished_at=None).first()
    if action is None:
        return True
    ends_at = time.monotonic() + seconds
    told_at = float("-inf")
    is_left = True
    sight = _sight_of(action.by)
    with waking_once(), looking_with(sight):
        while is_left and time.monotonic() < ends_at and not should_stop():
            if time.monotonic() - told_at > SIGN_OF_LIFE_S:
                told_at = time.monotonic()
                BulkAction.objects.filter(pk=action.pk).update(seen_at=timezone.now())
            is_left = _do_next(action)
    return _queue(action.pk) if is_left else _finish(action.pk)


def _do_next(action: BulkAction) -> bool:
    """Act on the next call and save its outcome. Return False if no call is left."""
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        waiting = BulkItem.objects.select_for_update(skip_locked=skip)
        waiting = waiting.filter(action=action.pk, outcome=BulkItem.Outcome.WAITING).order_by("id")
        item = waiting.first()
        if item is None or _is_stopped(action):
            return False
        item.outcome, item.reason = _act(action, item.call_id)
        item.save(update_fields=["outcome", "reason"])
    return True


def _is_stopped(action: BulkAction) -> bool:
    return not BulkAction.objects.filter(pk=action.pk, finished_at=None).exists()


def _act(action: BulkAction, call_id: str) -> tuple[BulkItem.Outcome, str]:
    wanted = ACTIONS[action.kind]
    options = {name: getattr(action, name) for name in wanted.takes}
    if not is_in_sight(call_id):
        return BulkItem.Outcome.REFUSED, f"There is no call {call_id}."
    try:
        with transaction.atomic():  # if the service refuses, still save the outcome
            wanted.run(call_id=call_id, by=action.by, **options)
    except REFUSALS as error:
        return BulkItem.Outcome.REFUSED, str(error)[:300]
    except DatabaseError:
        raise
    except Exception as error:
        log.exception("call %s: a bulk action has a bug", call_id)
        return BulkItem.Outcome.REFUSED, f"{type(error).__name__}: {error}"[:300]
    return BulkItem.Outcome.DONE, ""


def _sight_of(name: str) -> Sight:
    """Return what the author of an action sees now. Keys and commands are not users."""
    user = User.objects.filter(username=name).first()
    return sight_of(user) if user else EVERYTHING


def _queue(action_pk: int) -> bool:
    async_task(RUN_BULK, action_pk, task_name="run_bulk", save=False)
    return False


def _finish(action_pk: int) -> bool:
    """Mark the action as finished, unless another job is still working on its last calls."""
    with transaction.atomic():
        # Locked, so that of two jobs that end together only one marks it.
        action = BulkAction.objects.select_for_update().get(pk=action_pk)
        if action.finished_at is None:
            if action.items.filter(outcome=BulkItem.Outcome.WAITING).exists():
                return False
            action.finished_at = timezone.now()
            action.save(update_fields=["finished_at"])
    return True


def stop_bulk(*, action_pk: int, by: str) -> BulkAction | None:
    """Stop an action before its remaining calls. Return None if there is no such action."""
    with transaction.atomic():
        action = BulkAction.objects.select_for_update().filter(pk=action_pk).first()
        if action is not None and action.finished_at is None:
            action.finished_at, action.stopped_by = timezone.now(), by[:NAME_LENGTH]
            action.save(update_fields=["finished_at", "stopped_by"])
            _audit(AuditAction.BULK_STOP, action, by)
    return action


def resume_bulk_actions() -> int:
    """Queue unfinished actions whose job has shown no sign of life. Return how many."""
    before = timezone.now() - ABANDONED_AFTER
    left = BulkAction.objects.filter(finished_at=None, seen_at__lt=before).order_by("seen_at")
    # Few at a time, because the sweep does this every minute.
    pks = list(left.values_list("pk", flat=True)[:20])
    for pk in pks:
        _queue(pk)
    return len(pks)


def prune_bulk_actions() -> int:
    """Remove actions that finished KEPT ago. The event log still has what was done to each call."""
    old = BulkAction.objects.filter(finished_at__lt=timezone.now() - KEPT)
    pks = list(old.values_list("pk", flat=True)[:20])
    removed, _ = BulkAction.objects.filter(pk__in=pks).delete()
    return removed


def count_outcomes(action: BulkAction) -> dict[str, int]:
    """Return the number of calls for each outcome."""
    found: dict[str, Any] = dict.fromkeys(BulkItem.Outcome.values, 0)
    rows = action.items.order_by().values_list("outcome").annotate(n=Count("pk"))
    return {**found, **dict(rows)}
