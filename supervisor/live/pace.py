"""Packets per second, computed from the sampled counters of live calls."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Iterable

OVER_S = 10.0
CALLS_LIMIT = 20_000


class FeedPace:
    """The mean rate over the last OVER_S seconds. Remembers CALLS_LIMIT calls at most."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._steps: deque[tuple[float, int]] = deque()

    def add(self, counters: Iterable[tuple[str, int, bool]], now: float | None = None) -> None:
        """Add a sample: call id, packet count, and whether the call is new in this sample."""
        arrived = sum(self._grown(*counter) for counter in counters)
        self._steps.append((time.monotonic() if now is None else now, arrived))

    def _grown(self, call_id: str, count: int, is_new: bool) -> int:
        # All packets of a new call are new. An older call that was not seen before counts from now
        # on, because nobody knows when its packets arrived. `pop` keeps the dict in order of use.
        before = self._counts.pop(call_id, 0 if is_new else count)
        self._counts[call_id] = count
        if len(self._counts) > CALLS_LIMIT:
            self._counts.popitem(last=False)
        return max(0, count - before)

    @property
    def per_s(self) -> float | None:
        """None until there are two samples to compare."""
        while len(self._steps) > 1 and self._steps[-1][0] - self._steps[0][0] > OVER_S:
            self._steps.popleft()
        if len(self._steps) < 2:
            return None
        # The first step only marks the start of the interval; its packets arrived before it.
        arrived = sum(count for _, count in list(self._steps)[1:])
        return round(arrived / (self._steps[-1][0] - self._steps[0][0]), 1)
