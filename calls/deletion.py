"""Deletes a call with everything about it, unless something protects the call."""

from __future__ import annotations

import logging
from functools import partial

from django.db import transaction

from calls import events
from calls.analysis.recording import files as recording_files
from calls.clock import database_now
from calls.holds.services import check_deletable
from calls.models import Call, Recording
from calls.services import NotPossible, lock_call

log = logging.getLogger(__name__)
REQUESTED = "requested"


def delete_call(*, call_id: str, by: str = "") -> None:
    """Delete a call that is ARCHIVED or FAILED, in one transaction with its event.

    Raises CallNotFound, NotPossible in any other state, and OnHold if a legal hold keeps it.
    """
    with transaction.atomic():
        call = lock_call(call_id)
        if not call.is_over:
            raise NotPossible(call, "deleted")
        files = remove_call(call, reason=REQUESTED, by=by)
        transaction.on_commit(partial(recording_files.remove_files, files))
    log.info("call %s deleted by %s", call_id, by or "nobody known")


def remove_call(call: Call, *, reason: str, by: str = "") -> list[str]:
    """Remove a locked call. Call inside a transaction, and remove the returned files after it.

    Raises OnHold if a legal hold keeps it.

    A crash in between leaves files that no row names, which the sweep removes.
    """
    check_deletable(call)
    row = Recording.objects.filter(call=call).first()
    deleted = call.call_id
    call.delete()
    gone = events.CallDeleted(deleted=deleted, reason=reason, by=by)
    events.append([(events.NoCall(), gone)], at=database_now())
    return recording_files.files_of(row) if row else []
