"""Which figures of a queue are amber or red. Pure, apart from reading the limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from calls.models import QueueThreshold
from supervisor.wall.floor import QueueFigures

CALM, AMBER, RED = "", "amber", "red"
WORDS = {CALM: "", AMBER: "Watch", RED: "Act now"}
_ORDER = (CALM, AMBER, RED)
MINUTE_S = 60
# One negative call among two says little about a queue.
SHARE_FROM = 5


def _longest_min(queue: QueueFigures, now: datetime) -> float:
    return (now - queue.oldest_at).total_seconds() / MINUTE_S if queue.oldest_at else 0.0


def _negative_share(queue: QueueFigures, now: datetime) -> float:
    return queue.negative_share if queue.live >= SHARE_FROM else 0


_VALUES: dict[str, Callable[[QueueFigures, datetime], float]] = {
    "longest": _longest_min,
    "negative": lambda queue, _: queue.negative,
    "negative_share": _negative_share,
    "alerts": lambda queue, _: queue.alerts,
    "waiting": lambda queue, _: queue.waiting,
}


@dataclass(frozen=True)
class Levels:
    """The level of each figure of a queue."""

    longest: str = CALM
    negative: str = CALM
    alerts: str = CALM
    waiting: str = CALM

    @property
    def worst(self) -> str:
        return worst((self.longest, self.negative, self.alerts, self.waiting))


@dataclass(frozen=True)
class Thresholds:
    """The limits of all queues, by queue and measure."""

    rows: Mapping[str, QueueThreshold] = field(default_factory=dict)

    def level(self, queue: str, measure: str, value: float) -> str:
        amber, red = self._limits(queue, measure)
        if red is not None and value >= red:
            return RED
        return AMBER if amber is not None and value >= amber else CALM

    def levels(self, queue: QueueFigures, now: datetime) -> Levels:
        found = {
            measure: self.level(queue.queue, measure, value(queue, now))
            for measure, value in _VALUES.items()
        }
        share = found.pop("negative_share")
        return Levels(**{**found, "negative": worst((found["negative"], share))})

    def of_call(self, queue: str, opened_at: datetime, now: datetime) -> str:
        """Return the level of the duration of one live call."""
        return self.level(queue, "longest", (now - opened_at).total_seconds() / MINUTE_S)

    def _limits(self, queue: str, measure: str) -> tuple[int | None, int | None]:
        for name in (queue, ""):
            row = self.rows.get(name)
            limits = row.limits(measure) if row else (None, None)
            # As a pair: an amber of the queue and a red of the default need not fit together.
            if limits != (None, None):
                return limits
        return None, None


def worst(levels: Iterable[str]) -> str:
    return max(levels, key=_ORDER.index, default=CALM)


def read_thresholds() -> Thresholds:
    return Thresholds({row.queue: row for row in QueueThreshold.objects.all()})
