"""One track of a stream: puts frames in order, waiting up to REORDER_S, and cuts them into rows.

A missing frame is replaced by silence of its length, so that later audio keeps its place. A gap
longer than FILL_S starts a new row instead, whose time says where it belongs. So does every
missing frame of audio whose format is not known: its bytes are stored as received.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

from calls.formats.media_types import MediaFormat

ROW_S = 1.0
ROW_BYTES = 48 * 1024  # 64 KiB in base64, the limit for packets of every other interface
REORDER_S = 0.3  # how long to wait for a missing frame: TCP keeps the order of what was sent
GUESSED_RATE = 16_000  # bytes a second of audio in a format that is not known
PAUSE_S = 0.2  # a timestamp this far ahead means a pause, not jitter
FILL_S = 1.0  # the longest silence that is stored
_SILENCE = {"mulaw": b"\xff", "alaw": b"\xd5", "l16le": b"\0", "l16be": b"\0"}


@dataclass(frozen=True, slots=True, order=True)
class Frame:
    """``order`` is its place in the track; ``steps``: whether jumps in it are lost frames.

    Places start again after each of the ``restarts`` of the sender's numbering.
    """

    restarts: int
    order: int
    payload: bytes = field(compare=False)
    stamp_s: float | None = field(compare=False)
    arrived: float = field(compare=False)
    steps: bool = field(compare=False)

    @property
    def place(self) -> tuple[int, int]:
        return self.restarts, self.order


@dataclass(frozen=True, slots=True)
class Row:
    """Continuous audio. ``at_s`` is the time of its first sample, ``frames`` how many end in it."""

    track: str
    at_s: float
    payload: bytes
    frames: int = 0


class TrackAssembler:
    """Takes frames with ``add``. ``cut`` returns the rows that are full, old or interrupted.

    A row is old ``row_age_s`` after the arrival of its first frame.
    """

    def __init__(self, name: str, media: MediaFormat | None, *, row_age_s: float) -> None:
        self.name = name
        self._row_age_s = row_age_s
        self._width = media.width if media else 1
        self._rate = self._width * media.rate if media else GUESSED_RATE  # bytes a second
        self._silence = _SILENCE[media.encoding] if media else b""
        whole_rows = ROW_BYTES - ROW_BYTES % self._width
        self._full = min(int(ROW_S * self._rate), whole_rows) if media else whole_rows
        self._waiting: list[Frame] = []
        self._waiting_bytes = 0
        self._next: tuple[int, int] | None = None  # the place of the frame that continues the audio
        self._end_s: float | None = None  # end of the audio on the sender's clock
        self._row = bytearray()
        self._row_at_s = 0.0
        self._row_since = 0.0
        self._row_frames = 0
        self._rows: list[Row] = []

    def add(self, frame: Frame) -> None:
        """Add a frame. If it is too late for its place, it becomes a row of its own."""
        place = frame.place
        if place == self._next and not self._waiting:
            self._append(frame)  # nearly every frame
            return
        if self._next is not None and place < self._next:
            at_s = self._end_s if frame.stamp_s is None else frame.stamp_s
            self._rows.append(Row(self.name, at_s or 0.0, frame.payload, 1))
            return
        heapq.heappush(self._waiting, frame)
        self._waiting_bytes += len(frame.payload)
        self._settle(frame.arrived)

    def due_at(self) -> float | None:
        """Return when ``cut`` will have a row to return if no more frames arrive."""
        times = [self._row_since + self._row_age_s] if self._row else []
        if self._waiting:
            times.append(min(frame.arrived for frame in self._waiting) + REORDER_S)
        return min(times, default=None)

    def cut(self, now: float, *, all_of_it: bool = False) -> list[Row]:
        """Return the finished rows; with ``all_of_it``, the unfinished ones as well."""
        self._settle(now, all_of_it=all_of_it)
        if self._row and (all_of_it or now >= self._row_since + self._row_age_s):
            self._break_off()
        elif all_of_it and self._row_frames:
            self._cut(0)  # frames without audio count as well
        rows, self._rows = self._rows, []
        return rows

    def _settle(self, now: float, *, all_of_it: bool = False) -> None:
        """Append the frames that are next in order, and those that have waited long enough."""
        while self._waiting and (all_of_it or self._is_next() or self._is_enough(now)):
            frame = heapq.heappop(self._waiting)
            self._waiting_bytes -= len(frame.payload)
            self._append(frame)

    def _is_next(self) -> bool:
        # The first frame of a numbering waits as well: it may have overtaken an earlier one.
        return self._waiting[0].place == self._next

    def _is_enough(self, now: float) -> bool:
        if self._waiting_bytes > REORDER_S * self._rate:
            return True
        return now >= min(frame.arrived for frame in self._waiting) + REORDER_S

    def _append(self, frame: Frame) -> None:
        gap_s = self._gap(frame)
        if self._end_s is None or gap_s > FILL_S:
            self._break_off()
            self._end_s = self._begin(frame, gap_s)
            gap_s = 0.0
        payload = frame.payload
        if gap_s:
            payload = (
                self._silence * (round(gap_s * self._rate / self._width) * self._width) + payload
            )
        self._extend(payload, frame, gap_s)
        self._next = frame.restarts, frame.order + 1

    def _begin(self, frame: Frame, gap_s: float) -> float:
        if frame.stamp_s is not None:
            return frame.stamp_s
        return (self._end_s or 0.0) + (gap_s if math.isfinite(gap_s) else 0.0)

    def _gap(self, frame: Frame) -> float:
        """Return the seconds of audio missing before a frame; infinity for a pause."""
        if self._end_s is None or self._next is None:
            return 0.0
        if not self._silence:
            goes_on = (frame.restarts, frame.order) == self._next
            return 0.0 if goes_on or not frame.steps else math.inf
        length_s = len(frame.payload) / self._rate
        counts = frame.steps and frame.restarts == self._next[0]
        lost_s = (frame.order - self._next[1]) * length_s if counts else 0.0
        behind_s = None if frame.stamp_s is None else frame.stamp_s - self._end_s
        if behind_s is None or behind_s < -REORDER_S:
            return lost_s  # the sender has no clock, or it does not advance
        if behind_s >= PAUSE_S and abs(behind_s - lost_s) >= PAUSE_S:
            return math.inf
        if lost_s and abs(behind_s - lost_s) >= length_s:
            # If chunks are numbered across all tracks, they jump without a loss. Trust the clock.
            return max(0, round(behind_s / length_s)) * length_s
        return lost_s

    def _extend(self, payload: bytes, frame: Frame, gap_s: float) -> None:
        end_s = self._end_s or 0.0
        if len(self._row) + len(payload) > self._full:
            self._break_off()
        if not self._row:
            # Use the sender's own time, so that drift of its clock stays visible.
            self._row_at_s = end_s if frame.stamp_s is None else frame.stamp_s - gap_s
            self._row_since = frame.arrived
        self._row += payload
        self._row_since = min(self._row_since, frame.arrived)
        self._end_s = end_s + len(payload) / self._rate
        while len(self._row) > self._full:
            self._cut(self._full)
        self._row_frames += 1
        if len(self._row) == self._full:
            self._cut(self._full)

    def _break_off(self) -> None:
        if self._row:
            self._cut(len(self._row))

    def _cut(self, size: int) -> None:
        row = Row(self.name, self._row_at_s, bytes(self._row[:size]), self._row_frames)
        self._rows.append(row)
        del self._row[:size]
        self._row_at_s += size / self._rate
        self._row_frames = 0
