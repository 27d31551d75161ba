"""Seals entries of the audit log, and finds those that were altered or removed.

Each entry has a digest of itself and of the one before it. The worker computes it within seconds
of the commit, so that those who write entries do not wait for each other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection, transaction

from calls.audit.pseudonyms import pseudonym
from calls.models import AuditCut, AuditEntry

BATCH = 500
_SEAL_LOCK = 0x41756474  # no other advisory lock of this database may use this number
BEGIN = "0" * 64
PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Head:
    """The newest sealed entry. Kept elsewhere, it later proves that nothing is gone."""

    sequence: int = 0
    digest: str = BEGIN

    def __str__(self) -> str:
        return f"{self.sequence}:{self.digest}"


@dataclass
class Report:
    first: int = 0
    head: Head = Head()
    checked: int = 0
    unsealed: int = 0
    erased: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def seal() -> int:
    """Chain up to BATCH entries. Return how many. Any number of workers may do this."""
    if not AuditEntry.objects.unsealed().exists():
        return 0
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SEAL_LOCK])
        head = find_head()
        entries = list(AuditEntry.objects.unsealed().order_by("id")[:BATCH])
        for entry in entries:
            head = Head(head.sequence + 1, digest_of(entry, head))
            AuditEntry.objects.seal(entry.pk, sequence=head.sequence, digest=head.digest)
    return len(entries)


def find_head() -> Head:
    """Return the newest sealed entry, or where retention has cut the log."""
    last = AuditEntry.objects.sealed().order_by("-sequence").first()
    if last is not None:
        return Head(last.sequence or 0, last.digest)
    return _begin()


def _begin() -> Head:
    cut = AuditCut.objects.first()
    return Head(cut.sequence, cut.digest) if cut else Head()


def digest_of(entry: AuditEntry, before: Head) -> str:
    """Return the digest of an entry as the one after ``before``.

    The id of the call is part of it by its keyed digest, so that an erasure keeps the chain.
    """
    parts = [
        before.digest,
        before.sequence + 1,
        entry.pk,
        entry.at.timestamp(),
        entry.actor_kind,
        entry.actor,
        entry.address,
        entry.action,
        entry.object_kind,
        entry.object_id,
        entry.call_digest,
        entry.details,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def check(kept: Head | None = None) -> Report:
    """Read the whole chain. ``kept`` is a head that somebody wrote down before."""
    begin = _begin()
    report = Report(first=begin.sequence + 1, head=begin)
    for entry in _in_order():
        _check_entry(entry, report)
        if kept is not None and entry.sequence == kept.sequence and entry.digest != kept.digest:
            report.problems.append(f"Entry {entry.sequence} is not the one whose digest was kept.")
    if kept is not None and kept.sequence > report.head.sequence:
        missing = _span(report.head.sequence + 1, kept.sequence)
        report.problems.append(f"{missing} removed from the end.")
    report.unsealed = AuditEntry.objects.unsealed().count()
    return report


def _in_order() -> Iterator[AuditEntry]:
    """Yield sealed entries without a cursor, which would keep old rows alive."""
    last = 0
    while rows := list(AuditEntry.objects.filter(sequence__gt=last).order_by("sequence")[:BATCH]):
        yield from rows
        last = rows[-1].sequence or 0


def _check_entry(entry: AuditEntry, report: Report) -> None:
    sequence = entry.sequence or 0
    expected = report.head.sequence + 1
    if sequence > expected:
        report.problems.append(f"{_span(expected, sequence - 1)} removed.")
    elif digest_of(entry, report.head) != entry.digest:
        report.problems.append(f"Entry {sequence} was altered.")
    if entry.call_id and pseudonym(entry.call_id) != entry.call_digest:
        report.problems.append(
            f"The call of entry {sequence} was altered, or ERASURE_KEY was changed."
        )
    if entry.call_digest and not entry.call_id:
        report.erased.add(entry.call_digest)
    # Go on with what is stored: each damage is reported once.
    report.head = Head(sequence, entry.digest)
    report.checked += 1


def _span(first: int, last: int) -> str:
    return f"Entry {first} was" if first == last else f"Entries {first} to {last} were"
