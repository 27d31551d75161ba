"""Reads the time stamps of frames: vendors send ms, but some send s, us or ns."""

from __future__ import annotations

# Ticks a second, and the range of stamps that count from the epoch in this unit (2008 to 2052).
_UNITS = (1.0, 1e3, 1e6, 1e9)
_EPOCH = (1.2e9, 2.6e9)
_DOCUMENTED = 1e3
_NEAR = 5.0  # how far the step between two frames may be from the length of a frame
_RESUMED_S = 1.0  # a stream that comes back sooner cannot be told from one that starts late
_PATIENCE = 100  # frames after which the documented unit is believed


class FrameClock:
    """Turns the stamps of one socket into seconds after it was opened, or after its first stamp.

    A clock starts with the socket or counts from the epoch. If a carrier comes back after its line
    broke, ``resumed_s`` seconds after it first opened the stream, the clock may continue instead.
    """

    def __init__(self, resumed_s: float = 0.0) -> None:
        self._resumed_s = resumed_s
        self._unit: float | None = None
        self._base_s: float | None = None
        self._last: dict[str, float] = {}
        self._likely: float | None = None
        self._seen = 0

    def read(self, track: str, stamp: float, length_s: float) -> float:
        """Return the seconds of a frame, whose audio takes ``length_s``."""
        if self._base_s is None:
            self._unit = next((each for each in _UNITS if _is_epoch(stamp / each)), None)
            self._base_s = stamp / self._unit if self._unit else self._start_of(stamp)
        if self._unit is None:
            self._learn(track, stamp, length_s)
        return stamp / (self._unit or _DOCUMENTED) - self._base_s

    def _start_of(self, stamp: float) -> float:
        goes_on = self._resumed_s > _RESUMED_S and stamp / _DOCUMENTED > self._resumed_s / 2
        return self._resumed_s if goes_on else 0.0

    def _learn(self, track: str, stamp: float, length_s: float) -> None:
        """Take the unit in which two steps in a row are about as long as a frame."""
        before, self._last[track] = self._last.get(track), stamp
        self._seen += 1
        if self._seen > _PATIENCE:
            self._unit = _DOCUMENTED
        elif before is not None and length_s > 0:
            ticks = (stamp - before) / length_s
            likely = next((u for u in _UNITS if u / _NEAR <= ticks <= u * _NEAR), None)
            self._unit = likely if likely == self._likely else None
            self._likely = likely


def _is_epoch(seconds: float) -> bool:
    return _EPOCH[0] <= seconds <= _EPOCH[1]
