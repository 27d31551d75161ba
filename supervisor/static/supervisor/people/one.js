// The page of one agent or queue: charts by day, and everything fetched again when something happened.

import { openFeed } from "../feed.js";
import { startClocks } from "../times.js";
import { Idiomorph } from "../vendor/idiomorph.esm.js";
import { drawDays } from "./charts.js";
import { startRefetching } from "./refetch.js";

const TELLING = new Set(["state_change", "call_described", "live_sentiment", "call_deleted", "speakers_swapped"]);
// The charts stay; they get new data.
const callbacks = { beforeNodeMorphed: (old) => !(old.dataset && "keep" in old.dataset) };

startClocks();
drawDays();
const feed = openFeed();
// The figures of many days cost more than those of today.
const pauseMs = Number(document.getElementById("main").dataset.pause) * 1000;
const fetchSoon = startRefetching(feed, show, { batchMs: 500, pauseMs, retryMs: 5000 });
feed.addEventListener("change", ({ detail: { type } }) => (TELLING.has(type) || type.startsWith("alert_")) && fetchSoon());

function show(page) {
  for (const id of ["now", "body"]) {
    Idiomorph.morph(document.getElementById(id), page.getElementById(id), { callbacks });
  }
  drawDays();
}
