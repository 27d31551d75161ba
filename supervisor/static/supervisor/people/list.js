// The lists of agents and queues: fetched again when something happened, and merged row by row.

import { isHeld, showWaiting, startHold } from "../board/hold.js";
import { openFeed } from "../feed.js";
import { startFilter } from "../filter_form.js";
import { startClocks } from "../times.js";
import { Idiomorph } from "../vendor/idiomorph.esm.js";
import { startRefetching } from "./refetch.js";

const IDLE_MS = 60_000; // for changes without an event: a day that begins, a call that was described again
const SKIPPED = new Set(["gap_detected", "late_packets", "analysis_attempt", "listening_started", "listening_ended"]);

const body = document.getElementById("rows");

startClocks();
startFilter(document.getElementById("filter"));
const feed = openFeed();
// A busy floor costs one request per pause.
const fetchSoon = startRefetching(feed, merge, { batchMs: 300, pauseMs: 2500, retryMs: 3000 });
startHold(() => fetchSoon(0));
feed.addEventListener("change", ({ detail }) => SKIPPED.has(detail.type) || fetchSoon());
setInterval(() => fetchSoon(), IDLE_MS);

function merge(page) {
  for (const id of ["sum", "none", "pages"]) {
    Idiomorph.morph(document.getElementById(id), page.getElementById(id));
  }
  const fresh = [...page.getElementById("rows").children];
  const old = new Map([...body.children].map((row) => [row.dataset.name, row]));
  // Under the pointer, rows change in place but do not move, so that a click hits its row.
  const isFixed = isHeld();
  for (const row of fresh) {
    const known = old.get(row.dataset.name);
    if (known && !known.isEqualNode(row)) Idiomorph.morph(known, row);
  }
  const isMoved = fresh.length !== old.size || fresh.some((row, at) => body.children[at]?.dataset.name !== row.dataset.name);
  if (isMoved && !isFixed) arrange(fresh, old);
  showWaiting(isMoved && isFixed ? 1 : 0, false);
}

function arrange(fresh, old) {
  const focused = document.activeElement?.closest("#rows > tr")?.dataset.name;
  body.replaceChildren(...fresh.map((row) => old.get(row.dataset.name) ?? row));
  // A node that was moved has lost the focus.
  if (focused !== undefined) old.get(focused)?.querySelector("a")?.focus({ preventScroll: true });
}
