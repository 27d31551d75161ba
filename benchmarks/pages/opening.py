"""Opens the call page in Chromium, and measures how long it takes by the browser's clock."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_S = 30.0
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    # Without a user, Chromium would not play any sound.
    "--autoplay-policy=no-user-gesture-required",
)
QUIET_MS = 500  # the main thread is idle after this time without a long task
WATCH = """
window.bench = {busyUntil: 0, busy: 0, waveAt: 0, mapAt: 0};
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) {
    bench.busy += task.duration;
    bench.busyUntil = Math.max(bench.busyUntil, task.startTime + task.duration);
  }
}).observe({type: "longtask", buffered: true});
new MutationObserver(() => {
  if (!bench.waveAt && document.querySelector(".has-wave")) bench.waveAt = performance.now();
  if (!bench.mapAt && document.querySelector(".lane__map")) bench.mapAt = performance.now();
}).observe(document, {
  subtree: true, childList: true, attributes: true, attributeFilter: ["class"],
});
"""
READ = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return {
    first_byte_ms: page.responseStart, first_paint_ms: paint?.startTime ?? 0,
    loaded_ms: page.domContentLoadedEventEnd, player_ms: bench.waveAt,
    idle_ms: bench.busyUntil, busy_ms: bench.busy, packet_map_ms: bench.mapAt,
    kilobytes: page.decodedBodySize / 1024,
    nodes: document.querySelectorAll("*").length,
  };
}"""


class BrowserMissing(Exception):
    """Playwright or Chromium is not installed."""


class TooSlow(Exception):
    """The page did not become idle in time."""


@dataclass(frozen=True)
class Opening:
    """Milliseconds from the start of the navigation, except for the last three."""

    first_byte_ms: float
    first_paint_ms: float
    loaded_ms: float
    player_ms: float
    idle_ms: float
    packet_map_ms: float
    busy_ms: float
    word_ms: float
    kilobytes: float
    nodes: float

    @property
    def interactive_ms(self) -> float:
        """Return when the page is rendered, the player is drawn, and the main thread is idle."""
        return max(self.loaded_ms, self.player_ms, self.idle_ms)


def middle(openings: list[Opening]) -> Opening:
    """Return the median of each figure."""
    rows = [asdict(one) for one in openings]
    return Opening(**{name: round(median(row[name] for row in rows), 1) for name in rows[0]})


@contextmanager
def browser(address: str, name: str, password: str) -> Iterator[Page]:
    """Open a browser page that is logged in."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise BrowserMissing("Install playwright (requirements-dev.txt).") from error
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise BrowserMissing("Install Chromium: it was not found on this machine.")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=list(OPTIONS))
        context = chromium.new_context(
            base_url=address, viewport={"width": 1440, "height": 900}
        )  # fmt: skip
        page = context.new_page()
        page.goto("/supervisor/login/")
        page.fill("[name=username]", name)
        page.fill("[name=password]", password)
        page.click("button[type=submit]")
        page.wait_for_url("**/supervisor/")
        # The init script applies to new pages only, and the login must not be measured.
        page.close()
        page = context.new_page()
        page.add_init_script(WATCH)
        yield page
        chromium.close()


def open_call(page: Page, path: str) -> Opening:
    page.goto("about:blank")
    page.goto(path)
    # The packet map is in a closed section, and is fetched once that is opened.
    page.evaluate("document.getElementById('technical').open = true")
    idle = f"bench.waveAt && bench.mapAt && performance.now() - bench.busyUntil > {QUIET_MS}"
    _wait(page, idle)
    figures = page.evaluate(READ)
    return Opening(**figures, word_ms=_hear_word(page))


def _wait(page: Page, condition: str) -> None:
    """Wait for a condition. Playwright's wait needs eval, which the page's CSP forbids."""
    deadline = time.monotonic() + PATIENCE_S
    while not page.evaluate(f"Boolean({condition})"):
        if time.monotonic() > deadline:
            raise TooSlow(f"Not true after {PATIENCE_S:g} s: {condition}")
        page.wait_for_timeout(50)


def _hear_word(page: Page) -> float:
    """Click on a word in the middle of the call, and wait until it is played and highlighted."""
    page.locator(".turn").nth(250).scroll_into_view_if_needed()
    page.evaluate(
        """() => {
          addEventListener("click", () => (bench.clickedAt = performance.now()), true);
          const look = () => {
            const isHeard = CSS.highlights.get("spoken-word").size && player.currentTime > 60 &&
              !player.paused && !player.seeking && player.readyState > 2;
            if (bench.clickedAt && isHeard) bench.heardAt = performance.now();
            else requestAnimationFrame(look);
          };
          look();
        }"""
    )
    page.locator(".turn__text").nth(250).click(position={"x": 60, "y": 10})
    _wait(page, "bench.heardAt")
    page.evaluate("player.pause()")
    return float(page.evaluate("bench.heardAt - bench.clickedAt"))
