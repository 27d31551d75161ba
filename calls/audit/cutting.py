"""Removes entries of the audit log that are older than AUDIT_RETENTION."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction

from calls.clock import database_now
from calls.models import AuditCut, AuditEntry

log = logging.getLogger(__name__)
BATCH = 1_000


def prune_audit() -> int:
    """Remove up to one batch, from the beginning of the chain. Return how many entries.

    AuditCut says up to where, and the database lets nobody remove more than that.
    """
    if settings.AUDIT_RETENTION is None:
        return 0
    before = database_now() - settings.AUDIT_RETENTION
    with transaction.atomic():
        oldest = AuditEntry.objects.sealed().order_by("sequence").select_for_update()[:BATCH]
        old: list[AuditEntry] = []
        for entry in oldest:
            if entry.at >= before:
                break
            old.append(entry)
        if not old:
            return 0
        last, place = old[-1], old[-1].sequence or 0
        AuditCut.objects.update_or_create(
            pk=AuditCut.ONLY,
            defaults={"sequence": place, "digest": last.digest, "at": database_now()},
        )
        removed = AuditEntry.objects.cut(up_to=place)
    log.info("removed %d entries of the audit log, up to entry %d", removed, place)
    return removed
