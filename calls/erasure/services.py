"""Starts an erasure, and carries it out step by step. It may be killed at any point.

The rows of a call go first, in small transactions, and the names of its files are kept until the
files are gone. The erasure is finished, and reported, when nothing is left.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from calls.analysis.recording import files as recording_files
from calls.annotations import without_personal_data
from calls.audit.actors import find_actor
from calls.audit.pseudonyms import pseudonym
from calls.audit.record import record_audit
from calls.deletion import remove_call
from calls.erasure import ledger
from calls.erasure.plan import BUSY, make_plan
from calls.erasure.traces import REASON, Traces, remove_admin_log, remove_announcements
from calls.holds.services import HoldRefused, OnHold, check_deletable, read_number, read_reason
from calls.ingest.call_ids import find_call_id
from calls.models import AuditAction, AuditEntry, Call, CallEvent, Erasure, ErasureItem, Packet
from calls.operation.locks import BACKUP, is_held

log = logging.getLogger(__name__)
BATCH = 2_000  # packets or events in one transaction
CALLS_LIMIT, NUMBERS_LIMIT = 10_000, 100
NAME_LENGTH = 150
ERASE = "calls.erase_call"
AT_ONCE_S = 2.0
RUN_ERASURE = "calls.tasks.run_erasure"


class ErasureRefused(Exception):
    """The request breaks a rule, which the message names."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def check_request(
    *, call_ids: Collection[str], numbers: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return the call ids, and the numbers in their normal form. Raises ErasureRefused.

    A call may be named by the sender's own id as well, from which its call id was made.
    """
    if not call_ids and not numbers:
        raise ErasureRefused("numbers", "Name at least one number or call id.")
    if len(call_ids) > CALLS_LIMIT:
        raise ErasureRefused(
            "call_ids", f"At most {CALLS_LIMIT:,} call ids, not {len(call_ids):,}."
        )
    if len(numbers) > NUMBERS_LIMIT:
        raise ErasureRefused("numbers", f"At most {NUMBERS_LIMIT} numbers, not {len(numbers)}.")
    try:
        plain = list(dict.fromkeys(map(read_number, numbers)))
    except HoldRefused as error:
        raise ErasureRefused("numbers", str(error)) from error
    return list(dict.fromkeys(map(find_call_id, call_ids))), plain


def start_erasure(
    *, call_ids: Collection[str] = (), numbers: Collection[str] = (), reason: str, by: str = ""
) -> Erasure:
    """Save what is to be erased. ``carry_on`` does it, and the worker if that is interrupted.

    Raises ErasureRefused, and HoldRefused if the reason or a number is not valid.
    """
    wanted, plain = check_request(call_ids=call_ids, numbers=numbers)
    # The ledger keeps the reason permanently, so it must not contain personal data.
    why = without_personal_data(read_reason(reason))[:300]
    plan = make_plan(call_ids=wanted, numbers=plain)
    return save_erasure(plan.call_ids, numbers=plain, reason=why, by=by, also=wanted)


def save_erasure(
    call_ids: Collection[str],
    *,
    numbers: Collection[str],
    reason: str,
    by: str,
    also: Collection[str] = (),
    call_digests: Collection[str] = (),
    number_digests: Collection[str] = (),
    is_again: bool = False,
) -> Erasure:
    """``also`` are ids of calls that are gone, whose traces are removed all the same."""
    digests = {*call_digests, *map(pseudonym, call_ids), *map(pseudonym, also)}
    with transaction.atomic():
        erasure = Erasure.objects.create(
            reason=reason,
            by=by[:NAME_LENGTH],
            numbers=list(numbers),
            number_digests=sorted({*number_digests, *map(pseudonym, numbers)}),
            call_digests=sorted(digests),
            counts={},
            is_again=is_again,
        )
        ErasureItem.objects.bulk_create(
            [ErasureItem(erasure=erasure, call_id=call_id) for call_id in call_ids],
            batch_size=1000,
        )
        _audit(erasure, by, step="asked", calls=len(call_ids))
    return erasure


def _audit(erasure: Erasure, by: str, **details: Any) -> None:
    record_audit(
        AuditAction.ERASE,
        object_kind="erasure",
        object_id=erasure.pk,
        details=details,
        actor=find_actor(by),
    )


def start_and_queue(
    *, call_ids: Collection[str] = (), numbers: Collection[str] = (), reason: str, by: str = ""
) -> Erasure:
    """Start an erasure in a request: a small part is done at once, and the worker does the rest.

    Raises what ``start_erasure`` raises.
    """
    erasure = start_erasure(call_ids=call_ids, numbers=numbers, reason=reason, by=by)
    done = carry_on(erasure.pk, seconds=AT_ONCE_S)
    if done.finished_at is None:
        async_task(RUN_ERASURE, str(erasure.pk), task_name="run_erasure", save=False)
    return done


def carry_on(pk: Any, *, seconds: float | None = None) -> Erasure:
    """Work on an erasure for up to ``seconds``. It is done if ``finished_at`` is set afterwards.

    Calls in progress or in analysis are left for later.
    """
    ends_at = None if seconds is None else time.monotonic() + seconds
    for item in list(ErasureItem.objects.filter(erasure=pk).order_by("pk")):
        if ends_at is not None and time.monotonic() > ends_at:
            return Erasure.objects.get(pk=pk)
        while not item.rows_are_gone and _erase_batch(item):
            pass
        if item.rows_are_gone:
            _erase_files(item)
    if not ErasureItem.objects.filter(erasure=pk, is_done=False).exists():
        try:
            _finish(pk)
        except OSError as error:
            log.error("erasure %s waits for its ledger: %s", pk, error)  # noqa: TRY400
    return Erasure.objects.get(pk=pk)


def _erase_batch(item: ErasureItem) -> bool:
    """Take one step with the rows of a call. Return whether there is another one to take now."""
    with transaction.atomic():
        own = ErasureItem.objects.select_for_update().filter(pk=item.pk, rows_are_gone=False)
        if not own.exists():
            item.refresh_from_db()
            return False
        erasure = Erasure.objects.select_for_update().get(pk=item.erasure_id)
        call = Call.objects.select_for_update().filter(call_id=item.call_id).first()
        if call is None or call.opened_at > erasure.asked_at:
            # Somebody else deleted it. A call of this id that began later is a new one.
            return _save(item, files=[], is_done=True)
        if call.state in BUSY:
            return False
        try:
            check_deletable(call)
        except OnHold as hold:
            log.warning("erasure %s: %s", erasure.pk, hold)
            _keep(item, erasure)
            return False
        return _remove_batch(item, call, erasure)


def _keep(item: ErasureItem, erasure: Erasure) -> None:
    """Leave a call on hold alone, and do not name it in the ledger."""
    digest = pseudonym(item.call_id)
    erasure.call_digests = [each for each in erasure.call_digests if each != digest]
    _count(erasure, {"held calls": 1})
    item.delete()


def _remove_batch(item: ErasureItem, call: Call, erasure: Erasure) -> bool:
    if call.deleting_since is None:
        # From here on the call is lost, so nobody can set a hold on what is left of it.
        call.deleting_since = timezone.now()
        call.save(update_fields=["deleting_since"])
    if removed := _remove_rows(Packet.objects.filter(stream__call=call)):
        _count(erasure, {"packets": removed})
        return True
    if _remove_rows(CallEvent.objects.filter(call=call)):
        return True
    remove_admin_log(call)
    AuditEntry.objects.forget_calls([call.call_id])
    files = remove_call(call, reason=REASON, by=erasure.by)
    _count(erasure, {"calls": 1, "files": len(files)})
    return _save(item, files=files, is_done=not files)


def _save(item: ErasureItem, *, files: list[str], is_done: bool) -> bool:
    item.rows_are_gone, item.files, item.is_done = True, files, is_done
    item.save(update_fields=["rows_are_gone", "files", "is_done"])
    return False


def _remove_rows(rows: Any) -> int:
    pks = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    return int(rows.model.objects.filter(pk__in=pks).delete()[0]) if pks else 0


def _count(erasure: Erasure, more: dict[str, int]) -> None:
    counts = dict(erasure.counts)
    for kind, number in more.items():
        counts[kind] = counts.get(kind, 0) + number
    erasure.counts = {kind: number for kind, number in counts.items() if number}
    erasure.save(update_fields=["counts", "call_digests"])


def _erase_files(item: ErasureItem) -> None:
    """Remove the files of a call whose rows are gone. One that stays is tried again later."""
    if item.is_done:
        return
    recording_files.remove_files(item.files)
    left = [name for name in item.files if default_storage.exists(name)]
    if left:
        level = logging.INFO if is_held(BACKUP) else logging.ERROR
        log.log(level, "erasure %s: %d files cannot be removed yet", item.erasure_id, len(left))
        return
    _save(item, files=[], is_done=True)


def _finish(pk: Any) -> None:
    """Remove other data about the calls, write the ledger, and only then finish the erasure."""
    erasure = Erasure.objects.get(pk=pk)
    found = Traces(set(erasure.call_digests), set(erasure.number_digests)).remove()
    with transaction.atomic():
        erasure = Erasure.objects.select_for_update().get(pk=pk)
        if erasure.finished_at is not None:
            return
        _count(erasure, found)
        if erasure.is_again:  # the ledger names all of it, with the true time
            ledger.adopt()
        else:
            ledger.append(erasure)
        # A crash before the commit leaves a line in the ledger, which is not added twice.
        erasure.finished_at, erasure.numbers = timezone.now(), []
        erasure.save(update_fields=["finished_at", "numbers"])
        erasure.items.all().delete()
        _audit(erasure, erasure.by, step="finished", **erasure.counts)
    log.info("erasure %s is finished: %s", pk, erasure.counts)


def resume_erasures(*, seconds: float = 5.0) -> int:
    """Carry on with what is left, for a while each. Return how many were finished."""
    remove_announcements()
    left = list(Erasure.objects.unfinished().values_list("pk", flat=True)[:20])
    return sum(carry_on(pk, seconds=seconds).finished_at is not None for pk in left)
