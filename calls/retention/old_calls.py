"""Removes old packets whose content is kept elsewhere, old calls, and stray files.

It works in small transactions with a pause after each, so that live calls are not held up. After a
crash between two of them, the next run finds what is left.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from calls.analysis.recording import files as recording_files
from calls.deletion import remove_call
from calls.holds.services import OnHold, check_deletable
from calls.lifecycle import CallState
from calls.models import (
    Attempt,
    Call,
    CallEvent,
    LegalHold,
    Packet,
    PrunedRange,
    Recording,
    Stage,
    Stream,
    Transcript,
)

log = logging.getLogger(__name__)
BATCH = 1_000  # packets or events in one transaction
CALLS_AT_ONCE = 200
OVER = (CallState.ARCHIVED, CallState.FAILED)
# A packet stored this long before a transcription started was included in it.
IN_FLIGHT = timedelta(minutes=1)
_NOT_HELD = ~Exists(LegalHold.objects.active().filter(call=OuterRef("pk")))


@dataclass
class Pruned:
    """The counts of removed rows. ``pruned_calls`` are calls whose packets were removed."""

    calls: int = 0
    pruned_calls: int = 0
    packets: int = 0
    files: int = 0


@dataclass
class _Clock:
    """Decides when to stop, and how long to pause."""

    seconds: float | None
    began_at: float = field(default_factory=time.monotonic)
    lap_at: float = field(default_factory=time.monotonic)

    def is_over(self) -> bool:
        return self.seconds is not None and time.monotonic() - self.began_at >= self.seconds

    def pause(self) -> None:
        """Pause as long as the last step took. SQLite has one write lock; others need it too."""
        time.sleep(min(1.0, time.monotonic() - self.lap_at))
        self.lap_at = time.monotonic()


def prune(
    *,
    packets_older_than: timedelta | None = None,
    calls_older_than: timedelta | None = None,
    seconds: float | None = None,
    thorough: bool = False,
    dry_run: bool = False,
) -> Pruned:
    """Remove old data, for up to ``seconds``. The default ages are those of the settings.

    ``thorough`` checks all folders for stray files; otherwise one folder, a different one each
    minute.
    """
    now = timezone.now()
    calls_before = _before(calls_older_than, settings.CALL_RETENTION, now)
    packets_before = _before(packets_older_than, settings.PACKET_RETENTION, now)
    pruned, clock = Pruned(), _Clock(seconds)
    if dry_run:
        _count(pruned, calls_before, packets_before)
    else:
        _delete_calls(pruned, calls_before, clock)
        _prune_packets(pruned, packets_before, clock)
    _remove_orphans(pruned, now=now, thorough=thorough, dry_run=dry_run, clock=clock)
    if pruned != Pruned() and not dry_run:
        log.info(
            "removed old data: %d calls, %d packets of %d more, %d files",
            pruned.calls, pruned.packets, pruned.pruned_calls, pruned.files,
        )  # fmt: skip
    return pruned


def _before(wanted: timedelta | None, default: timedelta | None, now: datetime) -> datetime | None:
    age = default if wanted is None else wanted
    return None if age is None else now - age


def old_calls(before: datetime) -> QuerySet[Call]:
    """Return calls that ended before this time, are ARCHIVED or FAILED, and not on hold.

    A hold on their customer is found later, under the lock of the call.
    """
    return Call.objects.filter(_NOT_HELD, state__in=OVER, ended_at__lt=before)


def calls_with_old_packets(before: datetime) -> QuerySet[Call]:
    """Return calls finished before this time that have a recording or a text transcript."""
    of_call = {"call": OuterRef("pk")}
    heard = Exists(Recording.objects.filter(**of_call))
    read = Exists(Transcript.objects.filter(**of_call, provenance__model="text"))
    over = Call.objects.filter(_NOT_HELD, state__in=OVER, state_changed_at__lt=before)
    return over.filter(Q(heard) | Q(read), packets_pruned_at=None)


def _count(pruned: Pruned, calls_before: datetime | None, packets_before: datetime | None) -> None:
    gone: QuerySet[Call] = Call.objects.none()
    if calls_before is not None:
        gone = old_calls(calls_before)
        pruned.calls = gone.count()
        pruned.packets += Packet.objects.filter(stream__call__in=gone).count()
    if packets_before is not None:
        # Calls that would be deleted are counted once, with all their packets.
        chosen = calls_with_old_packets(packets_before).exclude(pk__in=gone.values("pk"))
        safe = [call for call in chosen.iterator(chunk_size=CALLS_AT_ONCE) if _is_safe(call)]
        pruned.pruned_calls = len(safe)
        pruned.packets += sum(_heard_packets(call).count() for call in safe)


# --- Packets ---
def _prune_packets(pruned: Pruned, before: datetime | None, clock: _Clock) -> None:
    if before is None:
        return
    for call in _in_turn(calls_with_old_packets(before), "state_changed_at", clock):
        if not _is_safe(call):
            continue
        while not clock.is_over():
            removed, is_done = _prune_batch(call, before)
            pruned.packets += removed
            pruned.pruned_calls += is_done
            clock.pause()
            if is_done or not removed:
                break


def _in_turn(calls: QuerySet[Call], order: str, clock: _Clock) -> Iterator[Call]:
    """Yield calls, oldest first, until time is up. Holds no cursor between them."""
    seen: list[int] = []
    while not clock.is_over():
        some = list(calls.exclude(pk__in=seen).order_by(order)[:CALLS_AT_ONCE])
        if not some:
            return
        for call in some:
            if clock.is_over():
                return
            yield call
        # Skip the calls that still match: they could not be processed.
        seen += calls.filter(pk__in=[call.pk for call in some]).values_list("pk", flat=True)


def _is_safe(call: Call) -> bool:
    """Whether the recording file exists in full. A text call needs none."""
    row = Recording.objects.filter(call=call).first()
    if row is None:
        return True
    try:
        # The packets are the only other copy of the audio, so the file is checked first.
        if default_storage.size(str(row.file)) == row.size:
            return True
        log.error("call %s keeps its packets: its recording has the wrong size", call.call_id)
    except OSError:
        log.error("call %s keeps its packets: its recording was not found", call.call_id)  # noqa: TRY400
    return False


def _prune_batch(call: Call, before: datetime) -> tuple[int, bool]:
    """Remove up to BATCH packets. Returns how many, and whether these were the last."""
    with transaction.atomic():
        # Check again under the lock: a new analysis may have started.
        locked = calls_with_old_packets(before).select_for_update().filter(pk=call.pk).first()
        if locked is None or _is_held(locked):
            return 0, False
        removed = _remove_batch(_heard_packets(locked))
        if removed == BATCH:
            return removed, False
        locked.packets_pruned_at = timezone.now()
        locked.save(update_fields=["packets_pruned_at"])
    return removed, True


def _heard_packets(call: Call) -> QuerySet[Packet]:
    """Return the packets that the transcript includes. Late ones may have arrived after it."""
    streams = list(call.streams.values_list("pk", flat=True))
    tried = call.attempts.filter(stage=Stage.TRANSCRIBE, outcome=Attempt.Outcome.SUCCEEDED)
    began_at = tried.order_by("-id").values_list("started_at", flat=True).first()
    heard = Q(late=False)
    if began_at is not None:
        heard |= Q(received_at__lt=began_at - IN_FLIGHT)
    return Packet.objects.filter(heard, stream__in=streams)


def _remove_batch(packets: QuerySet[Packet]) -> int:
    """Remove the first BATCH packets, and record their sequences, so that duplicates are found."""
    chosen = packets.order_by("stream_id", "sequence").values_list("pk", "stream_id", "sequence")
    rows = list(chosen[:BATCH])
    sequences: dict[int, list[int]] = {}
    for _, stream, sequence in rows:
        sequences.setdefault(stream, []).append(sequence)
    for stream, found in sequences.items():
        _note_ranges(stream, found)
    Packet.objects.filter(pk__in=[pk for pk, _, _ in rows]).delete()
    return len(rows)


def _note_ranges(stream: int, sequences: list[int]) -> None:
    ranges = list(as_ranges(sequences))
    # Continues the range of the previous batch, so that a stream without gaps has a single row.
    before = PrunedRange.objects.filter(stream=stream, last_sequence=ranges[0][0] - 1)
    if before.update(last_sequence=ranges[0][1]):
        del ranges[0]
    PrunedRange.objects.bulk_create(
        PrunedRange(stream_id=stream, first_sequence=first, last_sequence=last)
        for first, last in ranges
    )


def as_ranges(sequences: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last number of each consecutive run in a sorted list."""
    first = last = sequences[0]
    for sequence in sequences[1:]:
        if sequence > last + 1:
            yield first, last
            first = sequence
        last = sequence
    yield first, last


