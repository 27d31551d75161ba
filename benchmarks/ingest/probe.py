"""Measures from outside when audio is visible in the database, and the server's memory.

It uses the monotonic clock of the machine, which all processes share.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.ingest.carriers import FRAME_BYTES, TRACKS
from benchmarks.rig.databases import Database
from benchmarks.rig.load import percentile

POLL_S = 0.05
MEMORY_EVERY_S = 0.25
PAGE_BYTES = 4096


class Probe:
    """Polls 20 times a second, so a latency may be up to 50 ms too long, but never too short."""

    def __init__(self, database: Database, pid: int) -> None:
        self._database = database
        self._pid = pid
        self._over = threading.Event()
        self._last = max((row[0] for row in database.packets_after(0)), default=0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        # For each call and track: (time, number of frames stored by then).
        self.seen: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
        self.memory: list[tuple[float, float]] = []  # (when, MiB)

    def __enter__(self) -> Probe:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _run(self) -> None:
        while not self._over.wait(POLL_S):
            self._look()

    def _look(self) -> None:
        # A new connection each time sees what is committed, nothing else.
        rows = self._database.packets_after(self._last)
        now = time.monotonic()
        for pk, call_id, track, size in rows:
            self._last = pk
            marks = self.seen[call_id, track]
            marks.append((now, (marks[-1][1] if marks else 0) + frames_of(size)))
        if not self.memory or now - self.memory[-1][0] >= MEMORY_EVERY_S:
            self.memory.append((now, resident_mib(self._pid)))

    def memory_growth(self, begin: float, end: float) -> tuple[float, float]:
        """Return the MiB at the end, and the growth after the first third as a fraction."""
        early = [size for at, size in self.memory if begin <= at <= begin + (end - begin) / 3]
        late = [size for at, size in self.memory if begin + (end - begin) / 3 < at <= end]
        if not (early and late):
            return 0.0, 0.0
        return late[-1], max(late) / max(early) - 1


def frames_of(base64_size: int) -> int:
    """Return the number of frames in a packet of this size. Every frame of a run is full."""
    frames, rest = divmod(base64_size // 4 * 3, FRAME_BYTES)
    return frames + (rest > FRAME_BYTES - 3)  # padding may hide 2 bytes


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process in MiB, or 0 without /proc."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * PAGE_BYTES / 2**20


def latencies_of(sent_at: Mapping[str, Sequence[float]], probe: Probe) -> dict[str, Any]:
    """Pair each frame with the time when it was first seen in the database."""
    latencies: list[float] = []
    for call_id, times in sent_at.items():
        for track in TRACKS:
            at = 0
            for seen_at, frames in probe.seen[call_id, track.decode()]:
                latencies += [seen_at - sent for sent in times[at:frames]]
                at = frames
    latencies.sort()
    return {
        "p50_ms": percentile(latencies, 50) * 1000,
        "p99_ms": percentile(latencies, 99) * 1000,
        "max_ms": percentile(latencies, 100) * 1000,
        "rows": len(latencies),
    }
