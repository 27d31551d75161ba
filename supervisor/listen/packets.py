"""Reads which streams live calls have, and the new packets of those streams."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from calls.analysis.media.packets import PacketRow, typed_packets
from calls.formats.media_types import read_media
from calls.models import Call, Packet, Stream

STREAMS_READ = 16  # the newest ones of a call; the others have ended
NEWEST = 64  # packets among which the start is sought
READ_LIMIT = 500  # packets of a stream at once
STREAMS_AT_ONCE = 100  # in one statement
_PACKETS = """SELECT * FROM (
SELECT stream_id, track, sequence, timestamp, data, received_at FROM calls_packet
WHERE stream_id = %s AND sequence >= %s ORDER BY sequence LIMIT %s) AS "{}" """


@dataclass(frozen=True, slots=True)
class LiveStreamRow:
    """A stream of a live call. ``media`` is what its packets are decoded as, empty if unknown."""

    pk: int
    name: str
    run: int
    media: str


@dataclass(frozen=True, slots=True)
class LiveCallRow:
    pk: int
    is_live: bool
    is_swapped: bool
    default_media: str
    streams: tuple[LiveStreamRow, ...]


def read_calls(pks: Collection[int]) -> dict[int, LiveCallRow]:
    """Return the calls that exist, with their newest streams. Two queries."""
    streams: dict[int, list[Stream]] = {}
    for stream in Stream.objects.filter(call__in=pks).order_by("pk").only(*_STREAM_FIELDS):
        streams.setdefault(stream.call_id, []).append(stream)
    calls = Call.objects.filter(pk__in=pks).only(
        "state", "speakers_swapped", "media", "media_override"
    )
    return {call.pk: _call_row(call, streams.get(call.pk, [])) for call in calls}


_STREAM_FIELDS = ("call_id", "name", "run", "media")


def _call_row(call: Call, streams: Sequence[Stream]) -> LiveCallRow:
    default = call.media_override or call.media
    return LiveCallRow(
        pk=call.pk,
        is_live=call.is_live,
        is_swapped=call.speakers_swapped,
        default_media=default if read_media(default) else "",
        streams=tuple(
            LiveStreamRow(each.pk, each.name, each.run, _media_of(each, call))
            for each in streams[-STREAMS_READ:]
        ),
    )


def _media_of(stream: Stream, call: Call) -> str:
    is_text = stream.media.startswith("text/")
    return call.media_override if call.media_override and not is_text else stream.media


def first_since(stream: LiveStreamRow, since: datetime) -> int:
    """Return the sequence with which to begin, so that packets received ``since`` are heard."""
    newest = Packet.objects.filter(stream=stream.pk).order_by("-sequence")
    found = list(newest.values_list("sequence", "received_at")[:NEWEST])
    recent = [sequence for sequence, received_at in found if received_at >= since]
    if recent:
        return min(recent)
    return found[0][0] + 1 if found else 0


def read_packets(wanted: Mapping[LiveStreamRow, int]) -> Iterator[tuple[int, list[PacketRow]]]:
    """Yield the packets of each stream from a sequence on, with the key of the stream.

    One range of the index (stream, sequence) for each stream. A packet that overtakes others or
    is sent again is found as well, for as long as it is still of use.
    """
    by_pk = {stream.pk: stream for stream in wanted}
    found: dict[int, list[PacketRow]] = {}
    items = list(wanted.items())
    for begin in range(0, len(items), STREAMS_AT_ONCE):
        for row in _rows(items[begin : begin + STREAMS_AT_ONCE]):
            stream = by_pk[row[0]]
            found.setdefault(stream.pk, []).append(_packet_row(stream, row))
    yield from found.items()


def statement(count: int) -> str:
    """Return the SQL that reads the packets of ``count`` streams."""
    return "UNION ALL ".join(_PACKETS.format(number) for number in range(count))


def _rows(wanted: Sequence[tuple[LiveStreamRow, int]]) -> list[Any]:
    values = [value for stream, first in wanted for value in (stream.pk, first, READ_LIMIT)]
    with connection.cursor() as cursor:
        cursor.execute(statement(len(wanted)), values)
        rows: list[Any] = cursor.fetchall()
    return rows


def _packet_row(stream: LiveStreamRow, row: Any) -> PacketRow:
    _, track, sequence, timestamp, data, received_at = row
    received = _seconds(received_at)
    return PacketRow(
        stream.name, track, sequence, timestamp, data, stream.media, stream.run, received
    )


def _seconds(moment: datetime | str) -> float:
    if isinstance(moment, str):  # SQLite has no times
        moment = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    return moment.timestamp()


def is_audible(call: Call) -> bool:
    """Whether a live call has sound, by what is declared or else by its newest packets."""
    if not call.is_live:
        return False
    row = read_calls([call.pk])[call.pk]
    declared = {stream.media for stream in row.streams if stream.media} | {row.default_media}
    known = [media for name in declared if name and (media := read_media(name))]
    if any(media.is_audio for media in known):
        return True
    return not known and any(map(_sounds, row.streams))


def _sounds(stream: LiveStreamRow) -> bool:
    newest = Packet.objects.filter(stream=stream.pk).order_by("-sequence")
    columns = newest.values_list("track", "sequence", "timestamp", "data")
    rows = [PacketRow(stream.name, *columns_of, "", stream.run) for columns_of in columns[:NEWEST]]
    return any(each.media and each.media.is_audio for each in typed_packets(rows[::-1], ""))
