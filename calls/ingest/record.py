"""The write path: every interface stores its packets here, in one transaction.

Accept first, validate later. An unknown call is opened. A duplicate packet is counted and dropped.
A packet whose number is already used by another one goes into another run of its stream (see
``streams.runs``). Gaps and late packets are counted and logged, and late packets are stored. No
sender's mistake raises an error here.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from calls import events
from calls.ingest import tables
from calls.ingest.packets import IncomingPacket
from calls.ingest.requests import origin_of
from calls.ingest.streams import crowding, runs
from calls.ingest.streams.late_log import LateLog
from calls.ingest.streams.own_formats import with_own_formats
from calls.ingest.tables import CallRow, PacketRow, StreamRow
from calls.models import COUNTED_FROM_ONE, SEVERAL_TRACKS, Call, Stream
from calls.services import note_late_packets, open_call, opened_event
from calls.telemetry.catalogue import DUPLICATES

log = logging.getLogger(__name__)

LATE_SEQUENCES_LISTED = 100
KNOWN_CALLS = 50_000
MAX_COUNT = 2**63 - 1  # fits bigint; 1,000 streams that start near MAX_SEQUENCE could exceed it

StreamKey = tuple[str, str]  # call id, stream name

# Calls that this process knows to exist, oldest first. Their packets need no query for the call.
_known: dict[str, None] = {}
late_log = LateLog()


@dataclass
class _Batch:
    """The state of one transaction."""

    now: datetime
    stored_now: str  # ``now`` as the database reads it
    incoming: dict[StreamKey, list[IncomingPacket]]
    calls: dict[str, CallRow] = field(default_factory=dict)
    streams: dict[StreamKey, list[StreamRow]] = field(default_factory=dict)  # the runs of each
    rows: list[PacketRow] = field(default_factory=list)
    entries: list[tuple[events.CallRef, events.Payload]] = field(default_factory=list)
    late: set[int] = field(default_factory=set)  # ended calls that received content
    duplicates: int = 0


def record_packets(
    packets: Sequence[IncomingPacket], *, skip_locked: bool = False
) -> Collection[str]:
    """Store packets of any calls in one transaction. When this returns, they are committed.

    With ``skip_locked``, the packets of calls that another transaction has locked are not stored.
    Returns the ids of those calls.

    Row locks are taken in order of call id: first on the calls that this opens, then on all calls
    of the batch. Every process takes them in the same order, so two that write to the same calls
    wait for each other and cannot deadlock. Streams need no lock of their own: a call's row lock
    covers its streams, packets and counters.
    """
    if not packets:
        return ()
    now = timezone.now()
    batch = _Batch(now, tables.as_stored(now), _by_stream(packets))
    with transaction.atomic():
        locked = _lock_calls(batch, skip_locked=skip_locked)
        if not batch.incoming:
            return locked
        _find_streams(batch)
        for call, stream, arrived in _sorted_into_runs(batch):
            _take(batch, call, stream, arrived)
        changed = [row for rows in batch.streams.values() for row in rows if row.is_changed]
        tables.write(batch.rows, changed, list(batch.calls.values()))
        tables.count_frames([stream for stream in changed if stream.frames])
        if batch.late:
            note_late_packets(batch.late, now=batch.now)
        events.append(batch.entries, at=batch.now)
    _remember(batch.calls)
    _report(batch)
    return locked


def _by_stream(packets: Iterable[IncomingPacket]) -> dict[StreamKey, list[IncomingPacket]]:
    streams: dict[StreamKey, list[IncomingPacket]] = defaultdict(list)
    for packet in packets:
        streams[packet.call_id, packet.stream].append(packet)
    return streams


def _lock_calls(batch: _Batch, *, skip_locked: bool) -> Collection[str]:
    """Lock the calls of the batch. Returns those that are skipped, whose packets it drops."""
    wanted = sorted({call_id for call_id, _ in batch.incoming})
    _open_unknown(batch, [call_id for call_id in wanted if call_id not in _known])
    _lock(batch, wanted, skip_locked=skip_locked)
    if not (absent := [call_id for call_id in wanted if call_id not in batch.calls]):
        return ()
    # They are locked, or retention has deleted them since and ``_known`` is out of date.
    _open_unknown(batch, absent)
    _lock(batch, absent, skip_locked=skip_locked)
    locked = {call_id for call_id in absent if call_id not in batch.calls}
    for key in [key for key in batch.incoming if key[0] in locked]:
        del batch.incoming[key]
    return locked


def _lock(batch: _Batch, call_ids: list[str], *, skip_locked: bool) -> None:
    found = tables.lock_calls(call_ids, skip_locked=skip_locked)
    batch.calls.update((call.call_id, call) for call in found)


def _open_unknown(batch: _Batch, call_ids: list[str]) -> None:
    if not call_ids:
        return
    exist = set(Call.objects.filter(call_id__in=call_ids).values_list("call_id", flat=True))
    external = {key[0]: arrived[0].external_id for key, arrived in batch.incoming.items()}
    for call_id in call_ids:
        if call_id in exist:
            continue
        call, opened = open_call(
            call_id, now=batch.now, origin=origin_of(call_id), external_id=external[call_id]
        )
        if opened:
            batch.entries.append((call, opened_event(call)))


def _remember(calls: Iterable[str]) -> None:
    """Note that calls exist. Call after the commit: a rollback would leave false entries."""
    _known.update(dict.fromkeys(calls))
    while len(_known) > KNOWN_CALLS:
        del _known[next(iter(_known))]


def _find_streams(batch: _Batch) -> None:
    by_pk = {call.id: call.call_id for call in batch.calls.values()}
    _read_streams(batch, by_pk, list(batch.incoming))
    new = _new_streams(batch)
    if not new:
        return
    if shared := _share_streams(batch, new):
        _read_streams(batch, by_pk, shared)
        new = _new_streams(batch)
    rows = [StreamRow(0, batch.calls[call_id].id, name, 1) for call_id, name in new]
    for stream in rows:
        batch.streams[by_pk[stream.call_pk], stream.name] = [stream]
    _open_streams(batch, rows)


def _read_streams(batch: _Batch, by_pk: Mapping[int, str], keys: Sequence[StreamKey]) -> None:
    for stream in tables.find_streams([(batch.calls[call_id].id, name) for call_id, name in keys]):
        batch.streams.setdefault((by_pk[stream.call_pk], stream.name), []).append(stream)


def _new_streams(batch: _Batch) -> list[StreamKey]:
    return [key for key in batch.incoming if key not in batch.streams]


def _share_streams(batch: _Batch, new: Sequence[StreamKey]) -> list[StreamKey]:
    """Move packets whose streams would be too many for their call into one that they share.

    Returns the shared streams of these calls.
    """
    named = Counter(call_id for call_id, _ in new)
    # A call has at most as many streams as packets, besides those that carriers opened.
    suspects = {
        call_id
        for call_id, count in named.items()
        if batch.calls[call_id].packet_count + count > crowding.MAX_STREAMS
    }
    if not suspects:
        return []
    counts = crowding.count_streams([batch.calls[call_id].id for call_id in suspects])
    moved: dict[StreamKey, list[IncomingPacket]] = defaultdict(list)
    for call_id, name in new:
        pk = batch.calls[call_id].id
        counts[pk] = counts.get(pk, 0) + 1
        too_many = call_id in suspects and counts[pk] > crowding.MAX_STREAMS
        if too_many and name != crowding.SHARED:
            moved[call_id, crowding.SHARED] += batch.incoming.pop((call_id, name))
    if moved:
        crowding.note_crowded([batch.calls[call_id].id for call_id, _ in moved])
    for key, packets in moved.items():
        batch.incoming[key] += packets
        batch.streams.pop(key, None)  # if it was needed before, it is read again
    return list(moved)


def _open_streams(batch: _Batch, rows: Sequence[StreamRow]) -> None:
    # The call's row is locked, so no other process can open the same stream or run.
    created = Stream.objects.bulk_create(
        Stream(call_id=row.call_pk, name=row.name, run=row.run, opened_at=batch.now) for row in rows
    )
    for row, stream in zip(rows, created, strict=True):
        row.id = stream.pk


def _sorted_into_runs(batch: _Batch) -> Iterator[tuple[CallRow, StreamRow, list[IncomingPacket]]]:
    """Yield the new packets of each run, by sequence, so that disorder in a batch is not a gap.

    Counts the duplicates. A stream that arrives in order costs no query and hardly any work.
    """
    odd: dict[StreamKey, list[IncomingPacket]] = {}
    for key, sent in batch.incoming.items():
        call = batch.calls[key[0]]
        call.last_packet_at = batch.stored_now
        first = batch.streams[key][0]
        # Packets that declared nothing have the format of the call.
        known = first.media or (call.media if first.packet_count else "")
        arrived = with_own_formats(known, sent)
        if runs.is_next(batch.streams[key], arrived):
            yield call, batch.streams[key][0], arrived
        else:
            odd[key] = arrived
    asked = {
        pair for key, arrived in odd.items() for pair in runs.suspects(batch.streams[key], arrived)
    }
    stored = tables.find_stored(list(asked))
    found = []
    for key, arrived in odd.items():
        call, streams = batch.calls[key[0]], batch.streams[key]
        routed, duplicates = runs.route(streams, arrived, asked, stored)
        _count_duplicates(call, duplicates)
        batch.duplicates += len(duplicates)
        found += [(call, stream, packets) for stream, packets in routed]
    _open_streams(batch, [stream for _, stream, _ in found if not stream.id])
    for call, stream, packets in found:
        packets.sort(key=lambda packet: packet.sequence)
        yield call, stream, packets


def _count_duplicates(call: CallRow, duplicates: Sequence[StreamRow]) -> None:
    call.duplicate_count += len(duplicates)
    for stream in duplicates:
        stream.duplicate_count += 1
        stream.is_changed = True


def _take(
    batch: _Batch, call: CallRow, stream: StreamRow, arrived: Sequence[IncomingPacket]
) -> None:
    """Count the new packets of one run, and prepare a row for each."""
    missing_before, is_late = stream.missing_count, not call.is_live
    received_at = batch.stored_now
    _widen(stream, arrived)
    for packet in arrived:
        _advance(batch, call, stream, packet)
        if is_late and packet.data:  # a carrier's last counters come without audio
            batch.late.add(call.id)
        batch.rows.append(
            (
                stream.id,
                packet.sequence,
                packet.track,
                packet.timestamp,
                received_at,
                is_late,
                packet.data,
            )
        )
    stream.is_changed = True
    missing = call.missing_count + stream.missing_count - missing_before
    call.missing_count = min(max(0, missing), MAX_COUNT)
    if is_late:
        _count_late(batch, call, stream, [packet.sequence for packet in arrived])


def _widen(stream: StreamRow, arrived: Sequence[IncomingPacket]) -> None:
    """Extend what distinguishes a run from others: the range of its clock, and its track."""
    is_new = stream.last_sequence is None
    if is_new:
        stream.track = arrived[0].track
        stream.earliest = stream.latest = arrived[0].timestamp
    for packet in arrived:
        if packet.track != stream.track:
            stream.track = SEVERAL_TRACKS
        # The range stays unknown if packets arrived before it was recorded.
        if stream.earliest is not None and packet.timestamp < stream.earliest:
            stream.earliest = packet.timestamp
        if stream.latest is not None and packet.timestamp > stream.latest:
            stream.latest = packet.timestamp


def _advance(batch: _Batch, call: CallRow, stream: StreamRow, packet: IncomingPacket) -> None:
    sequence, last = packet.sequence, stream.last_sequence
    expected = _first_expected(stream, sequence) if last is None else last + 1
    if sequence > expected:
        gap = events.GapDetected(stream=stream.name, expected=expected, received=sequence)
        batch.entries.append((call, gap))
    if last is None or sequence > last:
        stream.last_sequence = sequence
    else:
        stream.reordered_count += 1
    if stream.first_sequence is None or sequence < stream.first_sequence:
        stream.first_sequence = sequence
    if call.last_sequence is None or sequence > call.last_sequence:
        call.last_sequence = sequence
    stream.media = stream.media or packet.media
    stream.packet_count += 1
    call.packet_count += 1
    if packet.frames is not None:
        stream.frames = packet.frames + stream.frames if stream.frames else packet.frames


def _first_expected(stream: StreamRow, received: int) -> int:
    return 1 if stream.run == 1 and received < COUNTED_FROM_ONE else received


def _count_late(batch: _Batch, call: CallRow, stream: StreamRow, late: list[int]) -> None:
    stream.late_count += len(late)
    call.late_count += len(late)
    listed = late[:LATE_SEQUENCES_LISTED]
    entry = events.LatePackets(stream=stream.name, sequences=listed, count=len(late))
    batch.entries.append((call, entry))


def _report(batch: _Batch) -> None:
    """Log gaps and late packets. Call after the commit: a retried batch would log them twice."""
    if batch.duplicates:
        DUPLICATES.add(batch.duplicates)
    for call, entry in batch.entries:
        match entry:
            case events.GapDetected(stream=stream, expected=expected, received=received):
                # One line is written at the end of each call: see ``calls.services``.
                log.debug(
                    "gap in call %s, stream %r: expected sequence %d, received %d",
                    call.call_id, stream, expected, received,
                )  # fmt: skip
            case events.LatePackets():
                late_log.warn(batch.calls[call.call_id], now_s=time.monotonic())
