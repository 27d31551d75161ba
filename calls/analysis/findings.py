"""Every write of a call in hand: attempts, results, its release. One function, one transaction.

A worker holds a call by a lease. Whatever it writes names the lease's token and is refused with
LeaseLost once somebody else holds the call, so that a worker thought dead cannot write late.
Locks are taken in one order: calls by their keys, the provider's health, the event log.

What calls need is written for many of them at once: each function takes a list and returns one
result for each item, an exception where that one was refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, Max, QuerySet

from calls import events
from calls.analysis import breaker
from calls.analysis.attempts import (
    Begin,
    begin,
    close,
)
from calls.analysis.leases import Lease, grasp, hold, lost
from calls.analysis.recording.files import StoredAudio, StoredFile, name_recording, name_redacted
from calls.clock import database_now
from calls.events import AtHand, Entry, log_entry
from calls.lifecycle import CallState
from calls.models import Analysis, Attempt, Call, Recording, Stage, Transcript
from calls.search.index import words_of_fields, write_entries
from calls.services import transit


# --- Findings -------------------------------------------------------------------------------
def save_transcripts(findings: Sequence[Finding]) -> list[Transcript | Exception]:
    """Store results of ``transcribe``."""
    with transaction.atomic():
        held, now = grasp([finding.lease for finding in findings]), database_now()
        made, entries = _hear(findings, held, now=now)
        events.append(entries, at=now)
    return [made.get(f.lease.call_pk) or lost(f.lease) for f in findings]


class Stored(NamedTuple):
    """``next`` is the attempt that follows, or what holds it back."""

    transcript: Transcript
    next: Attempt | Exception


def save_words(findings: Sequence[Finding], *, provider: str) -> list[Stored | Exception]:
    """Store what needed no AI to be heard, and write down that the next attempts start."""
    with transaction.atomic():
        held, now = grasp([finding.lease for finding in findings]), database_now()
        made, entries = _hear(findings, held, now=now)
        wanted = [Begin(finding.lease, Stage.UNDERSTAND, provider) for finding in findings]
        begun = begin(wanted, held, now=now)
        events.append(entries, at=now)
    return [
        Stored(made[f.lease.call_pk], attempt) if f.lease.call_pk in made else lost(f.lease)
        for f, attempt in zip(findings, begun, strict=True)
    ]


def _hear(
    findings: Sequence[Finding], held: Mapping[int, AtHand], *, now: datetime
) -> tuple[dict[int, Transcript], list[Entry]]:
    """Write the transcripts of held calls, and that these attempts are over."""
    mine = [finding for finding in findings if finding.lease.call_pk in held]
    versions = _versions(Transcript.objects.filter(call__in=list(held)))
    recorded = _recorded(held)
    made: dict[int, Transcript] = {}
    for finding in mine:
        pk = finding.lease.call_pk
        version = versions[pk] + 1
        made[pk] = Transcript(call_id=pk, version=version, created_at=now, **finding.fields)
        if finding.audio or pk in recorded:
            name_recording(pk, finding.audio, version=version, now=now)
    Transcript.objects.bulk_create(made.values())
    return made, _succeed(mine, held, now=now)


def archive_all(findings: Sequence[Finding]) -> list[Analysis | Exception]:
    """Store results of ``understand`` and archive the calls."""
    # Before anything is locked: it takes its time.
    words = {f.lease.call_pk: words_of_fields(f.fields) for f in findings}
    with transaction.atomic():
        held, now = hold([finding.lease for finding in findings]), database_now()
        mine = [finding for finding in findings if finding.lease.call_pk in held]
        versions = _versions(Analysis.objects.filter(call__in=held))
        recorded = _recorded(held)
        made = {
            f.lease.call_pk: Analysis(
                call=held[f.lease.call_pk],
                version=versions[f.lease.call_pk] + 1,
                created_at=now,
                **f.fields,
            )
            for f in mine
        }
        Analysis.objects.bulk_create(made.values())
        write_entries(made.values(), words)
        for finding in mine:
            if finding.lease.call_pk in recorded:
                name_redacted(finding.lease.call_pk, finding.muted)
        entries = _succeed(mine, held, now=now)
        entries += [_archive(held[f.lease.call_pk], now=now) for f in mine]
        _save_archived(mine, now=now)
        events.append(entries, at=now)
    return [made.get(f.lease.call_pk) or lost(f.lease) for f in findings]


def _archive(call: Call, *, now: datetime) -> Entry:
    return log_entry(call, transit(call, call.archive, action="archived", now=now))


def _save_archived(findings: Sequence[Finding], *, now: datetime) -> None:
    """Write what ``_archive`` decided: one statement for all calls with the same verdict."""
    alike: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for finding in findings:
        alike.setdefault(tuple(finding.verdict.items()), []).append(finding.lease.call_pk)
    for verdict, pks in alike.items():
        Call.objects.filter(pk__in=pks).update(
            state=CallState.ARCHIVED,
            version=F("version") + 1,
            state_changed_at=now,
            lease_owner="",
            lease_expires_at=None,
            next_attempt_at=None,
            last_error="",
            **dict(verdict),
        )


# --- What they share ------------------------------------------------------------------------
def _versions(results: QuerySet[Any]) -> Counter[int]:
    """Return the newest version of each call's results."""
    rows = results.order_by().values_list("call_id").annotate(Max("version"))
    return Counter(dict(rows))


def _recorded(calls: Collection[int]) -> set[int]:
    return set(Recording.objects.filter(call__in=list(calls)).values_list("call_id", flat=True))


def _succeed(
    findings: Sequence[Finding], held: Mapping[int, events.CallRef], *, now: datetime
) -> list[Entry]:
    for finding in findings:
        finding.attempt.request_id = finding.request_id
    entries = [
        close(held[f.lease.call_pk], f.attempt, Attempt.Outcome.SUCCEEDED, None, now=now)
        for f in findings
    ]
    alike: dict[str, list[int]] = {}
    for finding in findings:
        alike.setdefault(finding.request_id, []).append(finding.attempt.pk)
    for request_id, pks in alike.items():
        Attempt.objects.filter(pk__in=pks).update(
            outcome=Attempt.Outcome.SUCCEEDED, finished_at=now, request_id=request_id
        )
    # Words that passed by were no probe.
    telling = [f for f in findings if f.asked or f.lease.asks_in(f.attempt.stage)]
    kinds = {(f.attempt.provider, f.attempt.stage, f.asked): f.attempt for f in telling}
    for (_, _, asked), attempt in kinds.items():
        if asked:
            news = breaker.note_answer(attempt, now=now)
            entries += [(events.NoCall(), news)] if news else []
        else:
            breaker.note_unasked(attempt, now=now)
    return entries


@dataclass(frozen=True)
class Finding:
    """What an attempt found: the fields of a Transcript or an Analysis.

    ``asked`` tells whether it took the provider, and not just the packets. ``audio`` is the
    stored recording of what was heard, ``muted`` the same without what is personal. ``verdict``
    holds the sentiments and trends that are shown in lists, ``request_id`` what the provider
    calls its answers.
    """

    lease: Lease
    attempt: Attempt
    fields: dict[str, Any]
    asked: bool = True
    audio: StoredAudio | None = None
    muted: StoredFile | None = None
    verdict: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""

    @property
    def new_files(self) -> list[str]:
        """What was put into the storage for this, and is named by no row yet."""
        return [stored.name for stored in (self.audio, self.muted) if stored]
