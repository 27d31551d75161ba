// The wallboard: collects changes, fetches them together, and merges them into the page.

import { startSound } from "../alert_sound.js";
import { startAlerts } from "./alerts.js";
import { followHistory, mountHistory } from "./chart.js";
import { gather } from "./counters.js";
import { showFigures } from "./figures.js";
import { isHeld, showWaiting, startHold } from "./hold.js";
import { startBoardKeys } from "./keys.js";
import { startMenus } from "./menus.js";
import { startPicks } from "../picks.js";
import { body, mergeParts, rowOf, showRows, updateRows } from "./rows.js";
import { followAnalysisStatus } from "./analysis_status.js";
import { fetchPart, openFeed } from "../feed.js";
import { startFilter } from "../filter_form.js";
import { localise, startClocks } from "../times.js";

// Changes wait ROWS_MS for others. A whole page is fetched at most every PAGE_MS, however many come.
const ROWS_MS = 300;
const PAGE_MS = 1500;
// When more calls arrive at once than anyone can read, the list is fetched less often.
const FLOOD = 10;
const FLOOD_MS = 4000;
// Durations and counters change without an event, so an order by them must be fetched on a timer.
const DRIFT_MS = 5000;
const DRIFTING = ["duration", "packets", "loss"];
const RETRY_MS = 2000;
const LIVE = "IN_PROGRESS";
// The last words of live calls change without an event, so their rows are fetched on a timer.
const WORDS_MS = 3000;
// nginx refuses request lines of more than 8 KB by default.
const ADDRESS_LENGTH = 6000;

const main = document.getElementById("main");
const notice = document.getElementById("notice");
const wanted = new URLSearchParams(location.search);
const isFirstPage = !wanted.has("before") && !wanted.has("page");
const isLiveFirst = main.dataset.sort === "live";
const isNewestFirst = isLiveFirst || main.dataset.sort === "-opened";
const isFiltered = [
  "state", "q", "queue", "agent", "alert", "tag", "customer", "from", "to", "bulk", "mine",
].some((name) => wanted.get(name));

const changed = new Set(); // call ids of shown rows
let entering = 0; // events that may change which rows are shown, or their order
let arriving = 0; // those of them that are new calls
let isWholeDue = false; // the missed events are not in the log any more
let pageAt = 0;
let failedAt = 0;
let isUpdating = false;
let timer = 0;
let timerAt = 0;

startClocks();
startBoardKeys(body);
startFilter(document.getElementById("search"));
startFilter(document.getElementById("days-form"));
startMenus(main);
startPicks(body);
startHold(renewSoon);
mountHistory(main);
const feed = openFeed();
feed.addEventListener("change", ({ detail }) => note(detail));
feed.addEventListener("counters", ({ detail }) => gather(detail));
feed.addEventListener("figures", ({ detail }) => showFigures(detail));
feed.addEventListener("refetch", () => {
  isWholeDue = true;
  schedule();
});
followHistory(main, feed);
followAnalysisStatus(main, feed);
startSound(feed);
startAlerts(body, feed);
setInterval(renewWords, WORDS_MS);
if (DRIFTING.includes(main.dataset.sort.replace("-", ""))) setInterval(drift, DRIFT_MS);
main.addEventListener("history", ({ detail }) => showHistory(detail));

// What changed -------------------------------------------------------------------------------------

function note(event) {
  if (event.type === "call_deleted" && rowOf(event.data.deleted)) {
    rowOf(event.data.deleted).remove();
    entering += 1; // another row fills the gap; a late response may also still contain this call
    return schedule();
  }
  if (!event.call_id || event.type === "gap_detected") return; // the counters show gaps
  const isShown = Boolean(rowOf(event.call_id));
  if (isShown) changed.add(event.call_id);
  if (mayMove(event, isShown)) {
    entering += 1;
    if (isNew(event)) arriving += 1;
  }
  schedule();
}

// Whether an event may change the list. Only the server knows the order and what matches the filter.
function mayMove(event, isShown) {
  if (!isNewestFirst) return true;
  // A call that is no longer live moves below those that are: out of the page if they fill it.
  const hasEnded = isLiveFirst && event.type === "state_change" && event.data.previous === LIVE;
  if (isShown) return hasEnded;
  return isFiltered || (isNew(event) && isFirstPage) || (hasEnded && !isAllLive());
}

