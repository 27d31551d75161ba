"""Turns a carrier's stream into packets. Pure state: no I/O, and the caller passes the time.

It puts frames in order, drops duplicates, joins the rest into rows of up to a second per track, and
counts losses. The caller must store the packets that it returns: the session keeps no copy.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from calls.formats.media_types import MediaFormat, read_media
from calls.ingest.carriers import Event, Ignored, Malformed, Media, Start, Stop
from calls.ingest.carriers.clock import FrameClock
from calls.ingest.carriers.numbering import Arrival, Numbering
from calls.ingest.carriers.tracks import Frame, Row, TrackAssembler
from calls.ingest.packets import FrameCounts, IncomingPacket

MAX_TRACKS = 8
EARLY_BYTES = 256 * 1024  # of audio that overtook the start; more is counted as malformed


@dataclass(frozen=True, slots=True)
class Identity:
    """The names under which a stream is stored, and its start time."""

    call_id: str
    stream: str
    begins_s: float = 0.0  # seconds after the call's first stream
    resumed_s: float = 0.0  # seconds after the carrier first opened this stream


class Session:
    """One socket: ``take`` its events. After ``begin``, ``due`` and ``finish`` return packets."""

    def __init__(self, *, row_age_s: float) -> None:
        self._row_age_s = row_age_s
        self.start: Start | None = None
        self.stopped = False
        self.malformed = 0
        self._identity: Identity | None = None
        self._media: MediaFormat | None = None
        self._width = 1  # bytes of a sample of all channels
        self._early: list[tuple[Media, float]] = []
        self._early_bytes = 0
        self._numbers = Numbering()
        self._chunks: dict[str, Numbering] = {}
        self._tracks: dict[str, TrackAssembler] = {}
        self._clock = FrameClock()
        self._sequence = 0
        self._arrived = 0
        self._others = 0
        self._stored = self._repeated = self._reordered = 0
        self._reported = FrameCounts()

    def take(self, event: Event, now: float) -> None:
        """Take one event of the socket."""
        match event:
            case Media():
                self._take_media(event, now)
            case Malformed():
                self.malformed += 1
                self._numbers.see(event.number)
            case Start():
                # Its number says nothing about the frames: some senders number them apart from it.
                self.start = self.start or event
            case Stop() | Ignored():
                self.stopped |= isinstance(event, Stop)
                self._see_other(event.number)

    def begin(self, identity: Identity) -> None:
        """Accept media from now on, and those that arrived before the start.

        Call once ``start`` is set and the sender is authorised.
        """
        assert self.start is not None  # noqa: S101 (for mypy)
        self._identity = identity
        self._clock = FrameClock(identity.resumed_s)
        self._media = read_media(self.start.media)
        self._width = self._media.width if self._media else 1
        for media, arrived in self._early:
            self._take_media(media, arrived)
        self._early.clear()

    def is_other_format(self, start: Start) -> bool:
        """Whether a later start describes other audio, so that it needs a stream of its own."""
        return self.start is not None and self.start.media != start.media

    def due(self, now: float) -> list[IncomingPacket]:
        """Return the packets that must be stored by now."""
        return self._packets([row for track in self._tracks.values() for row in track.cut(now)])

    def due_at(self) -> float | None:
        """Return the time by which ``due`` must be called if no more frames arrive."""
        times = [track.due_at() for track in self._tracks.values()]
        return min((time for time in times if time is not None), default=None)

    def finish(self, now: float) -> list[IncomingPacket]:
        """Return all remaining packets."""
        tracks = self._tracks.values()
        packets = self._packets([row for track in tracks for row in track.cut(now, all_of_it=True)])
        if packets or self._identity is None or self._counts() == FrameCounts():
            return packets
        # No audio is left to carry the final counts, so an empty packet does.
        return self._packets([Row("", 0.0, b"")])

    def _take_media(self, media: Media, now: float) -> None:
        if self._identity is None:
            self._keep(media, now)
        elif media.track not in self._tracks and len(self._tracks) == MAX_TRACKS:
            self.malformed += 1
        elif self._is_repeated(media):
            self._repeated += 1
        else:
            self._add(media, now)

    def _keep(self, media: Media, now: float) -> None:
        """Keep a frame that overtook the start."""
        self._early_bytes += len(media.payload)
        if self._early_bytes > EARLY_BYTES or len(self._early) == EARLY_BYTES // 64:
            self.malformed += 1
        else:
            self._early.append((media, now))

    def _see_other(self, number: int | None) -> None:
        if number is not None and self._numbers.see(number) is not Arrival.REPEATED:
            self._others += 1

    def _is_repeated(self, media: Media) -> bool:
        """Whether a frame is a duplicate. Records its numbers."""
        chunks = self._chunks.get(media.track)
        if chunks is None:
            chunks = self._chunks[media.track] = Numbering()
        content = media.track, media.chunk, media.payload
        by_number = self._numbers.see(media.number, content, media.stamp)
        if by_number is Arrival.REPEATED:
            return True
        by_chunk = chunks.see(media.chunk, media.payload, media.stamp)
        # Silence repeats its content. If the chunk number never changes, the time decides.
        if by_chunk is Arrival.REPEATED and (media.number is None or media.stamp is not None):
            return True
        self._reordered += Arrival.OUT_OF_ORDER in (by_number, by_chunk)
        return False

    def _add(self, media: Media, now: float) -> None:
        self._arrived += 1
        track = self._tracks.get(media.track)
        if track is None:
            track = self._tracks[media.track] = TrackAssembler(
                media.track, self._media, row_age_s=self._row_age_s
            )
        order, steps = self._order(media)
        size = len(media.payload)
        payload = media.payload[: size - size % self._width]
        track.add(Frame(*order, payload, self._stamp_s(media), now, steps))

    def _order(self, media: Media) -> tuple[tuple[int, int], bool]:
        """Return a frame's place in its track, and whether jumps mean lost frames."""
        chunks, numbers = self._chunks[media.track], self._numbers
        if media.chunk is not None and chunks.trusted:
            return (chunks.restarts, chunks.place), True
        if media.number is not None:
            # Other messages and the frames of other tracks use the same numbering.
            steps = numbers.trusted and len(self._tracks) == 1
            return (numbers.restarts, numbers.place - self._others), steps
        return (0, self._arrived), False

    def _stamp_s(self, media: Media) -> float | None:
        if media.stamp is None or self._identity is None:
            return None
        rate = self._media.rate if self._media else 0
        length_s = len(media.payload) / (self._width * rate) if rate else 0.0
        return self._clock.read(media.track, media.stamp, length_s)

    def _packets(self, rows: Sequence[Row]) -> list[IncomingPacket]:
        """Number the rows. The first packet carries the counts since the previous call.

        Frames count once they are in a row, so that a process that dies has counted none too many.
        """
        if self.start is None or self._identity is None:
            return []
        self._stored += sum(row.frames for row in rows)
        packets: list[IncomingPacket] = []
        for row in rows:
            self._sequence += 1
            packets.append(
                IncomingPacket(
                    call_id=self._identity.call_id,
                    stream=self._identity.stream,
                    sequence=self._sequence,
                    track=row.track,
                    timestamp=round(self._identity.begins_s + row.at_s, 3),
                    data=base64.b64encode(row.payload).decode("ascii"),
                    media=self.start.media,
                    frames=None if packets else self._counts(),
                )
            )
        if packets:
            self._reported = self._totals()
        return packets

    def _totals(self) -> FrameCounts:
        by_chunk = sum(chunks.missing for chunks in self._chunks.values())
        is_numbered = self._numbers.trusted and self._numbers.highest is not None
        return FrameCounts(
            received=self._stored,
            missing=self._numbers.missing if is_numbered else by_chunk,
            repeated=self._repeated,
            reordered=self._reordered,
            malformed=self.malformed,
            restarts=max(each.restarts for each in (self._numbers, *self._chunks.values())),
        )

    def _counts(self) -> FrameCounts:
        return self._totals() - self._reported
