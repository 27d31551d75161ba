"""Stored packets as the analysis reads them: their order, their kind and who speaks in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from calls.analysis.media.decoding import decode_base64
from calls.conversation import SPEAKERS, Speaker
from calls.media_types import MediaFormat, parse_media

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
_EPOCH_MS = 1e11  # seconds since the epoch reach this in the year 5138


class PacketRow(NamedTuple):
    """One stored packet. ``timestamp`` is in seconds, or in milliseconds since the epoch.

    ``data`` is base64 for audio and plain words for text; ``media`` is empty where the packet
    does not say. ``sequence`` counts through all tracks of a stream.
    """

    stream: str
    track: str
    sequence: int
    timestamp: float
    data: str
    media: str

    @property
    def stamp(self) -> float:
        """Seconds; 0 where the sender's clock gave no number at all."""
        if not isfinite(self.timestamp):
            return 0.0
        return self.timestamp / 1000 if self.timestamp > _EPOCH_MS else self.timestamp


class TypedPacket(NamedTuple):
    """A packet and its format; None where it names one that does not exist."""

    row: PacketRow
    media: MediaFormat | None


def unique_packets(packets: Iterable[PacketRow]) -> list[PacketRow]:
    """One packet for each (stream, sequence), in an order that arrival has no say in."""
    rows = sorted(packets)
    rows.sort(key=lambda row: (row.stream, row.sequence))
    return [
        row
        for before, row in zip([None, *rows], rows, strict=False)
        if before is None or (before.stream, before.sequence) != (row.stream, row.sequence)
    ]


def typed_packets(rows: Sequence[PacketRow], default_media: str) -> list[TypedPacket]:
    """Give each packet its format: its own, the call's, that of most others, or a guess.

    Raises ValueError if ``default_media`` is neither empty nor a known media type.
    """
    known = {name: _parsed(name) for name in {row.media for row in rows if row.media}}
    default = parse_media(default_media) if default_media else _majority(rows, known)
    return [TypedPacket(row, known[row.media] if row.media else default) for row in rows]


def _parsed(media: str) -> MediaFormat | None:
    try:
        return parse_media(media)
    except ValueError:
        return None


def _majority(rows: Sequence[PacketRow], known: Mapping[str, MediaFormat | None]) -> MediaFormat:
    votes = Counter(row.media for row in rows if row.media and known[row.media])
    winner = min(votes, key=lambda media: (-votes[media], media), default=None)
    return (known[winner] if winner else None) or sniff(rows)


def sniff(rows: Sequence[PacketRow]) -> MediaFormat:
    """Tell mu-law from text where nothing is declared: audio only if it cannot be words.

    A track may end in a short packet, so the last of each is judged by its form alone.
    """
    last = {(row.stream, row.track): row for row in rows}
    long = [row for row in rows if len(row.data) >= _SNIFF_MIN_CHARS]
    short_inside = any(
        len(row.data) < _SNIFF_MIN_CHARS and row is not last[row.stream, row.track] for row in rows
    )
    if not long or short_inside or any(decode_base64(row.data) is None for row in rows):
        return MediaFormat("text")
    return MediaFormat("mulaw")


def speaker_map(own: Mapping[str, Speaker]) -> dict[str, Speaker]:
    """``TRACK_SPEAKERS`` with a site's own names; ValueError for a speaker there is not."""
    if unknown := sorted(set(own.values()) - set(SPEAKERS)):
        raise ValueError(f"track speakers: {unknown[0]!r} is neither 'agent' nor 'customer'")
    return {**TRACK_SPEAKERS, **{name.strip().lower(): who for name, who in own.items()}}


def speaker_of(track: str, speakers: Mapping[str, Speaker]) -> Speaker | None:
    """Who speaks on a track, or None if its name does not tell."""
    return speakers.get(track.strip().lower())
