"""Opens the pages of live calls in Chromium, and records when words appear in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.pages.opening import browser

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Records when the words of each turn first reached each end time, by the clock of this machine.
WATCH = """
window.bench = {seen: {}, partial: 0};
const note = () => {
  for (const turn of document.querySelectorAll("#live-words > [data-key]")) {
    if (turn.dataset.key.startsWith("p")) { bench.partial += 1; continue; }
    if (!turn.dataset.end || !turn.querySelector(".turn__text")?.textContent.trim()) continue;
    bench.seen[`${turn.dataset.key} ${turn.dataset.end}`] ??= Date.now();
  }
};
document.addEventListener("DOMContentLoaded", () => {
  note();
  bench.seen = {};  // what the server rendered
  new MutationObserver(note).observe(document.getElementById("main"), {
    subtree: true, childList: true, characterData: true, attributes: true,
    attributeFilter: ["data-end"],
  });
});
"""


class OpenPages:
    """The pages of several calls."""

    def __init__(self, first: Page) -> None:
        self._first = first
        self._pages: dict[str, Page] = {}

    def open(self, call_ids: Sequence[str]) -> None:
        for call_id in call_ids:
            page = self._first.context.new_page()
            page.add_init_script(WATCH)
            page.goto(f"/supervisor/calls/{call_id}/")
            self._pages[call_id] = page

    def wait(self, seconds: float) -> None:
        """Let the pages work. Playwright handles its events only while it waits."""
        self._first.wait_for_timeout(seconds * 1000)

    def appeared(self, call_id: str) -> list[tuple[int, float]]:
        """Return the end of each utterance in ms of the call, and when its words appeared, in
        seconds since the epoch.
        """
        seen: dict[str, Any] = self._pages[call_id].evaluate("bench.seen")
        return sorted((int(key.split()[1]), at / 1000) for key, at in seen.items())

    def screenshot(self, call_id: str, path: str) -> None:
        self._pages[call_id].screenshot(path=path)


@contextmanager
def open_pages(address: str, name: str, password: str) -> Iterator[OpenPages]:
    with browser(address, name, password) as page:
        page.goto("/supervisor/")
        yield OpenPages(page)
