"""Puts the channels of a call on one timeline while they arrive: agent left, customer right.

Pure state: the caller passes the time. The timeline counts samples at one rate. Its end follows
the audio that has arrived, so that it never waits in vain and does not cut a burst.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
# A channel that falls further behind the clock than this has paused without saying so.
PAUSE_S = 0.8
# A channel that is further ahead of the clock than this is sent faster than it was spoken.
AHEAD_S = 1.0
# How long one channel waits for another, beyond the time between the pieces of both.
LAG_S = 0.25
FRESH_S = 0.6
MAX_INTERVAL_S = 3.0
# Silence that is over is not played: after a pause, the sound continues this long before it ends.
STALE_S = 1.0
RUN_UP_S = 0.2


@dataclass(slots=True)
class _Channel:
    side: int
    begin: int  # on the timeline, of the first waiting sample
    fed_at: float
    interval: float = 0.0  # between its pieces, lately
    waiting: Samples = field(default_factory=lambda: np.zeros(0, np.int16))

    @property
    def end(self) -> int:
        return self.begin + len(self.waiting)


class Mixer:
    """``place`` what continues a channel, and ``cut`` off what is complete."""

    def __init__(self, rate: int, *, now: float) -> None:
        self.rate = rate
        self._start = now  # position 0 of the timeline
        self._at: int | None = None  # up to where it was cut off
        self._channels: dict[Hashable, _Channel] = {}

    def place(self, key: Hashable, side: int, samples: Samples, now: float) -> None:
        """Continue a channel with audio that has arrived by ``now``."""
        if not len(samples):
            return
        clock = round((now - self._start) * self.rate)
        channel = self._channels.get(key)
        if channel is None:
            begin = max(clock - len(samples), self._at or 0)
            channel = self._channels[key] = _Channel(side, begin, now)
        else:
            interval = min(now - channel.fed_at, MAX_INTERVAL_S)
            channel.interval = max(interval, 0.9 * channel.interval)
            samples = self._fit(channel, samples, clock)
        channel.side, channel.fed_at = side, now
        channel.waiting = np.concatenate([channel.waiting, samples])

    def _fit(self, channel: _Channel, samples: Samples, clock: int) -> Samples:
        """Move a channel, or shorten what continues it, if it does not fit the timeline."""
        end, size = channel.end, len(samples)
        late = (self._at or 0) - end
        if late > 0:
            # The timeline continued without this channel. Its silence lies in the past.
            samples = samples[min(late, _leading_silence(samples)) :]
            self._skip_to(channel, end + late)
        elif end + size < clock - PAUSE_S * self.rate:
            self._skip_to(channel, clock - size)
        ahead = channel.end + len(samples) - clock
        if ahead > AHEAD_S * self.rate:
            return samples[min(ahead, len(samples)) :]
        return samples

    def _skip_to(self, channel: _Channel, begin: int) -> None:
        gap = begin - channel.end
        if not len(channel.waiting):
            channel.begin = begin
        elif gap > 0:
            channel.waiting = np.concatenate([channel.waiting, np.zeros(gap, np.int16)])

    def cut(self, now: float) -> tuple[int, Samples] | None:
        """Return what is complete: the position of the first sample, and samples of shape (n, 2).

        A position beyond the end of the previous samples means that nothing was sent meanwhile.
        """
        waiting = [each for each in self._channels.values() if len(each.waiting)]
        if not waiting:
            return None
        end = self._complete_until(now)
        begin = max(self._at or 0, min(each.begin for each in waiting))
        if end <= begin:
            return None
        mixed = np.zeros((end - begin, 2), np.int32)
        for channel in waiting:
            self._move(channel, mixed, begin)
        self._at = end
        skipped = self._stale(mixed)
        return begin + skipped, np.clip(mixed[skipped:], -32768, 32767).astype(np.int16)

    def behind_s(self, now: float) -> float:
        """Return the age of the last sample that was cut off, as far as arrival times show."""
        if self._at is None:
            return 0.0
        newest = max(self._channels.values(), key=lambda each: each.end)
        return now - newest.fed_at + max(0, newest.end - self._at) / self.rate

    def _complete_until(self, now: float) -> int:
        """Return the position up to which no channel needs to be waited for."""
        fresh = [each for each in self._channels.values() if _is_fresh(each, now)]
        if not fresh:
            return max(each.end for each in self._channels.values())
        patience = LAG_S + max(each.interval for each in fresh)
        ends = [each.end for each in fresh]
        return max(min(ends), max(ends) - round(patience * self.rate))

    def _move(self, channel: _Channel, mixed: NDArray[np.int32], begin: int) -> None:
        """Move the samples of a channel into the mix, as far as it reaches."""
        old = max(0, begin - channel.begin)
        count = max(0, min(len(channel.waiting), begin + len(mixed) - channel.begin) - old)
        first = channel.begin + old - begin
        mixed[first : first + count, channel.side] += channel.waiting[old : old + count]
        channel.waiting = channel.waiting[old + count :]
        channel.begin += old + count

    def _stale(self, mixed: NDArray[np.int32]) -> int:
        """Return how much silence at the start is over, in a burst that follows a pause."""
        if len(mixed) <= STALE_S * self.rate:
            return 0
        loud = np.flatnonzero(mixed.any(axis=1))
        first = int(loud[0]) if len(loud) else len(mixed)
        return max(0, first - round(RUN_UP_S * self.rate))


def _is_fresh(channel: _Channel, now: float) -> bool:
    return now - channel.fed_at <= max(FRESH_S, 1.5 * channel.interval)


def _leading_silence(samples: Samples) -> int:
    loud = np.flatnonzero(samples)
    return int(loud[0]) if len(loud) else len(samples)
