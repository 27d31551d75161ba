"""Packets per second, from the counters of live calls as the feed samples them."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Iterable

OVER_S = 10.0
CALLS_LIMIT = 20_000


class Pace:
    """The mean of the last OVER_S seconds."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._steps: deque[tuple[float, int]] = deque()

    def add(self, counters: Iterable[tuple[str, int, bool]], now: float | None = None) -> None:
        """Take call id and packet count, and whether the call was opened since the last time."""
        arrived = sum(self._grown(*counter) for counter in counters)
        self._steps.append((time.monotonic() if now is None else now, arrived))

    def _grown(self, call_id: str, count: int, is_new: bool) -> int:
        before = self._counts.pop(call_id, 0 if is_new else count)
        self._counts[call_id] = count
        if len(self._counts) > CALLS_LIMIT:
            self._counts.popitem(last=False)
        return max(0, count - before)

    @property
    def per_s(self) -> float | None:
        """None before there is something to compare."""
        while len(self._steps) > 1 and self._steps[-1][0] - self._steps[0][0] > OVER_S:
            self._steps.popleft()
        if len(self._steps) < 2:
            return None
        # The first step only says when counting began.
        arrived = sum(count for _, count in list(self._steps)[1:])
        return round(arrived / (self._steps[-1][0] - self._steps[0][0]), 1)
