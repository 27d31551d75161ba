"""The one write path: whatever came in, from wherever, is stored here, in one transaction.

Accept first, validate later: unknown calls are opened, repeated packets are ignored, gaps and late
packets are stored, counted and logged. Nothing that a sender can get wrong is an error here.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection, models, transaction
from django.utils import timezone

from calls import events
from calls.ingest.packets import IncomingPacket
from calls.models import Call, Packet, Stream
from calls.services import open_call, opened_event

log = logging.getLogger(__name__)

LATE_SEQUENCES_LISTED = 100
STREAM_COUNTERS = (
    "media",
    "packet_count",
    "first_sequence",
    "last_sequence",
    "late_count",
    "duplicate_count",
    "reordered_count",
)
CALL_COUNTERS = (
    "last_packet_at",
    "packet_count",
    "last_sequence",
    "missing_count",
    "late_count",
    "duplicate_count",
)

StreamKey = tuple[str, str]  # call id, stream name


@dataclass
class _Batch:
    """What one transaction works on."""

    now: datetime
    incoming: dict[StreamKey, list[IncomingPacket]]
    calls: dict[str, Call] = field(default_factory=dict)
    streams: dict[StreamKey, Stream] = field(default_factory=dict)
    stored: set[tuple[int, int]] = field(default_factory=set)  # stream, sequence
    rows: list[Packet] = field(default_factory=list)
    entries: list[tuple[Call, events.Payload]] = field(default_factory=list)


def record_packets(packets: Sequence[IncomingPacket]) -> None:
    """Store packets of any calls in one transaction; when this returns, they are safe.

    Row locks are taken in the order of their keys, first on calls that this opens and then on
    calls that exist, so that two processes with the same calls in their hands cannot deadlock.
    """
    if not packets:
        return
    batch = _Batch(now=timezone.now(), incoming=_by_stream(packets))
    with transaction.atomic():
        _open_unknown_calls(batch)
        _lock_calls(batch)
        _find_streams(batch)
        _find_duplicates(batch)
        for key, arrived in batch.incoming.items():
            _take(batch, key, arrived)
        Packet.objects.bulk_create(batch.rows, ignore_conflicts=True)
        _update(Stream, batch.streams.values(), STREAM_COUNTERS)
        _update(Call, batch.calls.values(), CALL_COUNTERS)
        events.append(batch.entries, at=batch.now)
    _report(batch)


def _by_stream(packets: Iterable[IncomingPacket]) -> dict[StreamKey, list[IncomingPacket]]:
    """Group by stream, each in the order of its sequences: what is in one batch is no gap."""
    streams: dict[StreamKey, list[IncomingPacket]] = defaultdict(list)
    for packet in packets:
        streams[packet.call_id, packet.stream].append(packet)
    for arrived in streams.values():
        arrived.sort(key=lambda packet: packet.sequence)
    return streams


def _call_ids(batch: _Batch) -> list[str]:
    return sorted({call_id for call_id, _ in batch.incoming})


def _open_unknown_calls(batch: _Batch) -> None:
    wanted = _call_ids(batch)
    known = set(Call.objects.filter(call_id__in=wanted).values_list("call_id", flat=True))
    for call_id in wanted:
        if call_id in known:
            continue
        call, opened = open_call(call_id, now=batch.now)
        if opened:
            batch.entries.append((call, opened_event(call)))


def _lock_calls(batch: _Batch) -> None:
    locked = Call.objects.filter(call_id__in=_call_ids(batch)).order_by("call_id")
    batch.calls = {call.call_id: call for call in locked.select_for_update()}


def _find_streams(batch: _Batch) -> None:
    by_pk = {call.pk: call.call_id for call in batch.calls.values()}
    for stream in Stream.objects.filter(call__in=by_pk):
        key = by_pk[stream.call_id], stream.name
        if key in batch.incoming:
            batch.streams[key] = stream
    new = [key for key in batch.incoming if key not in batch.streams]
    # The call's row is locked, so nobody else can be opening the same stream.
    created = Stream.objects.bulk_create(
        Stream(call=batch.calls[call_id], name=name, opened_at=batch.now) for call_id, name in new
    )
    batch.streams.update(zip(new, created, strict=True))


def _find_duplicates(batch: _Batch) -> None:
    """Ask which packets are stored already. Only what is not ahead of its stream can be."""
    suspects = [
        (stream.pk, packet.sequence)
        for key, stream in batch.streams.items()
        if stream.last_sequence is not None
        for packet in batch.incoming[key]
        if packet.sequence <= stream.last_sequence
    ]
    for at in range(0, len(suspects), 1000):
        some = suspects[at : at + 1000]
        values = ", ".join(["(%s, %s)"] * len(some))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT stream_id, sequence FROM calls_packet "  # noqa: S608 (placeholders only)
                f"WHERE (stream_id, sequence) IN (VALUES {values})",
                [number for suspect in some for number in suspect],
            )
            batch.stored.update(cursor.fetchall())


def _take(batch: _Batch, key: StreamKey, arrived: list[IncomingPacket]) -> None:
    """Count what came for one stream, and prepare a row for each packet that is new."""
    call, stream = batch.calls[key[0]], batch.streams[key]
    missing_before, late = stream.missing_count, []
    for packet in arrived:
        if (stream.pk, packet.sequence) in batch.stored:
            stream.duplicate_count += 1
            call.duplicate_count += 1
            continue
        batch.stored.add((stream.pk, packet.sequence))
        _advance(batch, call, stream, packet)
        batch.rows.append(_row(batch, call, stream, packet))
        if not call.is_live:
            late.append(packet.sequence)
    _count(batch, call, stream, late, missing_before)


def _advance(batch: _Batch, call: Call, stream: Stream, packet: IncomingPacket) -> None:
    sequence = packet.sequence
    last = stream.last_sequence
    expected = 1 if last is None else last + 1
    if sequence > expected:
        gap = events.GapDetected(stream=stream.name, expected=expected, received=sequence)
        batch.entries.append((call, gap))
    if last is not None and sequence < last:
        stream.reordered_count += 1
    stream.last_sequence = max(sequence, sequence if last is None else last)
    first = stream.first_sequence
    stream.first_sequence = sequence if first is None else min(sequence, first)
    stream.media = stream.media or packet.media
    stream.packet_count += 1
    call.packet_count += 1


def _row(batch: _Batch, call: Call, stream: Stream, packet: IncomingPacket) -> Packet:
    return Packet(
        stream=stream,
        sequence=packet.sequence,
        track=packet.track,
        timestamp=packet.timestamp,
        received_at=batch.now,
        late=not call.is_live,
        data=packet.data,
    )


def _count(
    batch: _Batch, call: Call, stream: Stream, late: list[int], missing_before: int
) -> None:
    call.last_packet_at = batch.now
    call.missing_count = max(0, call.missing_count + stream.missing_count - missing_before)
    highest = [n for n in (call.last_sequence, stream.last_sequence) if n is not None]
    call.last_sequence = max(highest, default=None)
    if late:
        stream.late_count += len(late)
        call.late_count += len(late)
        listed = late[:LATE_SEQUENCES_LISTED]
        entry = events.LatePackets(stream=stream.name, sequences=listed, count=len(late))
        batch.entries.append((call, entry))


def _update(model: type[models.Model], rows: Iterable[models.Model], names: Sequence[str]) -> None:
    """Write the named columns of each row; ``bulk_update`` would build a CASE for each value."""
    fields = [model._meta.get_field(name) for name in names]
    columns = ", ".join(f'"{field.column}" = %s' for field in fields)  # type: ignore[union-attr]
    statement = f'UPDATE "{model._meta.db_table}" SET {columns} WHERE id = %s'  # noqa: S608
    values = [
        [
            *(field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields),  # type: ignore[union-attr]
            row.pk,
        ]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def _report(batch: _Batch) -> None:
    """Warn about what was odd, once it is stored."""
    for call, entry in batch.entries:
        match entry:
            case events.GapDetected(stream=stream, expected=expected, received=received):
                log.warning(
                    "gap in call %s, stream %r: expected sequence %d, received %d",
                    call.call_id, stream, expected, received,
                )  # fmt: skip
            case events.LatePackets(stream=stream, count=count):
                log.warning(
                    "%d late packet(s) for call %s, stream %r: it is %s",
                    count, call.call_id, stream, call.state,
                )  # fmt: skip
