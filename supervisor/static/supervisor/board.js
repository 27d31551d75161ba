// The wallboard: rows that change are fetched together and merged into the page.

import { followHistory, mountHistory } from "./board_chart.js";
import { showFigures } from "./board_figures.js";
import { startKeys } from "./board_keys.js";
import { fetchPart, openFeed } from "./feed.js";
import { localise, startClocks } from "./times.js";
import { Idiomorph } from "./vendor/idiomorph.esm.js";

const BATCH_MS = 300;
const PAGE_MS = 1500;
const RETRY_MS = 2000;
const PAGE_SIZE = 50;
const MANY = 40;
const ADDRESS_LENGTH = 6000;

const main = document.getElementById("main");
const body = document.getElementById("rows");
const notice = document.getElementById("notice");
const wanted = new URLSearchParams(location.search);
const isFirstPage = !wanted.has("before") && !wanted.has("page");
const isNewestFirst = main.dataset.sort === "-opened";
const isFiltered = ["state", "q", "queue", "agent", "alert", "tag"].some((name) => wanted.get(name));
const keep = { beforeNodeMorphed: (old) => !(old.dataset && "keep" in old.dataset) };

const changed = new Set();
let isPageDue = false;
let timer = 0;
let counters = new Map();

startClocks();
startKeys(body);
mountHistory(main);
const feed = openFeed();
feed.addEventListener("change", ({ detail }) => note(detail));
feed.addEventListener("counters", ({ detail }) => gather(detail));
feed.addEventListener("figures", ({ detail }) => showFigures(detail));
feed.addEventListener("refetch", refetch);
followHistory(main, feed);
main.addEventListener("history", ({ detail }) => showHistory(detail));

// What changed -------------------------------------------------------------------------------------

function note(event) {
  if (event.type === "call_deleted") rowOf(event.data.deleted)?.remove();
  if (!event.call_id || event.type === "gap_detected") return; // gaps come with the counters
  if (rowOf(event.call_id)) changed.add(event.call_id);
  else if (!mayEnter(event)) return;
  else if (isNewestFirst) changed.add(event.call_id);
  else isPageDue = true; // only the server knows its place
  schedule();
}

// A call that is not here may be new, or fit the filter only now.
function mayEnter(event) {
  const isNew = event.type === "state_change" && event.data.previous === null;
  return isFiltered || (isNew ? isFirstPage : !isNewestFirst);
}

// A flood of changes costs one page for each PAGE_MS, however many there are.
function schedule() {
  isPageDue ||= changed.size > MANY;
  timer ||= setTimeout(update, isPageDue ? PAGE_MS : BATCH_MS);
}

function rowOf(callId) {
  return document.getElementById(`call-${callId}`);
}

// Fetched and merged -------------------------------------------------------------------------------

async function update() {
  let wait = 0;
  try {
    await (isPageDue ? fetchPage() : fetchRows());
    notice.hidden = true;
  } catch (error) {
    notice.textContent = `The newest changes could not be loaded (${error.message}). Trying again.`;
    notice.hidden = feed.status !== "live";
    wait = RETRY_MS;
  }
  timer = 0;
  if (changed.size || isPageDue) timer = setTimeout(update, wait || (isPageDue ? PAGE_MS : BATCH_MS));
}

function takeBatch() {
  const batch = [];
  let length = 0;
  for (const id of changed) {
    length += encodeURIComponent(id).length + 4;
    if (length > ADDRESS_LENGTH) break;
    batch.push(id);
  }
  batch.forEach((id) => changed.delete(id));
  return batch;
}

async function fetchRows() {
  const batch = takeBatch();
  const query = new URLSearchParams(wanted);
  query.delete("id");
  batch.forEach((id) => query.append("id", id));
  try {
    const part = await fetchPart(`${main.dataset.rows}?${query}`, feed);
    if (part) mergeRows(batch, part);
  } catch (error) {
    batch.forEach((id) => changed.add(id));
    throw error;
  }
}

async function fetchPage() {
  isPageDue = false;
  const noted = [...changed];
  changed.clear();
  try {
    const part = await fetchPart(`${main.dataset.rows}?${wanted}`, feed);
    if (part) mergePage(part, ["rows", "pages"]);
  } catch (error) {
    isPageDue = true;
    noted.forEach((id) => changed.add(id));
    throw error;
  }
}

async function refetch() {
  changed.clear();
  try {
    const page = await fetchPart(location.href, feed);
    if (!page) return;
    mergePage(page, ["figures", "rows", "empty", "pages"]);
    showHistory(page);
  } catch {
    setTimeout(refetch, RETRY_MS);
  }
}

function showHistory(part) {
  mergePage(part, ["history"]);
  mountHistory(main);
}

function mergePage(part, names) {
  localise(part);
  for (const id of names) {
    Idiomorph.morph(document.getElementById(id), part.getElementById(id), {
      callbacks: keep,
    });
  }
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
  Idiomorph.morph(old, row, { callbacks: keep });
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

// Counters -----------------------------------------------------------------------------------------

// Several samples may come before the browser paints; the last one of each call counts.
function gather(calls) {
  if (!counters.size) requestAnimationFrame(count);
  for (const call of calls) counters.set(call.call_id, call);
}

function count() {
  const known = counters;
  counters = new Map();
  for (const row of body.children) {
    const call = known.get(row.dataset.call);
    if (call) patch(row, call);
  }
}

function patch(row, call) {
  for (const cell of row.querySelectorAll("[data-count]")) {
    write(cell, call[cell.dataset.count].toLocaleString("en-US"));
  }
  for (const cell of row.querySelectorAll("[data-zero]")) {
    cell.classList.toggle("is-zero", call[cell.dataset.zero] === 0);
  }
  const loss = row.querySelector("[data-loss]");
  if (loss) write(loss, lossText(call));
}

function lossText({ packet_count, missing_count }) {
  const expected = packet_count + missing_count;
  return expected ? brief((100 * missing_count) / expected) : "0";
}

function brief(number) {
  return String(Number(number.toFixed(number >= 10 ? 1 : 2)));
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
