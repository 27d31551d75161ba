"""Saving results: transcripts, analyses, and the move to the archive.

Each public function is one transaction for many calls. It takes a list of StageResult and returns
one row for each, or LeaseLost where another worker holds the call by now. See ``leases`` for the
fencing token and the lock order. StoredBefore is raised, and nothing written, if one of them has
been stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, Max, QuerySet

from calls import events
from calls.analysis import breaker
from calls.analysis.attempts import (
    AttemptStart,
    close_attempt,
    count_attempts,
    create_attempts,
)
from calls.analysis.leases import Lease, lease_lost, lock_leased, lock_leased_refs
from calls.analysis.recording.files import StoredAudio, StoredFile, name_recording, name_redacted
from calls.clock import database_now
from calls.events import AtHand, Entry, log_entry
from calls.lifecycle import CallState
from calls.models import Analysis, Attempt, Call, Recording, Stage, Transcript
from calls.resolution import resolve_over
from calls.search.index import words_of_fields, write_entries
from calls.services import transit


class StoredBefore(Exception):
    """The result is stored: the database was lost after the commit, before it was acknowledged."""


@dataclass(frozen=True)
class StageResult:
    """The result of an attempt: ``fields`` are those of a Transcript or an Analysis.

    ``asked`` says whether the provider was asked. ``audio`` is the stored recording, ``muted``
    its copy without personal data. ``headline`` holds the sentiments and trends that lists show,
    ``request_id`` the provider's ids of its responses.
    """

    lease: Lease
    attempt: Attempt
    fields: dict[str, Any]
    asked: bool = True
    audio: StoredAudio | None = None
    muted: StoredFile | None = None
    headline: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""

    @property
    def new_files(self) -> list[str]:
        """Names of the stored files that no row refers to yet."""
        return [stored.name for stored in (self.audio, self.muted) if stored]


def save_transcripts(results: Sequence[StageResult]) -> list[Transcript | Exception]:
    """Save results of ``transcribe``."""
    with transaction.atomic():
        held, now = lock_leased_refs([result.lease for result in results]), database_now()
        made, entries = _write_transcripts(results, held, now=now)
        events.append(entries, at=now)
    return [made.get(f.lease.call_pk) or lease_lost(f.lease) for f in results]


class Stored(NamedTuple):
    """A saved transcript. ``next`` is the attempt at ``understand``, or why it may not start."""

    transcript: Transcript
    next: Attempt | Exception


def save_words(results: Sequence[StageResult], *, provider: str) -> list[Stored | Exception]:
    """Save transcripts of text calls and start their attempts at ``understand``.

    Both in one transaction: text calls are quick, and a commit is most of their cost.
    """
    with transaction.atomic():
        held, now = lock_leased_refs([result.lease for result in results]), database_now()
        made, entries = _write_transcripts(results, held, now=now)
        wanted = [AttemptStart(result.lease, Stage.UNDERSTAND, provider) for result in results]
        begun = create_attempts(wanted, held, now=now)
        events.append(entries, at=now)
    return [
        Stored(made[f.lease.call_pk], attempt) if f.lease.call_pk in made else lease_lost(f.lease)
        for f, attempt in zip(results, begun, strict=True)
    ]


def _write_transcripts(
    results: Sequence[StageResult], held: Mapping[int, AtHand], *, now: datetime
) -> tuple[dict[int, Transcript], list[Entry]]:
    """Write the transcripts of locked calls and close their attempts as succeeded."""
    mine = [result for result in results if result.lease.call_pk in held]
    versions = _versions(Transcript.objects.filter(call__in=list(held)))
    recorded = _recorded(held)
    made: dict[int, Transcript] = {}
    for result in mine:
        pk = result.lease.call_pk
        version = versions[pk] + 1
        made[pk] = Transcript(call_id=pk, version=version, created_at=now, **result.fields)
        if result.audio or pk in recorded:
            name_recording(pk, result.audio, version=version, now=now)
    Transcript.objects.bulk_create(made.values())
    news = list(_news_of_sound(made.values(), held))
    _save_facts(made.values())
    return made, [*news, *_succeed(mine, held, now=now)]


def _save_facts(transcripts: Iterable[Transcript]) -> None:
    """Save the lengths and the trouble with the sound that lists show.

    A call without sound or words keeps the length of its clock.
    """
    calls = [
        Call(
            pk=each.call_id,
            duration=timedelta(milliseconds=each.duration_ms) or None,
            sound_troubles=" ".join(_trouble_kinds(each)),
        )
        for each in transcripts
    ]
    Call.objects.bulk_update(calls, ["duration", "sound_troubles"])


def _news_of_sound(
    transcripts: Iterable[Transcript], held: Mapping[int, AtHand]
) -> Iterator[Entry]:
    """Yield an entry for each call whose trouble with the sound is not what it was before."""
    # Text has no sound. It comes a hundred calls at a time, which should cost no query.
    spoken = {each.call_id: each for each in transcripts if "troubles" in each.provenance}
    if not spoken:
        return
    before = dict(Call.objects.filter(pk__in=spoken).values_list("pk", "sound_troubles"))
    for pk, transcript in spoken.items():
        kinds = _trouble_kinds(transcript)
        if " ".join(kinds) != before[pk]:
            yield held[pk], events.SoundTroubles(kinds=kinds)


def _trouble_kinds(transcript: Transcript) -> list[str]:
    troubles = transcript.provenance.get("troubles", [])
    return list(dict.fromkeys(each["kind"] for each in troubles))


def archive_calls(results: Sequence[StageResult]) -> list[Analysis | Exception]:
    """Save results of ``understand`` and archive the calls."""
    # Splitting text into words is slow. Do it before the calls are locked.
    words = {f.lease.call_pk: words_of_fields(f.fields) for f in results}
    with transaction.atomic():
        held, now = lock_leased([result.lease for result in results]), database_now()
        mine = [result for result in results if result.lease.call_pk in held]
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
        for result in mine:
            if result.lease.call_pk in recorded:
                name_redacted(result.lease.call_pk, result.muted)
        entries = _succeed(mine, held, now=now)
        entries += [_archive(held[f.lease.call_pk], now=now) for f in mine]
        _save_archived(mine, now=now)
        entries += resolve_over([f.lease.call_pk for f in mine], now=now)
        events.append(entries, at=now)
    return [made.get(f.lease.call_pk) or lease_lost(f.lease) for f in results]


def _archive(call: Call, *, now: datetime) -> Entry:
    return log_entry(call, transit(call, call.archive, action="archived", now=now))


def _save_archived(results: Sequence[StageResult], *, now: datetime) -> None:
    """Save archived calls, with one statement for all calls that have the same headline."""
    alike: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for result in results:
        alike.setdefault(tuple(result.headline.items()), []).append(result.lease.call_pk)
    for headline, pks in alike.items():
        Call.objects.filter(pk__in=pks).update(
            state=CallState.ARCHIVED,
            version=F("version") + 1,
            state_changed_at=now,
            lease_owner="",
            lease_expires_at=None,
            next_attempt_at=None,
            last_error="",
            **dict(headline),
        )


def _versions(results: QuerySet[Any]) -> Counter[int]:
    """Return the newest version number of each call's results."""
    rows = results.order_by().values_list("call_id").annotate(Max("version"))
    return Counter(dict(rows))


