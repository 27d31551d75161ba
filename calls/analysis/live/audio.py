"""The packets of one stream as continuous audio while they arrive, for each channel of each track.

It uses the functions that assemble a finished call, on a few packets at a time. So a gap, a pause
and a damaged packet become the same silence as in the final recording, as far as they are known.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calls.analysis.media.packets import PacketRow, TypedPacket, speaker_of, typed_packets
from calls.analysis.media.tracks import PlacedTrack, build_tracks, place_tracks, render
from calls.conversation import SPEAKERS, Speaker

REORDER_S = 1.0  # how long a missing packet is waited for
MAX_TRACKS = 8
_ANCHORS = 400  # packets kept to continue from; a track that is silent for longer starts anew


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio that continues its channel: ``at`` is the place of its first sample in the track."""

    track: str
    speaker: Speaker
    at: int
    samples: NDArray[np.int16]
    rate: int


@dataclass(slots=True)
class _Progress:
    """The last packet of a track that was returned, and where it starts."""

    sequence: int
    begin: int
    end: int


class LiveStream:
    """``add`` packets in any order. ``take`` returns the audio that is certain by now."""

    def __init__(self, *, default_media: str, speakers: Mapping[str, Speaker]) -> None:
        self._default_media = default_media
        self._speakers = speakers
        self._waiting: list[tuple[int, float, PacketRow]] = []  # heap: sequence, arrival
        self._next: int | None = None
        self._recent: list[PacketRow] = []
        self._progress: dict[str, _Progress] = {}

    @property
    def next(self) -> int | None:
        """The first sequence that is still of use; None before the first packet."""
        return self._next

    def start_at(self, sequence: int) -> None:
        """Begin with this packet, instead of the first that has waited for the reordering."""
        self._next = sequence

    def add(self, rows: Sequence[PacketRow], now: float) -> None:
        """Add stored packets. One that comes after its place has been passed is left out: the
        final transcript has it.
        """
        for row in rows:
            if self._next is None or row.sequence >= self._next:
                heapq.heappush(self._waiting, (row.sequence, now, row))

    def take(
        self, now: float, *, all_of_it: bool = False, reorder_s: float = REORDER_S
    ) -> list[Piece]:
        """Return what continues the tracks, in order. A missing packet is given up after
        ``reorder_s``.
        """
        fresh = list(self._settled(now, 0.0 if all_of_it else reorder_s))
        if not fresh:
            return []
        window = [*self._recent, *fresh]
        typed = [each for each in typed_packets(window, self._default_media) if _is_audio(each)]
        placed = place_tracks(build_tracks(typed)) if typed else []
        pieces = [piece for each in placed for piece in self._continue(each)]
        self._remember(window)
        return pieces

    def _settled(self, now: float, patience_s: float) -> Iterator[PacketRow]:
        while self._waiting:
            sequence, arrived, row = self._waiting[0]
            is_next = self._next is not None and sequence <= self._next
            if not (is_next or now - arrived >= patience_s):
                return
            heapq.heappop(self._waiting)
            if self._next is None or sequence >= self._next:
                self._next = sequence + 1
                yield row

    def _continue(self, placed: PlacedTrack) -> Iterator[Piece]:
        track = placed.track
        begins = placed.begins
        before = self._progress.get(track.name)
        if before is None and len(self._progress) >= MAX_TRACKS:
            return
        skip, at = 0, 0
        if before is not None:
            known = np.searchsorted(track.sequences, before.sequence)
            at = before.end
            if known < len(begins) and track.sequences[known] == before.sequence:
                skip = int(begins[known] + track.lengths[known])
        last = len(begins) - 1
        if before is not None and int(track.sequences[last]) <= before.sequence:
            return  # nothing new on this track
        shift = at - skip
        self._progress[track.name] = _Progress(
            int(track.sequences[last]), int(begins[last]) + shift, placed.samples + shift
        )
        for speaker, samples in zip(
            self._speakers_of(placed), render(placed, track.media.rate), strict=True
        ):
            yield Piece(track.name, speaker, at, samples[skip:], track.media.rate)

    def _speakers_of(self, placed: PlacedTrack) -> tuple[Speaker, ...]:
        if placed.track.media.channels == 2:
            return SPEAKERS
        return (speaker_of(placed.track.name, self._speakers) or "customer",)

    def _remember(self, window: Sequence[PacketRow]) -> None:
        """Keep the packets from which the next window continues: the last one of each track."""
        needed = min((each.sequence for each in self._progress.values()), default=0)
        self._recent = [row for row in window if row.sequence >= needed][-_ANCHORS:]


def _is_audio(packet: TypedPacket) -> bool:
    return packet.media is not None and packet.media.is_audio
