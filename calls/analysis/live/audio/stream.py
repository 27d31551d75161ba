"""The packets of one stream as continuous audio while they arrive, for each channel of each track.

It uses the functions that assemble a finished call, on a few packets at a time. So a gap, a pause
and a damaged packet become the same silence as in the final recording, as far as they are known.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from calls.analysis.media.packets import PacketRow, TypedPacket, speaker_of, typed_packets
from calls.analysis.media.tracks import PlacedTrack, build_tracks, place_tracks, render
from calls.conversation import SPEAKERS, Speaker
from calls.formats.base64_text import data_url_media
from calls.formats.media_types import read_media

REORDER_S = 1.0  # how long to wait for a missing packet
MAX_TRACKS = 8
_PLACES = 10_000  # packets of a track whose places are remembered
_ANCHORS = 400  # packets kept to continue from; a track that is silent for longer starts again
_TOGETHER_S = 0.1  # tracks that start within this time start together, as in the recording
_CLOCKS_DIFFER_S = 2.0  # a start by the sender's clock that is further from the reception is wrong


@dataclass(frozen=True, slots=True)
class Piece:
    """Audio that continues its channel: ``at`` is the place of its first sample in the track.

    ``side`` is the channel within the track. ``offset_s`` is when the track started in its stream.
    """

    track: str
    side: int
    speaker: Speaker
    at: int
    samples: NDArray[np.int16]
    rate: int
    offset_s: float


@dataclass(frozen=True, slots=True)
class Anchor:
    """A packet of a track, and the samples at which it begins and ends."""

    sequence: int
    begin: int
    end: int


@dataclass(slots=True)
class _Track:
    """What is known of a track: its packets that were returned, newest last, and its start."""

    last: Anchor
    offset_s: float
    recent: deque[Anchor] = field(default_factory=lambda: deque(maxlen=_PLACES))


class LiveStream:
    """``add`` packets in any order. ``take`` returns the audio that is certain by now.

    ``anchors`` continues what another object began: the packets of each track follow its anchor,
    which has to come again.
    """

    def __init__(
        self,
        *,
        default_media: str,
        speakers: Mapping[str, Speaker],
        anchors: Mapping[str, Anchor] | None = None,
    ) -> None:
        self._default_media = default_media
        self._speakers = speakers
        self._waiting: list[tuple[int, float, PacketRow]] = []  # heap: sequence, arrival
        self._recent: list[PacketRow] = []
        self._tracks = {name: _Track(each, 0.0) for name, each in (anchors or {}).items()}
        self._next = min((each.last.sequence for each in self._tracks.values()), default=None)

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
        typed = [each for each in typed_packets(window, self._default_media) if self._fits(each)]
        # A rate that the clock contradicts is corrected in the recording: that needs seconds.
        placed = place_tracks(build_tracks(typed), corrects_rates=False) if typed else []
        received = {row.track: row.received for row in reversed(window)}
        pieces = [piece for each in placed for piece in self._continue(each, placed, received)]
        self._remember(window)
        return pieces

    def _fits(self, packet: TypedPacket) -> bool:
        """Whether a packet is audio, at the rate of its stream if it names a format of its own.

        The places of a track are samples of one rate. The recording has the others.
        """
        media, row = packet.media, packet.row
        if media is None or not media.is_audio:
            return False
        if not data_url_media(row.data):
            return True
        usual = read_media(row.media or self._default_media) or media
        return (media.rate, media.channels) == (usual.rate, usual.channels)

    def anchors(self, before: Mapping[str, int]) -> dict[str, Anchor]:
        """Return for each track the last packet that ends ``before`` a sample, and forget what is
        older.
        """
        found = {}
        for name, sample in before.items():
            recent = self._tracks[name].recent
            while len(recent) > 1 and recent[1].end <= sample:
                recent.popleft()
            if recent and recent[0].end <= sample:
                found[name] = recent[0]
        return found

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

    def _continue(
        self, placed: PlacedTrack, others: Sequence[PlacedTrack], received: Mapping[str, float]
    ) -> Iterator[Piece]:
        track = placed.track
        begins, sequences = placed.begins, track.sequences
        known = self._tracks.get(track.name)
        if known is None and len(self._tracks) >= MAX_TRACKS:
            return
        skip, at = 0, 0
        if known is not None:
            before = known.last
            if int(sequences[-1]) <= before.sequence:
                return  # nothing new on this track
            at = before.end
            place = np.searchsorted(sequences, before.sequence)
            if place < len(begins) and sequences[place] == before.sequence:
                skip = int(begins[place] + track.lengths[place])
        else:
            known = _Track(Anchor(0, 0, 0), self._offset_s(placed, others, received))
            self._tracks[track.name] = known
        self._note(known, placed, at - skip)
        for side, (speaker, samples) in enumerate(
            zip(self._speakers_of(placed), render(placed, track.media.rate), strict=True)
        ):
            yield Piece(
                track.name, side, speaker, at, samples[skip:], track.media.rate, known.offset_s
            )

    def _note(self, known: _Track, placed: PlacedTrack, shift: int) -> None:
        """Remember where each new packet of a track lies."""
        track, begins = placed.track, placed.begins + shift
        first = 0
        if known.recent or known.last.sequence:
            first = int(np.searchsorted(track.sequences, known.last.sequence, side="right"))
        ends = begins + track.lengths
        known.recent.extend(
            Anchor(*numbers)
            for numbers in zip(
                track.sequences[first:].tolist(),
                begins[first:].tolist(),
                ends[first:].tolist(),
                strict=True,
            )
        )
        known.last = known.recent[-1]

    def _offset_s(
        self, placed: PlacedTrack, others: Sequence[PlacedTrack], received: Mapping[str, float]
    ) -> float:
        """Return when a track starts in its stream: by the clock, unless reception contradicts."""
        for each in others:
            before = self._tracks.get(each.track.name)
            if before is None or each.track.name == placed.track.name:
                continue
            passed = self._passed_s(before, each)
            by_reception = passed + received[placed.track.name] - received[each.track.name]
            offset = by_reception
            if placed.start_s is not None and each.start_s is not None:
                by_clock = passed + placed.start_s - each.start_s
                if abs(by_clock - by_reception) < _CLOCKS_DIFFER_S:
                    offset = by_clock
            return 0.0 if offset < _TOGETHER_S else offset
        starts = [each.start_s for each in others]
        if placed.start_s is None or None in starts:
            return 0.0
        offset = placed.start_s - min(start for start in starts if start is not None)
        return 0.0 if offset < _TOGETHER_S else offset

    def _passed_s(self, before: _Track, placed: PlacedTrack) -> float:
        """Return when the window of a known track starts in the stream."""
        sequences = placed.track.sequences
        place = int(np.searchsorted(sequences, before.last.sequence))
        end = before.last.end
        if place < len(sequences) and sequences[place] == before.last.sequence:
            end -= int(placed.begins[place] + placed.track.lengths[place])
        return before.offset_s + end / placed.track.media.rate

    def _speakers_of(self, placed: PlacedTrack) -> tuple[Speaker, ...]:
        if placed.track.media.channels == 2:
            return SPEAKERS
        return (speaker_of(placed.track.name, self._speakers) or "customer",)

    def _remember(self, window: Sequence[PacketRow]) -> None:
        """Keep the packets from which the next window continues: the last one of each track."""
        needed = min((each.last.sequence for each in self._tracks.values()), default=0)
        self._recent = [row for row in window if row.sequence >= needed][-_ANCHORS:]
