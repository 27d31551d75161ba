"""One track of a stream: its packets decoded, placed on its own timeline and rendered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice

import numpy as np
from numpy.typing import NDArray

from calls.analysis.media.clocks import with_known_stamps, without_leaps
from calls.analysis.media.decoding import decode_audio, sample_count
from calls.analysis.media.packets import TypedPacket
from calls.analysis.media.rates import RateDoubt, doubt_rate
from calls.analysis.media.resampling import resample
from calls.analysis.media.stamps import clean, clock_unit
from calls.analysis.media.timeline import (
    MAX_SILENCE_S,
    Floats,
    Ints,
    Silences,
    TrackClock,
    heard_before,
    is_steady,
    lost_before,
    offsets,
    pace,
    sequence_unit,
    silences,
    without_jitter,
)
from calls.formats.base64_text import decode_base64
from calls.formats.media_types import MediaFormat

_DEFAULT_PACKET_S = 0.02
LISTENED_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes of a packet, None if they cannot be decoded. It then becomes silence."""

    payload: bytes | None
    media: MediaFormat


@dataclass(frozen=True, slots=True)
class Track:
    """The audio packets of one track in order, not yet rendered. ``lengths`` are in samples."""

    stream: str
    name: str
    media: MediaFormat
    pieces: list[Piece]
    sequences: Ints
    stamps: Floats
    lengths: Ints
    usual: int
    declared_rate: int = 0
    doubt: RateDoubt | None = None

    def sample(self) -> bytes:
        """Return some of the audio in the format of the track, from its start."""
        return b"".join(
            piece.payload
            for piece in islice(self.pieces, LISTENED_BYTES // 160)
            if piece.payload and piece.media == self.media
        )[:LISTENED_BYTES]

    @property
    def damaged(self) -> int:
        return sum(piece.payload is None for piece in self.pieces)

    @property
    def is_heard(self) -> bool:
        """Whether any of its packets can be decoded."""
        return self.damaged < len(self.pieces)

    @property
    def pace(self) -> float | None:
        return pace(self.stamps, self.lengths, self.media.rate)


@dataclass(frozen=True, slots=True)
class PlacedTrack:
    """A track with its silences. ``start_s`` is its start on the sender's clock, if it has one.

    ``set_back`` says how often that clock was set back.
    """

    track: Track
    silences: Silences
    lost: Ints
    start_s: float | None
    set_back: int = 0

    @property
    def begins(self) -> Ints:
        """The sample at which each packet starts, counted from the start of the track."""
        ends = np.cumsum(self.silences.before + self.track.lengths)
        return np.asarray(ends - self.track.lengths, np.int64)

    @property
    def samples(self) -> int:
        return int((self.silences.before + self.track.lengths).sum())

    @property
    def duration_s(self) -> float:
        return self.samples / self.track.media.rate

    @property
    def pauses(self) -> int:
        """How often the sender paused (hold, silence suppression) without losing a packet."""
        return int(np.count_nonzero(self._paused))

    @property
    def paused_s(self) -> float:
        return float(self._paused.sum()) / self.track.media.rate

    @property
    def _paused(self) -> Ints:
        return np.where(self.lost == 0, self.silences.before, 0)

    def heard(self) -> list[tuple[float, float]]:
        """Spans of audio between silences, in seconds from the start of the track."""
        begins, rate = self.begins, self.track.media.rate
        first = np.flatnonzero(self.silences.before > 0)
        first = first if len(first) and first[0] == 0 else np.concatenate(([0], first))
        last = np.concatenate((first[1:] - 1, [len(begins) - 1]))
        ends = begins[last] + self.track.lengths[last]
        return [(b / rate, e / rate) for b, e in zip(begins[first], ends, strict=True)]

    def missing(self) -> list[tuple[float, float]]:
        """Lost or damaged spans, in seconds from the start of the track."""
        begins, rate = self.begins, self.track.media.rate
        damaged = np.array([piece.payload is None for piece in self.track.pieces])
        heads = begins - np.where(self.lost > 0, self.silences.before, 0)
        ends = begins + np.where(damaged, self.track.lengths, 0)
        return [(b / rate, e / rate) for b, e in zip(heads, ends, strict=True) if e > b]


def build_tracks(packets: Sequence[TypedPacket]) -> list[Track]:
    """Build the tracks of a call from its audio packets, ordered by stream and name."""

    def key(packet: TypedPacket) -> tuple[str, str]:
        return packet.row.stream, packet.row.track

    ordered = sorted(packets, key=lambda packet: (*key(packet), packet.row.sequence))
    tracks = [_build(*names, list(group)) for names, group in groupby(ordered, key)]
    paces = [track.pace for track in tracks]
    return [
        replace(track, stamps=track.stamps / clock_unit(track.stamps, paces, track.media.rate))
        for track in tracks
    ]


def _build(stream: str, name: str, packets: list[TypedPacket]) -> Track:
    votes = Counter(packet.media for packet in packets if packet.media)
    media = max(votes, key=lambda each: (votes[each], str(each)), default=MediaFormat("mulaw"))
    pieces = [_piece(packet, media) for packet in packets]
    known = [_length(piece, media.rate) for piece in pieces]
    sound = [length for length in known if length]
    usual = int(np.median(sound)) if sound else round(_DEFAULT_PACKET_S * media.rate)
    lengths = np.array([usual if n is None else n for n in known], np.int64)
    stamps = np.array([clean(packet.row.timestamp) for packet in packets])
    return Track(
        stream=stream,
        name=name,
        media=media,
        pieces=pieces,
        sequences=np.array([packet.row.sequence for packet in packets], np.int64),
        stamps=with_known_stamps(stamps, heard_before(lengths, media.rate)),
        lengths=lengths,
        usual=usual,
    )


def _piece(packet: TypedPacket, fallback: MediaFormat) -> Piece:
    if packet.media is None:
        return Piece(None, fallback)
    return Piece(decode_base64(packet.row.data), packet.media)


def _length(piece: Piece, rate: int) -> int | None:
    if piece.payload is None:
        return None
    return round(sample_count(piece.payload, piece.media) * rate / piece.media.rate)


def place_tracks(
    tracks: Sequence[Track], *, corrects_rates: bool = True, silence_s: float = MAX_SILENCE_S
) -> list[PlacedTrack]:
    """Find the silences in the tracks of one stream, which share its sequence numbers.

    ``corrects_rates``: a sample rate that clock and sound contradict is corrected first.
    ``silence_s`` is the most that a track gets in all.
    """
    stream = np.sort(np.concatenate([track.sequences for track in tracks]))
    if corrects_rates:
        unit = sequence_unit(stream, [None for _ in tracks])
        tracks = [
            _with_right_rate(track, lost_before(track.sequences, stream, unit)) for track in tracks
        ]
    paces = [track.pace for track in tracks]
    unit = sequence_unit(stream, paces)
    # Clocks align the tracks with each other, so one bad clock makes all of them useless.
    steady = all(is_steady(value) for value in paces)
    return [
        _place(
            track,
            lost_before(track.sequences, stream, unit),
            len(tracks),
            steady=steady,
            silence_s=silence_s,
        )
        for track in tracks
    ]


def _with_right_rate(track: Track, lost: Ints) -> Track:
    if any(piece.media != track.media for piece in track.pieces):
        return track
    doubt = doubt_rate(track.stamps, track.lengths, lost, track.sample(), track.media)
    if doubt is None or doubt.rate is None:
        return replace(track, doubt=doubt)
    media = replace(track.media, rate=doubt.rate)
    return replace(
        track,
        media=media,
        pieces=[replace(piece, media=media) for piece in track.pieces],
        declared_rate=track.media.rate,
        doubt=doubt,
    )


def _place(track: Track, lost: Ints, tracks: int, *, steady: bool, silence_s: float) -> PlacedTrack:
    clock = TrackClock(track.media.rate, track.stamps, track.lengths, lost, track.usual, tracks)
    raw, set_back = without_leaps(offsets(clock)) if steady else (offsets(clock), 0)
    ahead = without_jitter(raw, clock)
    found = silences(clock, ahead, steady=steady, most_s=silence_s)
    return PlacedTrack(track, found, lost, float(ahead[0]) if steady else None, set_back)


def render(placed: PlacedTrack, rate: int) -> list[NDArray[np.int16]]:
    """Render each channel of a track at ``rate`` Hz, including silences."""
    track = placed.track
    out = np.zeros((track.media.channels, placed.samples), np.int16)
    for begin, payload, media in _stretches(placed):
        samples = _in_format(payload, media, track.media)
        out[:, begin : begin + samples.shape[1]] = samples
    return [resample(channel, track.media.rate, rate) for channel in out]


def _stretches(placed: PlacedTrack) -> Iterator[tuple[int, bytes, MediaFormat]]:
    """Yield where audio begins, its bytes and their format. Packets that follow one another are
    joined: decoding many of them together takes a tenth of the time.
    """
    track = placed.track
    begins = placed.begins.tolist()
    lengths = track.lengths.tolist()
    first, end, parts = 0, -1, list[bytes]()
    media = track.media
    for begin, length, piece in zip(begins, lengths, track.pieces, strict=True):
        if not piece.payload:
            continue
        if begin != end or piece.media != media:
            if parts:
                yield first, b"".join(parts), media
            first, media, parts = begin, piece.media, []
        parts.append(piece.payload)
        # A packet that ends within a sample, or is converted, is followed by a new stretch.
        is_whole = media == track.media and length * media.width == len(piece.payload)
        end = begin + length if is_whole else -1
    if parts:
        yield first, b"".join(parts), media


def _in_format(payload: bytes, media: MediaFormat, wanted: MediaFormat) -> NDArray[np.int16]:
    """Return the samples of a packet in the format of its track, from which its own may differ.

    The shape is (channels, n), or (1, n) for a mono packet, which fits both channels.
    """
    samples: NDArray[np.int16] = decode_audio(payload, media).T
    if media.rate != wanted.rate:
        rows = [resample(each, media.rate, wanted.rate) for each in samples]
        samples = np.stack(rows)
    if media.channels > wanted.channels:
        samples = samples.mean(axis=0, keepdims=True).astype(np.int16)
    return samples
