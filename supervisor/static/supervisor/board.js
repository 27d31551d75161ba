// The wallboard: rows that change are fetched together and merged into the page.

import { fetchPart, openFeed } from "./feed.js";
import { localise, startClocks } from "./times.js";
import { Spark } from "./spark.js";
import { Idiomorph } from "./vendor/idiomorph.esm.js";

const BATCH_MS = 250;
const FIGURES_MS = 1000;
const RETRY_MS = 2000;
const PAGE_SIZE = 50;
const TOO_MANY = 300;
const ADDRESS_LENGTH = 6000;
const IDS_AT_ONCE = 100;

const main = document.getElementById("main");
const body = document.getElementById("rows");
const notice = document.getElementById("notice");
const wanted = new URLSearchParams(location.search);
const isFirstPage = !wanted.has("before");
const isFiltered = Boolean(wanted.get("state") || wanted.get("q"));
const keep = { beforeNodeMorphed: (old) => !(old.dataset && "keep" in old.dataset) };

const changed = new Set();
let rowsTimer = 0;
let figuresTimer = 0;

startClocks();
const spark = new Spark(document.getElementById("spark"));
const feed = openFeed();
feed.addEventListener("change", ({ detail }) => note(detail));
feed.addEventListener("counters", ({ detail }) => count(detail));
feed.addEventListener("refetch", refetch);

function note(event) {
  if (event.type === "call_deleted") rowOf(event.data.deleted)?.remove();
  if (event.call_id && concerns(event)) {
    changed.add(event.call_id);
    rowsTimer ||= setTimeout(fetchRows, BATCH_MS);
  }
  if (event.type === "state_change" || event.type === "analysis_attempt") fetchFiguresSoon();
}

// Gaps come with the counters. A call that is not here may be new, or fit the filter only now.
function concerns(event) {
  if (event.type === "gap_detected") return false;
  if (rowOf(event.call_id)) return true;
  const isNew = event.type === "state_change" && event.data.previous === null;
  return isNew ? isFirstPage : isFiltered;
}

function rowOf(callId) {
  return document.getElementById(`call-${callId}`);
}

function takeBatch() {
  const batch = [];
  let length = 0;
  for (const id of changed) {
    length += encodeURIComponent(id).length + 4;
    if (batch.length === IDS_AT_ONCE || length > ADDRESS_LENGTH) break;
    batch.push(id);
  }
  batch.forEach((id) => changed.delete(id));
  return batch;
}

async function fetchRows() {
  if (changed.size > TOO_MANY) return refetch();
  const batch = takeBatch();
  const query = new URLSearchParams(wanted);
  query.delete("id");
  batch.forEach((id) => query.append("id", id));
  await attempt(async () => {
    const part = await fetchPart(`${main.dataset.rows}?${query}`, feed);
    if (part) mergeRows(batch, part);
  }, () => batch.forEach((id) => changed.add(id)));
}

async function refetch() {
  changed.clear();
  await attempt(async () => {
    const page = await fetchPart(location.href, feed);
    if (!page) return;
    localise(page);
    for (const id of ["figures", "rows", "empty", "pages"]) {
      Idiomorph.morph(document.getElementById(id), page.getElementById(id), { callbacks: keep });
    }
  }, () => setTimeout(refetch, RETRY_MS));
}

async function attempt(work, undo) {
  let wait = BATCH_MS;
  try {
    await work();
    notice.hidden = true;
  } catch (error) {
    notice.textContent = `The newest changes could not be loaded (${error.message}). Trying again.`;
    notice.hidden = feed.status !== "live";
    wait = RETRY_MS;
    undo();
  }
  rowsTimer = changed.size ? setTimeout(fetchRows, wait) : 0;
}

function mergeRows(asked, part) {
  localise(part);
  const fresh = new Map([...part.querySelectorAll("tr")].map((row) => [row.dataset.call, row]));
  for (const id of asked) {
    const [old, row] = [rowOf(id), fresh.get(id)];
    if (old && row) replace(old, row);
    else if (row) insert(row);
    else old?.remove();
  }
  trim();
}

function replace(old, row) {
  const before = old.className;
  const now = row.className;
  Idiomorph.morph(old, row);
  if (!before.startsWith(now)) mark(rowOf(row.dataset.call) ?? old, "is-changed");
}

function insert(row) {
  const key = Number(row.dataset.pk);
  const next = [...body.children].find((other) => Number(other.dataset.pk) < key);
  if (!next && document.getElementById("older")) return; // it belongs to an older page
  body.insertBefore(row, next ?? null);
  mark(row, "is-new");
}

function mark(row, name) {
  row.classList.remove("is-new", "is-changed");
  row.classList.add(name);
  row.addEventListener("animationend", () => row.classList.remove(name), { once: true });
}

function trim() {
  if (body.children.length <= PAGE_SIZE) return;
  while (body.children.length > PAGE_SIZE) body.lastElementChild.remove();
  const query = new URLSearchParams(wanted);
  query.set("before", body.lastElementChild.dataset.pk);
  olderLink().href = `?${query}`;
}

function olderLink() {
  const known = document.getElementById("older");
  if (known) return known;
  const link = Object.assign(document.createElement("a"), {
    id: "older", className: "button", textContent: "Older calls",
  });
  document.getElementById("pages").append(link);
  return link;
}

function count(calls) {
  spark.add(calls);
  for (const call of calls) {
    const row = rowOf(call.call_id);
    if (!row) continue;
    for (const cell of row.querySelectorAll("[data-count]")) {
      const value = call[cell.dataset.count];
      cell.textContent = value.toLocaleString("en-US");
      cell.closest(".lack")?.classList.toggle("is-zero", value === 0);
    }
  }
  fetchFiguresSoon(5 * FIGURES_MS);
}

function fetchFiguresSoon(wait = FIGURES_MS) {
  figuresTimer ||= setTimeout(fetchFigures, wait);
}

async function fetchFigures() {
  try {
    const part = await fetchPart(main.dataset.figures, feed);
    const figures = part?.getElementById("figures");
    if (figures) Idiomorph.morph(document.getElementById("figures"), figures, { callbacks: keep });
  } catch {
    // the next change asks again
  }
  figuresTimer = 0;
}