function isNew(event) {
  return event.type === "state_change" && event.data.previous === null;
}

function isAllLive() {
  return body.children.length > 0 && body.lastElementChild.classList.contains("row--in_progress");
}

function drift() {
  if (document.hidden || feed.status !== "live" || Date.now() - pageAt < DRIFT_MS) return;
  entering += 1;
  schedule();
}

function renewWords() {
  if (document.hidden || feed.status !== "live") return;
  for (const row of body.querySelectorAll(".row--in_progress:is(.row--said, .row--alert)")) changed.add(row.dataset.call);
  schedule();
}

function renewSoon(isAsked) {
  if (isAsked) pageAt = 0;
  schedule();
}

function schedule() {
  if (isHeld()) showWaiting(entering, entering === arriving && !isFiltered);
  if (isUpdating || (!entering && !changed.size && !isWholeDue)) return;
  const at = Math.max(Date.now() + ROWS_MS, dueAt(), failedAt + RETRY_MS);
  if (timer && at >= timerAt) return;
  clearTimeout(timer);
  timerAt = at;
  timer = setTimeout(update, at - Date.now());
}

// When to send the next request. Changed rows do not wait long for the next fetch of the whole page.
function dueAt() {
  if (!entering || isWholeDue) return 0;
  const pageDue = pageAt + (entering > FLOOD ? FLOOD_MS : PAGE_MS);
  return changed.size ? Math.min(pageDue, Date.now() + 1000) : pageDue;
}

// Fetching and merging -----------------------------------------------------------------------------

// One request at a time, because a late response would undo a newer one.
async function update() {
  timer = 0;
  isUpdating = true;
  try {
    await (isWholeDue ? refetch() : isPageDue() ? fetchPage() : fetchRows());
    failedAt = 0;
    notice.hidden = true;
  } catch (error) {
    failedAt = Date.now();
    notice.textContent = `Could not load the latest changes (${error.message}). Trying again.`;
    notice.hidden = feed.status !== "live";
  }
  isUpdating = false;
  schedule();
}

function isPageDue() {
  return entering > 0 && !isHeld() && Date.now() >= pageAt + (entering > FLOOD ? FLOOD_MS : PAGE_MS);
}

async function fetchPage() {
  // Cleared before the request: what happens during it may be missing from the response, and is due again.
  const [count, fresh, noted] = [entering, arriving, [...changed]];
  entering = arriving = 0;
  changed.clear();
  try {
    const part = await fetchPart(`${main.dataset.rows}?${wanted}`, feed);
    if (!part) return;
    if (isHeld()) throw new Held(); // the user has pointed at a row in the meantime
    showRows(part);
    mergeParts(part, ["where", "pages"]);
    pageAt = Date.now();
    showWaiting(0);
  } catch (error) {
    entering += count;
    arriving += fresh;
    noted.forEach((id) => changed.add(id));
    if (!(error instanceof Held)) throw error;
  }
}

class Held extends Error {}

async function fetchRows() {
  const batch = takeBatch();
  if (!batch.length) return;
  const query = new URLSearchParams(wanted);
  query.delete("id");
  batch.forEach((id) => query.append("id", id));
  try {
    const part = await fetchPart(`${main.dataset.rows}?${query}`, feed);
    // For each row that left, the first row of the next page moves up, so fetch the page.
    if (part) entering += updateRows(batch, part, { mayMove: !isHeld() });
  } catch (error) {
    batch.forEach((id) => changed.add(id));
    throw error;
  }
}

function takeBatch() {
  const batch = [];
  let length = 0;
  for (const id of changed) {
    length += encodeURIComponent(id).length + 4;
    // The server returns at most 100 rows (ROWS_LIMIT in the read model).
    if (length > ADDRESS_LENGTH || batch.length === 100) break;
    batch.push(id);
  }
  batch.forEach((id) => changed.delete(id));
  return batch;
}

async function refetch() {
  changed.clear();
  entering = arriving = 0;
  isWholeDue = false;
  try {
    const page = await fetchPart(location.href, feed);
    if (!page) return;
    showRows(page);
    mergeParts(page, ["figures", "strip", "empty", "where", "pages"]);
    showHistory(page);
    pageAt = Date.now();
  } catch (error) {
    isWholeDue = true;
    throw error;
  }
}

function showHistory(part) {
  localise(part);
  mergeParts(part, ["history"]);
  mountHistory(main);
}
