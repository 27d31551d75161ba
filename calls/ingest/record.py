"""The write path: every interface stores its packets here, in one transaction.

Accept first, validate later. An unknown call is opened. A duplicate packet is counted and dropped.
Gaps and late packets are counted and logged, and late packets are stored. No mistake of a sender
raises an error here.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from calls import events
from calls.ingest import tables
from calls.ingest.packets import IncomingPacket
from calls.ingest.tables import CallRow, PacketRow, StreamRow
from calls.models import Call, Stream
from calls.services import note_late_packets, open_call, opened_event

log = logging.getLogger(__name__)

LATE_SEQUENCES_LISTED = 100
KNOWN_CALLS = 50_000
MAX_COUNT = 2**63 - 1  # fits bigint; 1,000 streams that start near MAX_SEQUENCE could exceed it

StreamKey = tuple[str, str]  # call id, stream name

# Calls that this process knows to exist, oldest first. Their packets need no query for the call.
_known: dict[str, None] = {}


@dataclass
class _Batch:
    """The state of one transaction."""

    now: datetime
    stored_now: Any  # ``now`` as the database driver takes it
    incoming: dict[StreamKey, list[IncomingPacket]]
    calls: dict[str, CallRow] = field(default_factory=dict)
    streams: dict[StreamKey, StreamRow] = field(default_factory=dict)
    stored: set[tuple[int, int]] = field(default_factory=set)  # stream, sequence
    rows: list[PacketRow] = field(default_factory=list)
    entries: list[tuple[events.CallRef, events.Payload]] = field(default_factory=list)
    late: set[int] = field(default_factory=set)  # calls that are over and got content


def record_packets(packets: Sequence[IncomingPacket]) -> None:
    """Store packets of any calls in one transaction. When this returns, they are committed.

    Row locks are taken in order of call id: first on the calls that this opens, then on all calls
    of the batch. Every process takes them in the same order, so two that write to the same calls
    wait for each other and cannot deadlock. Streams need no lock of their own: a call's row lock
    covers its streams, packets and counters.
    """
    if not packets:
        return
    now = timezone.now()
    batch = _Batch(now, tables.as_stored(now), _by_stream(packets))
    with transaction.atomic():
        _lock_calls(batch)
        _find_streams(batch)
        _find_duplicates(batch)
        for key, arrived in batch.incoming.items():
            _take(batch, key, arrived)
        tables.write(batch.rows, list(batch.streams.values()), list(batch.calls.values()))
        tables.count_frames([stream for stream in batch.streams.values() if stream.frames])
        if batch.late:
            note_late_packets(batch.late, now=batch.now)
        events.append(batch.entries, at=batch.now)
    _remember(batch.calls)
    _report(batch)


def _by_stream(packets: Iterable[IncomingPacket]) -> dict[StreamKey, list[IncomingPacket]]:
    """Group by stream and sort by sequence, so that disorder within a batch is not a gap."""
    streams: dict[StreamKey, list[IncomingPacket]] = defaultdict(list)
    for packet in packets:
        streams[packet.call_id, packet.stream].append(packet)
    for arrived in streams.values():
        arrived.sort(key=lambda packet: packet.sequence)
    return streams


def _lock_calls(batch: _Batch) -> None:
    wanted = sorted({call_id for call_id, _ in batch.incoming})
    _open_unknown(batch, [call_id for call_id in wanted if call_id not in _known])
    batch.calls = {call.call_id: call for call in tables.lock_calls(wanted)}
    if vanished := [call_id for call_id in wanted if call_id not in batch.calls]:
        # ``_known`` is out of date: retention has deleted these calls since.
        _open_unknown(batch, vanished)
        batch.calls |= {call.call_id: call for call in tables.lock_calls(vanished)}


def _open_unknown(batch: _Batch, call_ids: list[str]) -> None:
    if not call_ids:
        return
    exist = set(Call.objects.filter(call_id__in=call_ids).values_list("call_id", flat=True))
    for call_id in call_ids:
        if call_id in exist:
            continue
        call, opened = open_call(call_id, now=batch.now)
        if opened:
            batch.entries.append((call, opened_event(call)))


def _remember(calls: Iterable[str]) -> None:
    """Note that calls exist. Call after the commit: a rollback would leave false entries."""
    _known.update(dict.fromkeys(calls))
    while len(_known) > KNOWN_CALLS:
        del _known[next(iter(_known))]


def _find_streams(batch: _Batch) -> None:
    by_pk = {call.id: call.call_id for call in batch.calls.values()}
    for stream in tables.find_streams(list(by_pk)):
        key = by_pk[stream.call_pk], stream.name
        if key in batch.incoming:
            batch.streams[key] = stream
    new = [key for key in batch.incoming if key not in batch.streams]
    # The call's row is locked, so no other process can open the same stream.
    created = Stream.objects.bulk_create(
        Stream(call_id=batch.calls[call_id].id, name=name, opened_at=batch.now)
        for call_id, name in new
    )
    for key, opened in zip(new, created, strict=True):
        batch.streams[key] = StreamRow(
            opened.pk, opened.call_id, opened.name, "", 0, None, None, 0, 0, 0
        )


def _find_duplicates(batch: _Batch) -> None:
    """Find the packets that are stored already.

    A packet can be a duplicate only if its sequence is at or below the stream's last one. A stream
    that arrives in order therefore costs no query for duplicates.
    """
    suspects = [
        (stream.id, packet.sequence)
        for key, stream in batch.streams.items()
        if stream.last_sequence is not None
        for packet in batch.incoming[key]
        if packet.sequence <= stream.last_sequence
    ]
    batch.stored = tables.find_stored(suspects)


def _take(batch: _Batch, key: StreamKey, arrived: list[IncomingPacket]) -> None:
    """Count the packets of one stream, and prepare a row for each new one."""
    call, stream = batch.calls[key[0]], batch.streams[key]
    missing_before, late = stream.missing_count, []
    call.last_packet_at = received_at = batch.stored_now
    for packet in arrived:
        sequence = packet.sequence
        if (stream.id, sequence) in batch.stored:
            stream.duplicate_count += 1
            call.duplicate_count += 1
            continue
        batch.stored.add((stream.id, sequence))
        _advance(batch, call, stream, packet)
        if not call.is_live:
            late.append(sequence)
            if packet.data:  # a carrier's last counters come without audio
                batch.late.add(call.id)
        batch.rows.append(
            (
                stream.id,
                sequence,
                packet.track,
                packet.timestamp,
                received_at,
                not call.is_live,
                packet.data,
            )
        )
    missing = call.missing_count + stream.missing_count - missing_before
    call.missing_count = min(max(0, missing), MAX_COUNT)
    if late:
        _count_late(batch, call, stream, late)


def _advance(batch: _Batch, call: CallRow, stream: StreamRow, packet: IncomingPacket) -> None:
    sequence, last = packet.sequence, stream.last_sequence
    expected = 1 if last is None else last + 1
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


def _count_late(batch: _Batch, call: CallRow, stream: StreamRow, late: list[int]) -> None:
    stream.late_count += len(late)
    call.late_count += len(late)
    listed = late[:LATE_SEQUENCES_LISTED]
    entry = events.LatePackets(stream=stream.name, sequences=listed, count=len(late))
    batch.entries.append((call, entry))


def _report(batch: _Batch) -> None:
    """Log gaps and late packets. Call after the commit: a retried batch would log them twice."""
    for call, entry in batch.entries:
        match entry:
            case events.GapDetected(stream=stream, expected=expected, received=received):
                log.warning(
                    "gap in call %s, stream %r: expected sequence %d, received %d",
                    call.call_id, stream, expected, received,
                )  # fmt: skip
            case events.LatePackets(stream=stream, count=count):
                log.warning(
                    "%d late packet(s) for call %s, stream %r: the call is %s",
                    count, call.call_id, stream, call.state,
                )  # fmt: skip
