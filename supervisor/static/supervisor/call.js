// The call page: fetched again when something happens to its call, and merged into what is shown.

import { fetchPart, openFeed } from "./feed.js";
import { localise, startClocks } from "./times.js";
import { Idiomorph } from "./vendor/idiomorph.esm.js";

const BATCH_MS = 250;
const WORDS_MS = 2000;
const RETRY_MS = 2000;
const STRIP_WIDTH = 1000;

const main = document.getElementById("main");
const callId = main.dataset.call;
let timer = 0;

startClocks();
const feed = openFeed();
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
  beforeAttributeUpdated: (name) => name !== "open",
  beforeNodeMorphed: (old) => !(old.dataset && "keep" in old.dataset),
  beforeNodeRemoved: (old) => old.id !== "player" || player()?.paused !== false,
};

async function refetch() {
  timer = 0;
  try {
    const page = await fetchPart(location.href, feed);
    if (!page) return;
    localise(page);
    document.title = page.title;
    Idiomorph.morph(main, page.getElementById("main"), { callbacks });
    follow();
  } catch {
    refetchSoon(RETRY_MS);
  }
}

// The recording ---------------------------------------------------------------------------------

function player() {
  return document.getElementById("player");
}

function seek(ms) {
  const audio = player();
  if (!audio) return;
  audio.currentTime = ms / 1000;
  audio.play();
}

function follow() {
  const audio = player();
  const strip = document.getElementById("strip");
  if (!audio) return;
  const now = audio.currentTime * 1000;
  const isStarted = now > 0 || !audio.paused;
  if (strip) {
    const x = isStarted ? (now / Number(strip.dataset.duration)) * STRIP_WIDTH : -10;
    document.getElementById("strip-now").setAttribute("x", x);
  }
  for (const turn of main.querySelectorAll(".turn")) {
    const isCurrent = isStarted && now >= turn.dataset.begin && now < turn.dataset.end;
    if (isCurrent) turn.setAttribute("aria-current", "true");
    else turn.removeAttribute("aria-current");
  }
}

for (const type of ["timeupdate", "seeked", "play", "pause", "ended"]) {
  // Media events do not bubble; capturing them here survives a merge.
  main.addEventListener(type, follow, true);
}

main.addEventListener("click", (event) => {
  const target = event.target.closest("[data-seek], [data-dialog], [data-close], .strip__map");
  if (!target) return;
  if (target.matches(".strip__map")) return seekOnStrip(target, event);
  const dialog = document.getElementById(target.dataset.dialog) ?? target.closest("dialog");
  if (!("seek" in target.dataset) && !dialog) return;
  event.preventDefault();
  if ("seek" in target.dataset) seek(Number(target.dataset.seek));
  else if ("close" in target.dataset) dialog.close();
  else dialog.showModal();
});

function seekOnStrip(map, event) {
  const box = map.getBoundingClientRect();
  const share = (event.clientX - box.left) / box.width;
  seek(share * Number(document.getElementById("strip").dataset.duration));
}
