// The alerts page: adds new alerts, and removes those that were handled or have ended, as the feed
// reports them.

import { startAges } from "./alert_age.js";
import { submit, tell } from "./alert_forms.js";
import { startMenus } from "./alert_menus.js";
import { announce, startSound } from "./alert_sound.js";
import { fetchPart, openFeed } from "./feed.js";
import { startFilter } from "./filter_form.js";
import { startKeys } from "./keys.js";
import { localise, startClocks } from "./times.js";
import { Idiomorph } from "./vendor/idiomorph.esm.js";

const BATCH_MS = 250;
const PAUSE_MS = 1500; // a flood of alerts costs one request per pause
const RETRY_MS = 2000;
const OTHERS = ["state_change", "call_described", "call_deleted"]; // they change what a card says

const notice = document.getElementById("notice");
const filter = document.getElementById("filter");
const found = () => document.getElementById("found");
let timer = 0;
let fetchedAt = 0;
let undoTimer = 0;

startClocks();
startAges();
startMenus();
const feed = openFeed();
startSound(feed);
startFilter(filter);
feed.addEventListener("change", ({ detail }) => isOurs(detail) && refetchSoon());
feed.addEventListener("refetch", () => refetchSoon());
showUndo();
showBulk();

function isOurs({ type, call_id: callId }) {
  if (type.startsWith("alert_")) return true;
  return OTHERS.includes(type) && [...found().querySelectorAll(".case")].some((node) => node.dataset.call === callId);
}

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

// Keeps selections, typed text and open menus. If the focused alert has left, the one in its place gets
// the focus.
function merge(page) {
  const held = here();
  const place = held ? items().indexOf(held) : -1;
  const callbacks = { beforeNodeMorphed: (old) => !isInUse(old) };
  for (const id of ["tabs", "undo", "found"]) {
    Idiomorph.morph(document.getElementById(id), page.getElementById(id), { callbacks });
  }
  startAges();
  showUndo();
  showBulk();
  if (held && !held.isConnected) focus(Math.min(place, items().length - 1));
}

// data-keep marks fields that the user may be filling in.
function isInUse(node) {
  return node.dataset !== undefined && ("keep" in node.dataset || node.matches("details[open]"));
}

function items() {
  return [...document.querySelectorAll("#list .alert")];
}

function focus(place) {
  const target = items()[place] ?? document.querySelector("#none h2");
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
  return Boolean(target);
}

// Forms --------------------------------------------------------------------------------------------

document.addEventListener("submit", async (event) => {
  const form = event.target.closest(".alert__form, .undo");
  if (!form) return;
  // The form works without JavaScript, too: it then loads the page again.
  event.preventDefault();
  const buttons = form.querySelectorAll("button");
  const menu = event.submitter?.closest("details");
  try {
    const sent = submit(form, event.submitter, feed); // reads the form before its buttons are disabled
    buttons.forEach((button) => { button.disabled = true; });
    const page = await sent;
    if (!page) return;
    if (menu) menu.open = false;
    form.reset();
    merge(page);
    const said = tell(page, announce);
    if (said) say(said);
    else announce(document.querySelector(".undo span")?.textContent ?? "");
  } catch (error) {
    say(`Could not do this (${error.message}). Try again.`);
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
});

// Removes the offer to undo when its time is up.
function showUndo() {
  clearTimeout(undoTimer);
  const form = document.querySelector("[data-undo-until]");
  if (!form) return;
  const left = Date.parse(form.dataset.undoUntil) - Date.now();
  undoTimer = setTimeout(() => form.remove(), Math.max(0, left));
}

document.addEventListener("change", ({ target }) => {
  if (target.id === "choose-all") {
    for (const box of chosen("")) box.checked = target.checked;
  }
  if (target.id === "choose-all" || target.name === "alert") showBulk();
});

function chosen(which) {
  return [...document.querySelectorAll(`input[name="alert"]${which}`)];
}

function showBulk() {
  const button = document.getElementById("acknowledge-selected");
  if (!button) return;
  const count = chosen(":checked").length;
  button.hidden = !count;
  button.textContent = `Acknowledge selected (${count})…`;
}

const toggle = document.getElementById("filters");
toggle.addEventListener("click", () => {
  const isOpen = filter.classList.toggle("is-open");
  toggle.setAttribute("aria-expanded", String(isOpen));
});

// Keys ---------------------------------------------------------------------------------------------

// The methods return undefined, so `??` tells whether there was an alert for the key to act on.
startKeys({
  j: () => step(1),
  k: () => step(-1),
  a: () => here()?.querySelector(".alert__form")?.requestSubmit() ?? Boolean(here()),
  t: () => here()?.querySelector("[data-take]")?.click() ?? Boolean(here()),
  u: () => document.querySelector(".undo")?.requestSubmit() ?? Boolean(here()),
  s: () => openMenu("snooze", "button[value]"),
  n: () => openMenu("more", '[name="note"]'),
  x: () => here()?.querySelector('[name="alert"]')?.click() ?? Boolean(here()),
  Enter: ({ target }) => target === here() && (target.closest(".case").querySelector("a").click() ?? true),
});

function openMenu(name, field) {
  const menu = here()?.querySelector(`details[id^="${name}-"]`);
  if (menu) menu.open = true;
  menu?.querySelector(field).focus();
  return Boolean(here());
}

function here() {
  return document.activeElement?.closest(".alert");
}

function step(by) {
  const place = items().indexOf(here());
  return focus(place < 0 ? (by > 0 ? 0 : items().length - 1) : Math.max(0, place + by));
}
