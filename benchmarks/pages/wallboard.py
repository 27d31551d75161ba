"""Opens the wallboard in Chromium, and measures the browser's load while it changes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, CDPSession, Page

PATIENCE_S = 30.0
WATCH = """
window.bench = {paint: 0, shift: 0, shifts: [], longest: 0, longTasks: 0};
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) {
    if (one.hadRecentInput) continue;
    bench.shift += one.value;
    const names = one.sources.map(({ node }) => node?.className || node?.id || node?.nodeName);
    if (bench.shifts.length < 20) bench.shifts.push([Math.round(one.startTime), one.value, names]);
  }
}).observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) {
    bench.longTasks += 1;
    bench.longest = Math.max(bench.longest, task.duration);
  }
}).observe({type: "longtask", buffered: true});
"""
READ_OPENING = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return {
    first_byte_ms: page.responseStart, first_paint_ms: paint?.startTime ?? 0,
    loaded_ms: page.domContentLoadedEventEnd, kilobytes: page.decodedBodySize / 1024,
    nodes: document.querySelectorAll("*").length,
  };
}"""


class TooSlow(Exception):
    """The page did not become live or did not paint in time."""


@dataclass(frozen=True)
class Opening:
    """Milliseconds from the start of the navigation. The last two are sizes."""

    first_byte_ms: float
    first_paint_ms: float
    loaded_ms: float
    kilobytes: float
    nodes: float


@dataclass
class Watching:
    """The measurements of one page. Shares are of the time between two samples."""

    view: str
    busy: list[float] = field(default_factory=list)
    script: list[float] = field(default_factory=list)
    heap_mb: list[float] = field(default_factory=list)
    nodes: list[float] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0
    layout_shift: float = 0.0
    shifts: list[Any] = field(default_factory=list)
    long_tasks: int = 0
    longest_task_ms: float = 0.0
    differences: list[str] = field(default_factory=list)

    @property
    def busy_share(self) -> float:
        return sum(self.busy) / max(len(self.busy), 1)

    @property
    def shift_a_minute(self) -> float:
        """Return the layout shift per minute, because the sum grows with the length of the run."""
        return self.layout_shift / max(1.0, self.seconds / 60)

    @property
    def heap_growth(self) -> float:
        return growth(self.heap_mb)

    @property
    def node_growth(self) -> float:
        return growth(self.nodes)


def growth(values: list[float]) -> float:
    """Return the growth from the first third's median to the last third's, as a fraction."""
    third = len(values) // 3
    if not third:
        return 0.0
    before = median(values[:third])
    return (median(values[-third:]) - before) / before if before else 0.0


def open_board(context: BrowserContext, view: str) -> tuple[Page, Opening]:
    """Open the wallboard in a new page, and wait until it is live."""
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(f"/supervisor/{view}")
    wait_for(page, 'document.getElementById("feed").dataset.feed === "live"')
    wait_for(page, 'performance.getEntriesByName("first-contentful-paint").length')
    return page, Opening(**page.evaluate(READ_OPENING))


def wait_for(page: Page, condition: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for a condition. Playwright's wait needs eval, which the page's CSP forbids."""
    deadline = time.monotonic() + patience_s
    while not page.evaluate(f"Boolean({condition})"):
        if time.monotonic() > deadline:
            raise TooSlow(f"Not true after {patience_s:g} s: {condition}")
        page.wait_for_timeout(50)


class Cpu:
    """Measures the share of a core that a process uses from now on."""

    def __init__(self, pid: int) -> None:
        import psutil

        self._process = psutil.Process(pid)
        self._began, self._used = time.monotonic(), self._sum()

    def _sum(self) -> float:
        user, system = self._process.cpu_times()[:2]
        return float(user + system)

    def share(self) -> float:
        return (self._sum() - self._used) / (time.monotonic() - self._began)


class Watcher:
    """Samples the load of one page's main thread, and its memory after a garbage collection."""

    def __init__(self, page: Page, view: str) -> None:
        self.seen = Watching(view)
        self._page = page
        self._protocol: CDPSession = page.context.new_cdp_session(page)
        self._protocol.send("Performance.enable", {"timeDomain": "timeTicks"})
        self._protocol.send("HeapProfiler.enable")
        page.on("request", self._count)
        self._before = self._metrics()
        self._begin = time.monotonic()

    def _count(self, request: Any) -> None:
        self.seen.requests += request.resource_type == "fetch"

    def _metrics(self) -> dict[str, float]:
        answer = self._protocol.send("Performance.getMetrics")
        return {one["name"]: one["value"] for one in answer["metrics"]}

    def sample(self) -> None:
        now, before = self._metrics(), self._before
        took = now["Timestamp"] - before["Timestamp"]
        self.seen.busy.append((now["TaskDuration"] - before["TaskDuration"]) / took)
        self.seen.script.append((now["ScriptDuration"] - before["ScriptDuration"]) / took)
        # Otherwise the heap would show when the collector last ran. `busy` is read before it.
        self._protocol.send("HeapProfiler.collectGarbage")
        self._before = kept = self._metrics()
        self.seen.heap_mb.append(kept["JSHeapUsedSize"] / 2**20)
        self.seen.nodes.append(kept["Nodes"])

    def finish(self) -> Watching:
        told = self._page.evaluate("window.bench")
        self.seen.seconds = time.monotonic() - self._begin
        self.seen.layout_shift, self.seen.shifts = told["shift"], told["shifts"]
        self.seen.long_tasks, self.seen.longest_task_ms = told["longTasks"], told["longest"]
        return self.seen
