// The call page: fetched again when something happens to its call, and merged into what is shown.

import { fetchPart, openFeed } from "../feed.js";
import { mountSentimentChart } from "./sentiment_chart.js";
import { beginAt, mountPlaces } from "./places.js";
import { mountPlayer, place, seek } from "./player.js";
import { localise, startClocks } from "../times.js";
import { Idiomorph } from "../vendor/idiomorph.esm.js";

const BATCH_MS = 250;
const WORDS_MS = 2000;
const RETRY_MS = 2000;
const MAP_MS = 10_000;

const main = document.getElementById("main");
const callId = main.dataset.call;
let timer = 0;

startClocks();
const feed = openFeed();
mount();
const sought = document.getElementById("here");
if (sought) place(Number(sought.dataset.begin));
const target = document.getElementById(location.hash.slice(1));
if (target) beginAt(target);
feed.addEventListener("change", ({ detail }) => detail.call_id === callId && refetchSoon());
feed.addEventListener("refetch", () => refetchSoon());
feed.addEventListener("counters", ({ detail }) => {
  const call = detail.find((one) => one.call_id === callId);
  if (!call) return;
  for (const cell of main.querySelectorAll("[data-count]")) {
    cell.textContent = call[cell.dataset.count].toLocaleString("en-US");
  }
  refetchSoon(WORDS_MS);
});

function refetchSoon(wait = BATCH_MS) {
  timer ||= setTimeout(refetch, wait);
}

// What the reader opened, plays or has in hand stays as it is.
const callbacks = {
  beforeAttributeUpdated: (name, node) =>
    name !== "open" &&
    !(name === "aria-current" && node.matches(".turn")) &&
    !(name === "tabindex" && node === document.activeElement), // without it the focus is lost
  beforeNodeMorphed: (old, fresh) => !(old.dataset && "keep" in old.dataset) && !isMounted(old, fresh),
  beforeNodeRemoved: (old) => !("sound" in (old.dataset ?? {})) || player()?.paused !== false,
};

function player() {
  return document.getElementById("player");
}

// A player that shows the same recording as before is not touched: it may be running.
function isMounted(old, fresh) {
  return "sound" in (old.dataset ?? {}) && old.id === fresh.id;
}

async function refetch() {
  timer = 0;
  const asked = location.search;
  try {
    const page = await fetchPart(location.href, feed);
    if (page && location.search === asked) merge(page);
  } catch {
    refetchSoon(RETRY_MS);
  }
}

function merge(page) {
  localise(page);
  document.title = page.title;
  Idiomorph.morph(main, page.getElementById("main"), { callbacks });
  mount();
}

main.addEventListener("click", (event) => {
  const target = event.target.closest("[data-seek], [data-dialog], [data-close], [data-clear]");
  if (!target) return;
  const dialog = document.getElementById(target.dataset.dialog) ?? target.closest("dialog");
  if (!("seek" in target.dataset || "clear" in target.dataset) && !dialog) return;
  event.preventDefault();
  if ("clear" in target.dataset) clear(target);
  else if ("seek" in target.dataset) seek(Number(target.dataset.seek));
  else if ("close" in target.dataset) dialog.close();
  else dialog.showModal();
});

// Without the words of a search the page is another one, and what is played goes on.
function clear(link) {
  history.replaceState(null, "", link.href);
  main.focus({ preventScroll: true });
  refetch();
}

// Forms that leave the page as it is, so that what is played goes on: sent, and the answer merged.
main.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!("quiet" in form.dataset)) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  const title = form.closest("section")?.querySelector("h2");
  try {
    const sent = new FormData(form);
    sent.set("next", location.pathname + location.search); // the form may be from before "Clear"
    const page = await fetchPart(form.action, feed, sent);
    if (!page) return;
    merge(page);
    if (!form.isConnected) holdFocus(title);
    if (!page.querySelector(".message--error")) form.reset();
  } catch {
    form.submit(); // the browser says what is wrong
  } finally {
    delete form.dataset.busy;
  }
});

// A form that is gone, as it has done its work, leaves the focus where it was, and not at the top.
function holdFocus(title) {
  if (!title || document.activeElement !== document.body) return;
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
}

// What scripts draw -----------------------------------------------------------------------------

function mount() {
  mountPlayer();
  mountPlaces();
  mountSentimentChart(main, seek);
  const lazy = main.querySelector("[data-lazy]");
  if (lazy && !lazy.dataset.asked) fill(lazy);
}

// The packet map of a long call comes when the rest of the page is there.
async function fill(box) {
  box.dataset.asked = "yes";
  try {
    const page = await fetchPart(box.dataset.lazy, feed);
    const map = page?.getElementById("packet-map");
    if (map) box.replaceChildren(...[...map.children].filter((node) => !node.matches("h2")));
  } catch {
    // The link that stands here leads to it.
  }
  if (main.querySelector(".pill--in_progress")) setTimeout(() => fill(box), MAP_MS);
}
