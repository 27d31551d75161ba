// The alerts page: new alerts appear and acknowledged ones leave as the feed reports them.

import { submit, tell } from "./alert_forms.js";
import { announce, startSound } from "./alert_sound.js";
import { fetchPart, openFeed } from "./feed.js";
import { startFilter } from "./filter_form.js";
import { startKeys } from "./keys.js";
import { localise, startClocks } from "./times.js";
import { Idiomorph } from "./vendor/idiomorph.esm.js";

const BATCH_MS = 250;
const PAUSE_MS = 1500; // a flood of alerts costs one request per pause
const RETRY_MS = 2000;
const OWN = ["alert_raised", "alert_acknowledged", "call_deleted"];

const notice = document.getElementById("notice");
const found = () => document.getElementById("found");
let timer = 0;
let fetchedAt = 0;

startClocks();
const feed = openFeed();
startSound(feed);
startFilter(document.getElementById("filter"));
feed.addEventListener("change", ({ detail }) => OWN.includes(detail.type) && refetchSoon());
feed.addEventListener("refetch", () => refetchSoon());

function refetchSoon(wait = Math.max(BATCH_MS, fetchedAt + PAUSE_MS - Date.now())) {
  timer ||= setTimeout(refetch, wait);
}

async function refetch() {
  timer = 0;
  fetchedAt = Date.now();
  try {
    const page = await fetchPart(location.href, feed);
    if (!page) return;
    localise(page);
    merge(page);
    notice.hidden = true;
  } catch (error) {
    say(`Could not load the latest alerts (${error.message}). Trying again.`);
    refetchSoon(RETRY_MS);
  }
}

function say(text) {
  notice.textContent = text;
  notice.hidden = feed.status !== "live";
}

// Keeps selections and typed text. If the focused alert has left, the one in its place gets the focus.
function merge(page) {
  const held = document.activeElement?.closest(".alert");
  const place = held ? items().indexOf(held) : -1;
  // data-keep marks fields that the user may be filling in.
  const callbacks = { beforeNodeMorphed: (old) => !(old.dataset && "keep" in old.dataset) };
  for (const id of ["tabs", "found"]) {
    Idiomorph.morph(document.getElementById(id), page.getElementById(id), { callbacks });
  }
  if (held && !held.isConnected) focus(Math.min(place, items().length - 1));
}

function items() {
  return [...document.querySelectorAll("#list > .alert")];
}

function focus(place) {
  const target = items()[place]?.querySelector(".alert__call") ?? document.querySelector("#none h2");
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
  return Boolean(target);
}

// Forms --------------------------------------------------------------------------------------------

document.addEventListener("submit", async (event) => {
  const form = event.target.closest(".alert__form, .bulk");
  if (!form) return;
  // The form works without JavaScript, too: it then loads the page again.
  event.preventDefault();
  const buttons = form.querySelectorAll("button");
  buttons.forEach((button) => { button.disabled = true; });
  try {
    const page = await submit(form, event.submitter, feed);
    if (!page) return;
    form.reset();
    merge(page);
    const said = tell(page, announce);
    if (said) say(said);
  } catch (error) {
    say(`Could not acknowledge (${error.message}). Try again.`);
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
});

document.addEventListener("change", ({ target }) => {
  if (target.id !== "choose-all") return;
  for (const box of document.querySelectorAll('input[name="alert"]')) box.checked = target.checked;
});

// Keys ---------------------------------------------------------------------------------------------

// The methods return undefined, so `??` tells whether there was an alert for the key to act on.
startKeys({
  j: () => step(1),
  k: () => step(-1),
  a: () => here()?.querySelector(".alert__form")?.requestSubmit() ?? Boolean(here()),
  n: () => here()?.querySelector('[name="note"]')?.focus() ?? Boolean(here()),
  x: () => here()?.querySelector('[name="alert"]')?.click() ?? Boolean(here()),
});

function here() {
  return document.activeElement?.closest(".alert");
}

function step(by) {
  const place = items().indexOf(here());
  return focus(place < 0 ? (by > 0 ? 0 : items().length - 1) : Math.max(0, place + by));
}