# --- Calls ---
def _delete_calls(pruned: Pruned, before: datetime | None, clock: _Clock) -> None:
    if before is None:
        return
    # Packets and events go first, in batches. Deleting the call would remove all of them in one
    # transaction: an hour of 20 ms packets has 180,000.
    for call in _in_turn(old_calls(before), "ended_at", clock):
        is_empty = False
        while not clock.is_over() and not is_empty:
            removed, is_empty = _empty_batch(call, before)
            pruned.packets += removed
            clock.pause()
        pruned.calls += is_empty and _delete_call(call, before)


def _empty_batch(call: Call, before: datetime) -> tuple[int, bool]:
    """Remove up to BATCH packets, then events. Returns the packets, and whether all are gone."""
    with transaction.atomic():
        locked = old_calls(before).select_for_update().filter(pk=call.pk).first()
        if locked is None or _is_held(locked):
            return 0, True
        if locked.deleting_since is None:
            locked.deleting_since = timezone.now()
            locked.save(update_fields=["deleting_since"])
        streams = list(Stream.objects.filter(call=call).values_list("pk", flat=True))
        packets = _remove_batch(Packet.objects.filter(stream__in=streams))
        if packets == BATCH:
            return packets, False
        entries = CallEvent.objects.filter(call=call).order_by("pk")
        pks = list(entries.values_list("pk", flat=True)[:BATCH])
        CallEvent.objects.filter(pk__in=pks).delete()
    return packets, len(pks) < BATCH


def _delete_call(call: Call, before: datetime) -> bool:
    with transaction.atomic():
        locked = old_calls(before).select_for_update().filter(pk=call.pk).first()
        if locked is None or _is_held(locked):
            return False
        files = remove_call(locked, reason="retention")
    recording_files.remove_files(files)
    return True


def _is_held(call: Call) -> bool:
    """Whether a locked call, or its customer, is on legal hold."""
    try:
        check_deletable(call)
    except OnHold:
        return True
    return False


# --- Files ---
def _remove_orphans(
    pruned: Pruned, *, now: datetime, thorough: bool, dry_run: bool, clock: _Clock
) -> None:
    days = recording_files.stored_days()
    if days and not thorough:
        # The minute chooses the folder, so no position has to be stored.
        days = [days[int(now.timestamp() // settings.SWEEP_SECONDS) % len(days)]]
    for day in days:
        if clock.is_over():
            return
        orphans = recording_files.find_orphans(day, now=now)
        pruned.files += len(orphans) if dry_run else recording_files.remove_files(orphans)
