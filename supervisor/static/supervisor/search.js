// The search page: days are in the viewer's time zone, addresses have no empty fields, and "/" goes to
// the search field.

import { startPicks } from "./picks.js";
import { localise, ownZone } from "./times.js";

const form = document.getElementById("search");
const zone = document.getElementById("zone");
// These are not filters, so they are not marked as set.
const SKIPPED = new Set(["q", "tz"]);

localise(document);
const found = document.querySelector(".found");
if (found) startPicks(found);
for (const field of form.querySelectorAll("input, select")) mark(field);
form.addEventListener("change", ({ target }) => mark(target));

function mark(field) {
  if (!SKIPPED.has(field.name)) field.classList.toggle("is-set", Boolean(field.value));
}

// Days in a shared address keep the time zone of the sender until the viewer changes them.
for (const name of ["from", "to"]) {
  form.elements[name].addEventListener("change", () => (zone.value = ownZone()));
}
zone.value ||= ownZone();

form.addEventListener("submit", () => {
  const hasDays = form.elements.from.value || form.elements.to.value;
  for (const field of form.elements) {
    field.disabled ||= Boolean(field.name) && (!field.value || (field === zone && !hasDays));
  }
});
addEventListener("pageshow", () => {
  for (const field of form.elements) field.disabled = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea")) return;
  form.elements.q.focus();
  form.elements.q.select();
  event.preventDefault();
});
