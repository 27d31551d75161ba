"""The task of a client process, and its report, both as JSON."""

from __future__ import annotations

import time
from array import array
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Load:
    """Times in seconds. ``packets`` is the number in one request or WebSocket frame."""

    kind: str = "http"  # or "websocket" or "carrier"
    port: int = 0
    key: str = ""
    prefix: str = ""
    connections: int = 32
    calls: int = 64
    packets: int = 1
    window: int = 200
    warm_up: float = 1.0
    seconds: float = 8.0
    until_told: bool = False  # continue after ``seconds`` until standard input is closed


@dataclass
class Tally:
    """Counts acknowledged packets. Rates and latencies exclude the warm-up."""

    load: Load
    begin: float = field(init=False)
    end: float = field(init=False)
    acknowledged: int = 0
    measured_packets: int = 0
    measured_requests: int = 0
    errors: int = 0
    reconnections: int = 0
    told: bool = False
    latencies: array[float] = field(default_factory=lambda: array("d"))

    def __post_init__(self) -> None:
        self.begin = time.perf_counter() + self.load.warm_up
        self.end = self.begin + self.load.seconds

    def acknowledge(self, sent_at: float, now: float, packets: int) -> None:
        self.acknowledged += packets
        # The rate counts exactly these seconds. Later responses only finish the connections.
        if self.begin <= now <= self.end:
            self.measured_packets += packets
            self.measured_requests += 1
            self.latencies.append(now - sent_at)

    def is_over(self, now: float) -> bool:
        return self.told if self.load.until_told else now >= self.end

    def summary(self) -> dict[str, Any]:
        latencies = sorted(self.latencies)
        return {
            "requests_per_s": self.measured_requests / self.load.seconds,
            "packets_per_s": self.measured_packets / self.load.seconds,
            "p50_ms": percentile(latencies, 50) * 1000,
            "p99_ms": percentile(latencies, 99) * 1000,
            "max_ms": percentile(latencies, 100) * 1000,
            "acknowledged": self.acknowledged,
            "errors": self.errors,
            "reconnections": self.reconnections,
        }


def percentile(ascending: list[float], percent: float) -> float:
    """Return the nearest-rank percentile, or 0 if there are no values."""
    if not ascending:
        return 0.0
    rank = -(-len(ascending) * percent // 100)
    return ascending[max(0, int(rank) - 1)]
