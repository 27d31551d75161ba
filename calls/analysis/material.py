"""What there is to analyse: the stored packets of a call as audio or words."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from calls.analysis.conversation import CallAudio
from calls.analysis.media import PacketRow, TextCall, assemble
from calls.models import Call, Packet


def load_material(call: Call) -> CallAudio | TextCall:
    """Assemble the packets of a call. Memory: the decoded audio of the whole call."""
    return assemble(
        _rows(call),
        default_media=call.media,
        track_speakers=settings.TRACK_SPEAKERS,
        stream_order=list(call.streams.order_by("pk").values_list("name", flat=True)),
    )


def _rows(call: Call) -> Iterator[PacketRow]:
    for stream in call.streams.order_by("pk"):
        rows = Packet.objects.filter(stream=stream).order_by("sequence")
        columns = rows.values_list("track", "sequence", "timestamp", "data")
        for track, sequence, timestamp, data in columns.iterator(chunk_size=2000):
            yield PacketRow(
                stream=stream.name,
                track=track,
                sequence=sequence,
                timestamp=timestamp,
                data=data,
                media=stream.media,
            )