def _recorded(calls: Collection[int]) -> set[int]:
    return set(Recording.objects.filter(call__in=list(calls)).values_list("call_id", flat=True))


def _succeed(
    results: Sequence[StageResult], held: Mapping[int, events.CallRef], *, now: datetime
) -> list[Entry]:
    for result in results:
        result.attempt.request_id = result.request_id
    entries = [
        close_attempt(held[f.lease.call_pk], f.attempt, Attempt.Outcome.SUCCEEDED, None, now=now)
        for f in results
    ]
    alike: dict[str, list[int]] = {}
    for result in results:
        alike.setdefault(result.request_id, []).append(result.attempt.pk)
    for request_id, pks in alike.items():
        running = Attempt.objects.filter(pk__in=pks, outcome=Attempt.Outcome.RUNNING)
        success = {"outcome": Attempt.Outcome.SUCCEEDED, "finished_at": now}
        if running.update(**success, request_id=request_id) < len(pks):
            raise StoredBefore
    count_attempts([result.attempt for result in results])
    # A text call passes through ``transcribe`` without the provider. It is never the breaker's
    # probe there, so the breaker learns nothing from it.
    telling = [f for f in results if f.asked or f.lease.asks_in(f.attempt.stage)]
    kinds = {(f.attempt.provider, f.attempt.stage, f.asked): f.attempt for f in telling}
    for (_, _, asked), attempt in kinds.items():
        if asked:
            news = breaker.note_answer(attempt, now=now)
            entries += [(events.NoCall(), news)] if news else []
        else:
            breaker.note_unasked(attempt, now=now)
    return entries
