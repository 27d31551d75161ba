// The call page: fetched again after each event of its call, and merged into the shown page.

import { fetchPart, openFeed } from "../feed.js";
import { reveal, startFolds } from "./folds.js";
import { holdPlace, LiveTranscript } from "./live.js";
import { markSought, momentInAddress, seekMoment, showMoment, soughtMoment } from "./moments.js";
import { mountKeys, startKeys } from "./page_keys.js";
import { mountSentimentChart } from "./sentiment_chart.js";
import { beginAt, mountPlaces } from "./places.js";
import { mountPlayer, place, position, seek } from "./player.js";
import { comment, startSharing } from "./share.js";
import { titled } from "../nav_alerts.js";
import { localise, startClocks } from "../times.js";
import { Idiomorph } from "../vendor/idiomorph.esm.js";

const BATCH_MS = 250;
// The counters of a live call arrive every second, and its words as they are transcribed. Packets
// alone change little else, and rendering the page again costs the server a lot.
const PAGE_MS = 10_000;
const RETRY_MS = 2000;
const MAP_MS = 10_000;

const main = document.getElementById("main");
const callId = main.dataset.call;
let timer = 0;
let freshMarks = null; // of a page that is being merged

startClocks();
const feed = openFeed();
const live = new LiveTranscript(feed, callId);
startFolds(() => mountMap());
mount();
startSharing(() => position() ?? soughtMoment() ?? newestMoment());
startKeys({ n: () => live.jump(), c: () => comment(), "[": () => follow("previous"), "]": () => follow("next") });
const sought = document.getElementById("here");
if (sought) place(Number(sought.dataset.begin));
goToAddress();
addEventListener("hashchange", goToAddress);
feed.addEventListener("change", ({ detail }) => detail.call_id === callId && refetchSoon());
feed.addEventListener("change", ({ detail }) => {
  if (detail.type === "call_deleted" && detail.data.deleted === callId) location.reload(); // to say that it is gone
});
feed.addEventListener("refetch", () => refetchSoon());
feed.addEventListener("counters", ({ detail }) => {
  const call = detail.find((one) => one.call_id === callId);
  if (!call) return;
  for (const cell of main.querySelectorAll("[data-count]")) {
    cell.textContent = call[cell.dataset.count].toLocaleString("en-US");
  }
  refetchSoon(PAGE_MS);
});

// Goes where the address points: to a moment of the call, or to a part of the page.
function goToAddress() {
  const ms = momentInAddress();
  if (ms !== null) {
    seekMoment(ms);
    place(ms);
    return;
  }
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  reveal(target);
  beginAt(target);
}

// The newest turn of a live call, in ms; 0 for a call that is over.
function newestMoment() {
  const turns = main.querySelectorAll(".turns--live > .turn[data-begin]");
  return Number([...turns].at(-1)?.dataset.begin ?? 0);
}

// Opens the next or the previous call of the list.
function follow(which) {
  const link = main.querySelector(`[data-beside="${which}"]`);
  link?.click();
  return link !== null;
}

function refetchSoon(wait = BATCH_MS) {
  timer ||= setTimeout(refetch, wait);
}

// A merge must not touch what the user has opened, is playing or is editing.
const callbacks = {
  beforeAttributeUpdated: (name, node) =>
    name !== "open" &&
    !(name === "aria-current" && node.matches(".turn")) &&
    !(name === "tabindex" && node === document.activeElement), // keeps the focus
  beforeNodeMorphed: (old, fresh) => !(old.dataset && "keep" in old.dataset) && !isMounted(old, fresh),
  beforeNodeRemoved: (old) =>
    !old.classList?.contains("turn__tools") && (!("sound" in (old.dataset ?? {})) || player()?.paused !== false),
};

function player() {
  return document.getElementById("player");
}

// Leaves a player of the same recording alone, because it may be playing.
function isMounted(old, fresh) {
  return "sound" in (old.dataset ?? {}) && old.id === fresh.id;
}

async function refetch() {
  timer = 0;
  const asked = location.search;
  try {
    const page = await fetchPart(location.href, feed);
    // "Clear" may have changed the address meanwhile; this response would bring the marks back.
    if (page && location.search === asked) merge(page);
  } catch {
    refetchSoon(RETRY_MS);
  }
}

function merge(page) {
  localise(page);
  document.title = titled(page.title);
  const giveBack = holdPlace();
  freshMarks = page.getElementById("marks");
  Idiomorph.morph(main, page.getElementById("main"), { callbacks });
  mount();
  giveBack();
}

main.addEventListener("click", (event) => {
  const target = event.target.closest("[data-seek], [data-dialog], [data-close], [data-clear], [data-moment]");
  if (!target) return;
  if ("moment" in target.dataset) {
    const isShown = showMoment(target);
    if (isShown || player()) event.preventDefault();
    place(Number(target.dataset.moment));
    return;
  }
  const dialog = document.getElementById(target.dataset.dialog) ?? target.closest("dialog");
  if (!("seek" in target.dataset || "clear" in target.dataset) && !dialog) return;
  event.preventDefault();
  if ("clear" in target.dataset) clear(target);
  else if ("seek" in target.dataset) seek(Number(target.dataset.seek));
  else if ("close" in target.dataset) dialog.close();
  else dialog.showModal();
});

// Clears the search words by a merge, so that playback continues.
function clear(link) {
  history.replaceState(null, "", link.href);
  main.focus({ preventScroll: true });
  refetch();
}

// Sends these forms in the background and merges the response, so that playback continues.
main.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("quiet" in form.dataset)) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  const title = form.closest("section")?.querySelector("h2");
  try {
    const sent = new FormData(form);
    sent.set("next", location.pathname + location.search); // the form may be older than "Clear"
    const page = await fetchPart(form.action, feed, sent);
    if (!page) return;
    merge(page);
    if (!form.isConnected) holdFocus(title);
    if (!page.querySelector(".message--error")) form.reset();
  } catch {
    form.submit(); // let the browser show the error
  } finally {
    delete form.dataset.busy;
  }
});

// Keeps the focus in place when a form disappears after it was sent.
function holdFocus(title) {
  if (!title || document.activeElement !== document.body) return;
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
}

// Player, charts and packet map -----------------------------------------------------------------

function mount() {
  mountPlayer();
  live.mount();
  mountPlaces();
  mountKeys();
  mountSentimentChart(main, seek);
  markSought();
  mountMarks();
  mountMap();
}

// The player keeps its part of the page as it was. Only the marks above it change.
function mountMarks() {
  const marks = document.getElementById("marks");
  if (freshMarks && marks && freshMarks !== marks) {
    marks.setAttribute("class", freshMarks.getAttribute("class"));
    marks.replaceChildren(...freshMarks.children);
  }
  freshMarks = null;
}

// A map that is slow to count is fetched only once its section is open.
function mountMap() {
  const lazy = main.querySelector("[open] [data-lazy]");
  if (lazy && !lazy.dataset.asked) fill(lazy);
}

// Fetches the packet map of a long call after the rest of the page.
async function fill(box) {
  box.dataset.asked = "yes";
  try {
    const page = await fetchPart(box.dataset.lazy, feed);
    const map = page?.getElementById("packet-map");
    if (map) box.replaceChildren(...[...map.children].filter((node) => !node.matches("h3")));
  } catch {
    // The link to the packet map stays in its place.
  }
  if (box.isConnected && main.querySelector(".pill--in_progress")) setTimeout(() => fill(box), MAP_MS);
}
