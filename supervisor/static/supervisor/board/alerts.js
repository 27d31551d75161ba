// The dialog with the alerts of a call, to read and acknowledge them without leaving the wallboard.

import { startAges } from "../alert_age.js";
import { submit } from "../alert_forms.js";
import { startMenus } from "../alert_menus.js";
import { fetchPart } from "../feed.js";
import { localise } from "../times.js";

const dialog = document.getElementById("quick");
const list = dialog.querySelector("[data-quick-list]");
const handlers = dialog.querySelector("datalist");
const notice = dialog.querySelector("[data-quick-notice]");
let callId = "";
let address = "";
let feed = null;

export function startAlerts(body, itsFeed) {
  feed = itsFeed;
  startMenus();
  body.addEventListener("click", (event) => {
    const badge = event.target.closest("[data-alerts]");
    // With a modifier, the link opens in a new tab, as links do.
    if (!badge || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(badge);
  });
  dialog.addEventListener("submit", act);
  dialog.addEventListener("close", giveBackFocus);
  feed.addEventListener("change", ({ detail }) => {
    const isOurs = dialog.open && detail.call_id === callId && detail.type.startsWith("alert_");
    if (isOurs) load();
  });
}

// Opens the alerts of a row, if it has any.
export function openAlerts(row) {
  const badge = row?.querySelector("[data-alerts]");
  if (badge) open(badge);
  return Boolean(badge);
}

async function open(badge) {
  callId = badge.closest("tr").dataset.call;
  address = badge.href;
  dialog.querySelector("[data-call-name]").textContent = callId;
  list.replaceChildren();
  say("");
  dialog.showModal();
  await load();
  list.querySelector("button, a")?.focus();
}

async function load() {
  try {
    const page = await fetchPart(address, feed);
    if (page) show(page);
  } catch (error) {
    say(`Could not load the alerts (${error.message}).`);
  }
}

// Keeps a note that is being written, and its open menu, when another alert arrives.
function show(page) {
  localise(page);
  const written = new Map([...list.querySelectorAll("input[name=note]")].map((box) => [box.id, box.value]));
  const opened = [...list.querySelectorAll("details[open]")].map((menu) => menu.id);
  const focused = document.activeElement?.id;
  list.replaceChildren(...page.querySelectorAll("#list .alert"));
  handlers.replaceChildren(...(page.getElementById("handlers")?.children ?? []));
  for (const node of list.querySelectorAll(".alert__choose")) node.remove();
  for (const menu of list.querySelectorAll("details")) menu.open = opened.includes(menu.id);
  for (const box of list.querySelectorAll("input[name=note]")) box.value = written.get(box.id) ?? "";
  if (focused) list.querySelector(`#${CSS.escape(focused)}`)?.focus();
  startAges();
  if (!list.children.length) dialog.close();
}

async function act(event) {
  if (!event.target.matches(".alert__form")) return;
  event.preventDefault();
  const menu = event.submitter?.closest("details");
  try {
    const page = await submit(event.target, event.submitter, feed);
    if (menu) menu.open = false;
    if (page) show(page);
    if (dialog.open) list.querySelector("button")?.focus();
  } catch (error) {
    say(`Could not do this (${error.message}). Try again.`);
  }
}

function say(text) {
  notice.textContent = text;
  notice.hidden = !text;
}

function giveBackFocus() {
  // The row may have been replaced since the dialog was opened, so the browser cannot do this itself.
  document.getElementById(`call-${callId}`)?.querySelector(".c-call a")?.focus();
}
