"""Finds what a restore has brought back, and erases it again."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from calls.erasure import ledger
from calls.erasure.plan import calls_in_ledger
from calls.erasure.services import save_erasure
from calls.models import Erasure

log = logging.getLogger(__name__)
HINT = "The database is older than the ledger of erasures. Run: manage.py erase --again"


def is_restored() -> bool:
    """Whether the ledger names an erasure that the database does not know."""
    named = {line["id"] for line in ledger.read()}
    if not named:
        return False
    known = set(map(str, Erasure.objects.values_list("pk", flat=True)))
    return bool(named - known)


def warn_of_restore() -> bool:
    """Log at the start of a worker that erased data may be back. Return whether it may."""
    if is_restored():
        log.critical(HINT)
        return True
    return False


def start_again(*, by: str = "") -> Erasure:
    """Start an erasure of everything in the database that the ledger names.

    When it is finished, the database knows the ledger, and nobody is warned of it any more.
    """
    lines = _lines()
    calls, numbers = _newest(lines, "calls"), _newest(lines, "numbers")
    found = [call.call_id for some in calls_in_ledger(calls, numbers) for call in some]
    return save_erasure(
        found,
        numbers=[],
        reason="Again, after a restore",
        by=by,
        call_digests=calls,
        number_digests=numbers,
        is_again=True,
    )


def _lines() -> list[dict[str, Any]]:
    stored = {
        str(each.pk): ledger.line_of(each)
        for each in Erasure.objects.exclude(finished_at=None).filter(is_again=False)
    }
    return list((stored | {line["id"]: line for line in ledger.read()}).values())


def _newest(lines: list[dict[str, Any]], name: str) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for line in lines:
        at = ledger.at_of(line)
        for digest in line[name]:
            found[digest] = max(at, found.get(digest, at))
    return found
