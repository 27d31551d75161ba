// The progress of a bulk action: fetches the page again until the action is finished.

import { localise } from "./times.js";
import { Idiomorph } from "./vendor/idiomorph.esm.js";

const EVERY_MS = 1000;
const RETRY_MS = 4000;
// What the user has unfolded stays open.
const callbacks = { beforeAttributeUpdated: (name) => name !== "open" };

function box() {
  return document.getElementById("bulk-progress");
}

localise(document);
if ("running" in box().dataset) setTimeout(look, EVERY_MS);

async function look() {
  let wait = EVERY_MS;
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (response.redirected) return location.reload(); // the session has ended, so this shows the login
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    localise(page);
    Idiomorph.morph(box(), page.getElementById("bulk-progress"), { callbacks });
  } catch {
    wait = RETRY_MS;
  }
  if ("running" in box().dataset) setTimeout(look, wait);
}
