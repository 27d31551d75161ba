"""Compares a live wallboard with a freshly opened one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_S = 30.0
# Clocks and the highlights of recent changes are not part of the state.
READ = """() => [...document.querySelectorAll("#rows > tr")].map((row) => {
  const copy = row.cloneNode(true);
  copy.classList.remove("is-new", "is-changed");
  for (const clock of copy.querySelectorAll("[data-since], [data-until]")) clock.textContent = "";
  return copy.outerHTML.replace(/\\s+/g, " ");
})"""


def read_rows(page: Page) -> list[str]:
    rows: list[str] = page.evaluate(READ)
    return rows


def find_differences(page: Page, patience_s: float = PATIENCE_S) -> list[str]:
    """Compare with a fresh page at the same address until both agree or the time is over.

    Return the rows that only one of them has. Close the fresh page.
    """
    fresh = page.context.new_page()
    try:
        deadline = time.monotonic() + patience_s
        while True:
            # Again each time: a live page may be some seconds behind.
            fresh.goto(page.url)
            wanted, shown = read_rows(fresh), read_rows(page)
            if wanted == shown:
                return []
            if time.monotonic() > deadline:
                return _differences(wanted, shown)
            page.wait_for_timeout(500)
    finally:
        fresh.close()


def _differences(wanted: list[str], shown: list[str]) -> list[str]:
    odd = [f"only on a fresh page: {row}" for row in wanted if row not in shown]
    odd += [f"only on the old page: {row}" for row in shown if row not in wanted]
    return odd or ["the same rows in a different order"]
