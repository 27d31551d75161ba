"""Stored packets as the analysis reads them: their order, their kind and who speaks in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from calls.conversation import SPEAKERS, Speaker
from calls.formats.base64_text import data_url_media, decode_base64
from calls.formats.media_types import MediaFormat, parse_media, read_media

TRACK_SPEAKERS: Mapping[str, Speaker] = {
    "agent": "agent",
    "customer": "customer",
    "inbound": "customer",
    "inbound_track": "customer",
    "outbound": "agent",
    "outbound_track": "agent",
    "left": "agent",
    "right": "customer",
}
_SNIFF_MIN_CHARS = 100


class PacketRow(NamedTuple):
    """One stored packet. ``timestamp`` is on the sender's clock, whose unit ``stamps`` finds out.

    ``data`` is base64 for audio and plain text otherwise. ``media`` is empty if the packet declares
    no format. ``sequence`` counts across all tracks of a run. ``received`` is in seconds, and only
    needed for streams with several runs.
    """

    stream: str
    track: str
    sequence: int
    timestamp: float
    data: str
    media: str
    run: int = 1
    received: float = 0.0


class TypedPacket(NamedTuple):
    """A packet and its format, None if it declares an unknown one."""

    row: PacketRow
    media: MediaFormat | None


def unique_packets(packets: Iterable[PacketRow]) -> list[PacketRow]:
    """Return packets without duplicates, by stream, run and sequence.

    The order does not depend on that of arrival. Packets that only share a number are kept.
    """
    rows = sorted(packets, key=_place)
    return [
        row
        for before, row in zip([None, *rows], rows, strict=False)
        if before is None or _place(before) != _place(row)
    ]


def _place(row: PacketRow) -> tuple[str, int, int, float, str, str]:
    return row.stream, row.run, row.sequence, row.timestamp, row.track, row.data


def typed_packets(
    rows: Sequence[PacketRow], default_media: str, *, own_formats: bool = True
) -> list[TypedPacket]:
    """Give each packet its format: its own, its stream's, the call's, the usual one, or a guess.

    A packet in another format than its stream is a data URL, which names it. Without
    ``own_formats``, that does not count.

    Raises ValueError if ``default_media`` is neither empty nor a known media type.
    """
    known = {name: read_media(name) for name in {row.media for row in rows if row.media}}
    default = parse_media(default_media) if default_media else _majority(rows, known)
    return [
        TypedPacket(row, own or (known[row.media] if row.media else default))
        for row in rows
        for own in [read_media(data_url_media(row.data)) if own_formats else None]
    ]


def _majority(rows: Sequence[PacketRow], known: Mapping[str, MediaFormat | None]) -> MediaFormat:
    votes = Counter(row.media for row in rows if row.media and known[row.media])
    winner = min(votes, key=lambda media: (-votes[media], media), default=None)
    return (known[winner] if winner else None) or sniff(rows)


def sniff(rows: Sequence[PacketRow]) -> MediaFormat:
    """Tell mu-law from text if no packet declares a format: audio only if it cannot be text.

    The last packet of a track may be short, so its length does not count.
    """
    last = {(row.stream, row.track): row for row in rows}
    long = [row for row in rows if len(row.data) >= _SNIFF_MIN_CHARS]
    short_inside = any(
        len(row.data) < _SNIFF_MIN_CHARS and row is not last[row.stream, row.track] for row in rows
    )
    if not long or short_inside or not all(_is_base64(row.data) for row in rows):
        return MediaFormat("text")
    return MediaFormat("mulaw")


def _is_base64(data: str) -> bool:
    """Whether data that nobody declared is base64. Without its padding it may be one long word."""
    is_whole = data_url_media(data) or len("".join(data.split())) % 4 == 0
    return bool(is_whole) and decode_base64(data) is not None


def speaker_map(own: Mapping[str, str]) -> dict[str, Speaker]:
    """Return ``TRACK_SPEAKERS`` with a site's own names. Raises ValueError for unknown speakers."""
    known: dict[str, Speaker] = {who: who for who in SPEAKERS}
    if unknown := sorted(set(own.values()) - set(known)):
        raise ValueError(f"track speakers: {unknown[0]!r} is neither 'agent' nor 'customer'")
    return {**TRACK_SPEAKERS, **{name.strip().lower(): known[who] for name, who in own.items()}}


def speaker_of(track: str, speakers: Mapping[str, Speaker]) -> Speaker | None:
    """Return who speaks on a track, or None if its name is not known."""
    return speakers.get(track.strip().lower())
