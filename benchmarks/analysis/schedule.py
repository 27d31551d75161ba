"""Computes the ideal schedule: how long the same draws would take if only the AI took time."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fate:
    """The seconds of each attempt of one call. All attempts but the last fail."""

    attempts_s: tuple[float, ...]
    archived: bool

    def own_s(self, base_s: float) -> float:
        """Return the seconds that the call takes alone: its attempts and the waits between them."""
        waits = base_s * (2 ** (len(self.attempts_s) - 1) - 1)
        return float(sum(self.attempts_s) + waits)


def ideal(fates: Sequence[Fate], *, slots: int, base_s: float) -> list[float]:
    """Return when each call is finished, in seconds after all calls ended.

    ``slots`` calls run at a time, in the order of ``fates``. A call that waits for its next
    attempt holds no slot. A call that is due again goes before a call that never ran.
    """
    over = [0.0] * len(fates)
    waiting = [(0.0, number, 0) for number in range(len(fates))]  # due, call, attempts so far
    heapq.heapify(waiting)
    free = [0.0] * slots  # when each slot is free again
    due: list[tuple[int, float, int]] = []  # sorted by attempts, then time: the longest wait first
    while waiting or due:
        now = free[0]
        # A slot is free, but no call is due yet: the time jumps to the next one.
        if not due and waiting[0][0] > now:
            now = waiting[0][0]
        while waiting and waiting[0][0] <= now:
            at, number, made = heapq.heappop(waiting)
            heapq.heappush(due, (-made, at, number))
        made, _, number = heapq.heappop(due)
        made = -made
        done = now + fates[number].attempts_s[made]
        heapq.heapreplace(free, done)
        if made + 1 < len(fates[number].attempts_s):
            heapq.heappush(waiting, (done + base_s * 2**made, number, made + 1))
        else:
            over[number] = done
    return over
