"""Samples the memory of a process, and computes its growth."""

from __future__ import annotations

import asyncio
from pathlib import Path

SAMPLES = 120
SHOWN = 12
# A shorter run proves nothing: buffers and caches are still filling.
JUDGED_FROM_S = 120.0


class MemoryLog:
    """Samples the resident memory. The first third of a run is warm-up."""

    def __init__(self, pid: int, *, seconds: float) -> None:
        self.mb: list[float] = []
        self._path = Path(f"/proc/{pid}/status")
        self._pause_s = max(0.1, seconds / SAMPLES)
        self._is_long = seconds >= JUDGED_FROM_S

    async def run(self) -> None:
        """Sample until cancelled, if the system has /proc."""
        while self._path.exists():
            self.mb.append(self._resident_mb())
            await asyncio.sleep(self._pause_s)

    def _resident_mb(self) -> float:
        lines = self._path.read_text().splitlines()
        found = next(line for line in lines if line.startswith("VmRSS:"))
        return round(int(found.split()[1]) / 1024, 1)

    @property
    def shown(self) -> list[float]:
        """Return a few evenly spaced samples, including the last."""
        step = max(1, len(self.mb) // SHOWN)
        return self.mb[::-step][::-1]

    @property
    def growth_percent(self) -> float | None:
        """Return the growth of the peak from the middle third to the last. None if too short."""
        third = len(self.mb) // 3
        if not (self._is_long and third):
            return None
        # Peaks, because a single sample may fall before or after a garbage collection.
        return round((max(self.mb[-third:]) / max(self.mb[third:-third]) - 1) * 100, 1)
