// The pages of the admin: local times, buttons that show their result in place, and accessible names that Django omits.

import { ownZone, startClocks } from "./times.js";

const PATIENCE_MS = 20_000;

// Shows the response to a button below it instead of on a new page.
async function answerInPlace(event) {
  const button = event.target.closest("button[data-answer]");
  if (!button) return;
  event.preventDefault();
  const place = document.getElementById(button.dataset.answer);
  button.disabled = true;
  place.textContent = "Waiting for the response…";
  try {
    const response = await fetch(button.formAction, {
      method: "POST", body: new FormData(button.form), headers: { "x-requested-with": "fetch" },
      redirect: "error", signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!response.ok) throw new Error(`The server answered ${response.status}.`);
    place.innerHTML = await response.text();
  } catch (error) {
    place.textContent = `That did not work: ${error.message}`;
  } finally {
    button.disabled = false;
  }
}

async function copy(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    // Without HTTPS there is no clipboard: select the text instead.
    getSelection().selectAllChildren(code);
    button.textContent = "Selected: press Ctrl+C";
  }
}

function offerCopies() {
  for (const code of document.querySelectorAll("code[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button copy";
    button.textContent = "Copy";
    button.addEventListener("click", () => copy(code, button));
    code.after(" ", button, " ");
  }
}

function nameEverything() {
  // A split date and time field: "Date:" and "Time:" are plain text there, not labels.
  for (const input of document.querySelectorAll(".datetime input")) {
    input.setAttribute("aria-label", input.previousSibling?.textContent.trim() || input.name);
  }
  for (const icon of document.querySelectorAll("span.help-tooltip[aria-label]")) {
    icon.setAttribute("role", "img");
  }
}

startClocks();
offerCopies();
document.addEventListener("click", answerInPlace);
const zone = document.getElementById("zone");
if (zone) zone.textContent = ownZone();
// Runs after the admin's own scripts, which add such markup on load.
addEventListener("load", () => setTimeout(nameEverything));
