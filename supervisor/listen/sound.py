"""The sound of one live call: its packets become frames, once for all who listen.

Used by one thread at a time. Nothing in here waits or reads the database.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from django.conf import settings

from calls.analysis.live.audio.stream import LiveStream, Piece
from calls.analysis.media.packets import PacketRow, speaker_map
from calls.analysis.media.resampling import StreamResampler
from calls.conversation import SPEAKERS
from supervisor.listen.frames import pack_frame
from supervisor.listen.mixer import Mixer
from supervisor.listen.packets import LiveCallRow, LiveStreamRow

NARROW, WIDE = 8_000, 16_000
REORDER_S = 0.3  # how long to wait for a missing packet
RECENT_S = 0.5  # what a new listener gets at once of a call that others already listen to
MAX_LAG_S = 1.0


class CallSound:
    """``add`` packets of the call's streams, then ``take`` the next frame."""

    def __init__(self) -> None:
        self.recent: deque[bytes] = deque()
        self._recent_s: deque[float] = deque()
        self._call: LiveCallRow | None = None
        self._streams: dict[int, LiveStream] = {}
        self._rows: dict[int, LiveStreamRow] = {}
        self._resamplers: dict[tuple[int, str, int, int], StreamResampler] = {}
        self._mixer: Mixer | None = None
        self._number = 0
        self._lag_s = 0.0

    def update(self, call: LiveCallRow) -> list[LiveStreamRow]:
        """Update what is known of the call. Return the streams that are new."""
        self._call = call
        self._rows.update({row.pk: row for row in call.streams if row.pk in self._streams})
        return [row for row in call.streams if row.pk not in self._streams]

    def open_stream(self, row: LiveStreamRow, *, first: int) -> None:
        """Play a stream from this sequence on."""
        stream = LiveStream(
            default_media=self._call.default_media if self._call else "",
            speakers=speaker_map(settings.TRACK_SPEAKERS),
        )
        stream.start_at(first)
        self._streams[row.pk], self._rows[row.pk] = stream, row

    @property
    def wanted(self) -> dict[LiveStreamRow, int]:
        """The first sequence of each stream that is still of use."""
        return {self._rows[pk]: each.next or 0 for pk, each in self._streams.items()}

    def add(self, packets: Mapping[int, Sequence[PacketRow]], now: float, clock: float) -> None:
        """Add packets by stream. ``clock`` is ``now`` on the clock that stamps packets."""
        for pk, rows in packets.items():
            self._streams[pk].add(rows, now)
            self._lag_s = min(max(0.0, clock - rows[-1].received), MAX_LAG_S)

    def take(self, now: float, *, all_of_it: bool = False) -> bytes | None:
        """Return the next frame, or None if nothing is complete."""
        for pk, stream in self._streams.items():
            for piece in stream.take(now, all_of_it=all_of_it, reorder_s=REORDER_S):
                self._place(pk, piece, now)
        cut = self._mixer.cut(now) if self._mixer else None
        if cut is None or self._mixer is None:
            return None
        position, samples = cut
        self._number += 1
        frame = pack_frame(
            samples,
            rate=self._mixer.rate,
            number=self._number,
            position=position,
            age_s=self._mixer.behind_s(now) + self._lag_s,
        )
        self._remember(frame, len(samples) / self._mixer.rate)
        return frame

    def _place(self, pk: int, piece: Piece, now: float) -> None:
        if self._mixer is None:
            self._mixer = Mixer(NARROW if piece.rate <= NARROW else WIDE, now=now)
        side = SPEAKERS.index(piece.speaker)
        key = pk, piece.track, side, piece.rate
        if key not in self._resamplers:
            self._resamplers[key] = StreamResampler(piece.rate, self._mixer.rate)
        heard = self._resamplers[key].feed(piece.samples)
        is_swapped = self._call is not None and self._call.is_swapped
        self._mixer.place(key[:3], 1 - side if is_swapped else side, heard, now)

    def _remember(self, frame: bytes, seconds: float) -> None:
        self.recent.append(frame)
        self._recent_s.append(seconds)
        while sum(self._recent_s) - self._recent_s[0] >= RECENT_S:
            self.recent.popleft()
            self._recent_s.popleft()
