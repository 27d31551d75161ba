// The dialog with the alerts of a call, to read and acknowledge them without leaving the wallboard.

import { submit } from "../alert_forms.js";
import { fetchPart } from "../feed.js";
import { localise } from "../times.js";

const dialog = document.getElementById("quick");
const list = dialog.querySelector("[data-quick-list]");
const notice = dialog.querySelector("[data-quick-notice]");
let callId = "";
let address = "";
let feed = null;

export function startAlerts(body, itsFeed) {
  feed = itsFeed;
  body.addEventListener("click", (event) => {
    const badge = event.target.closest("[data-alerts]");
    // With a modifier, the link opens in a new tab, as links do.
    if (!badge || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(badge);
  });
  dialog.addEventListener("submit", acknowledge);
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
  list.querySelector("input[name=note], a")?.focus();
}

async function load() {
  try {
    const page = await fetchPart(address, feed);
    if (page) show(page);
  } catch (error) {
    say(`Could not load the alerts (${error.message}).`);
  }
}

// Keeps a note that is being written when another alert arrives.
function show(page) {
  localise(page);
  const written = new Map([...list.querySelectorAll("input[name=note]")].map((box) => [box.id, box.value]));
  const focused = document.activeElement?.id;
  list.replaceChildren(...page.querySelectorAll("#list > .alert"));
  for (const node of list.querySelectorAll(".alert__choose, .alert__call, .alert__queue")) node.remove();
  for (const box of list.querySelectorAll("input[name=note]")) box.value = written.get(box.id) ?? "";
  if (focused) list.querySelector(`#${CSS.escape(focused)}`)?.focus();
  if (!list.children.length) dialog.close();
}

async function acknowledge(event) {
  if (!event.target.matches(".alert__form")) return;
  event.preventDefault();
  try {
    const page = await submit(event.target, event.submitter, feed);
    if (page) show(page);
    if (dialog.open) list.querySelector("input[name=note]")?.focus();
  } catch (error) {
    say(`Could not acknowledge (${error.message}). Try again.`);
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
