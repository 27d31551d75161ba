// The page of one agent or queue: charts by day, and everything fetched again when something happened.

import { fetchPart, openFeed } from "../feed.js";
import { localise, startClocks } from "../times.js";
import { Idiomorph } from "../vendor/idiomorph.esm.js";
import { drawDays } from "./charts.js";

const BATCH_MS = 500;
const PAUSE_MS = 10_000; // the figures of many days cost more than those of today
const RETRY_MS = 5000;
const TELLING = new Set(["state_change", "call_described", "live_sentiment", "call_deleted", "speakers_swapped"]);
// The charts stay; they get new data.
const callbacks = { beforeNodeMorphed: (old) => !(old.dataset && "keep" in old.dataset) };

const notice = document.getElementById("notice");
let timer = 0;
let fetchedAt = Date.now();

startClocks();
drawDays();
const feed = openFeed();
feed.addEventListener("change", ({ detail: { type } }) => (TELLING.has(type) || type.startsWith("alert_")) && fetchSoon());
feed.addEventListener("refetch", () => fetchSoon());

function fetchSoon(wait = Math.max(BATCH_MS, fetchedAt + PAUSE_MS - Date.now())) {
  timer ||= setTimeout(fetchPage, wait);
}

async function fetchPage() {
  timer = 0;
  fetchedAt = Date.now();
  if (document.hidden) return document.addEventListener("visibilitychange", () => fetchSoon(0), { once: true });
  try {
    const page = await fetchPart(location.href, feed);
    if (!page) return;
    localise(page);
    for (const id of ["now", "body"]) {
      Idiomorph.morph(document.getElementById(id), page.getElementById(id), { callbacks });
    }
    drawDays();
    notice.hidden = true;
  } catch (error) {
    notice.textContent = `Could not load the latest figures (${error.message}). Trying again.`;
    notice.hidden = feed.status !== "live";
    fetchSoon(RETRY_MS);
  }
}
