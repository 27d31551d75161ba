"""Packets decoded from JSON, fast and strict. None means that the input is not valid.

The rules are those of ``calls.api.serializers``, which the caller asks for the reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

import msgspec
from django.conf import settings

from calls.formats.media_types import parse_media
from calls.ingest.packets import (
    MAX_MEDIA_LENGTH,
    MAX_NAME_LENGTH,
    MAX_SEQUENCE,
    MAX_TRACK_LENGTH,
    IncomingPacket,
)


class _Packet(msgspec.Struct):
    sequence: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQUENCE)]
    data: str
    timestamp: float
    stream: Annotated[str, msgspec.Meta(max_length=MAX_NAME_LENGTH)] = ""
    track: Annotated[str, msgspec.Meta(max_length=MAX_TRACK_LENGTH)] = ""
    media: Annotated[str, msgspec.Meta(max_length=MAX_MEDIA_LENGTH)] = ""


_one = msgspec.json.Decoder(_Packet)
_many = msgspec.json.Decoder(list[_Packet])
_either = msgspec.json.Decoder(_Packet | list[_Packet])
Packets = list[IncomingPacket] | None


def read_packet(body: bytes, call_id: str) -> Packets:
    """Read one packet."""
    try:
        return _checked([_one.decode(body)], call_id)
    except (ValueError, RecursionError):
        return None


def read_batch(body: bytes, call_id: str) -> Packets:
    """Read a JSON array of packets."""
    try:
        return _checked(_many.decode(body), call_id)
    except (ValueError, RecursionError):
        return None


def read_lines(body: bytes, call_id: str) -> Packets:
    """Read NDJSON: one packet per line."""
    try:
        lines = [line for line in body.split(b"\n") if line.strip()]
        return _checked([_one.decode(line) for line in lines], call_id)
    except (ValueError, RecursionError):
        return None


def read_frame(text: str, call_id: str) -> Packets:
    """Read a packet or an array of packets."""
    try:
        found = _either.decode(text)
    except (ValueError, RecursionError):
        return None
    return _checked(found if isinstance(found, list) else [found], call_id)


def _checked(packets: Sequence[_Packet], call_id: str) -> Packets:
    if len(packets) != 1 and not 0 < len(packets) <= settings.BATCH_PACKET_LIMIT:
        return None
    limit = settings.PACKET_DATA_LIMIT
    if not all(_is_storable(packet, limit) for packet in packets):
        return None
    return [
        IncomingPacket(
            call_id=call_id,
            sequence=packet.sequence,
            data=packet.data,
            timestamp=packet.timestamp,
            stream=packet.stream,
            track=packet.track,
            media=packet.media,
        )
        for packet in packets
    ]


def _is_storable(packet: _Packet, limit: int) -> bool:
    return (
        _fits(packet.data, limit)
        and math.isfinite(packet.timestamp)
        # PostgreSQL cannot store NUL in text.
        and "\0" not in packet.data
        and "\0" not in packet.stream
        and "\0" not in packet.track
        and _is_media(packet.media)
    )


def _fits(text: str, limit: int) -> bool:
    return len(text) <= limit and (text.isascii() or len(text.encode()) <= limit)


@lru_cache(maxsize=256)
def _is_media(media: str) -> bool:
    if not media:
        return True
    try:
        parse_media(media)
    except ValueError:
        return False
    return True
