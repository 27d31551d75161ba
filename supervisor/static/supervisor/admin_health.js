// The home page of the admin: reads the health of the site again every few seconds.

import { Idiomorph } from "./vendor/idiomorph.esm.js";
import { localise } from "./times.js";

const EVERY_MS = 5000;
const PATIENCE_MS = 10_000;
const place = document.getElementById("health-place");

async function read() {
  const response = await fetch(place.dataset.address, {
    headers: { accept: "text/html" }, redirect: "error", signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  return response.text();
}

function show(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  localise(fresh.content);
  // Nodes that stay keep the focus, the selection, and what is being typed.
  Idiomorph.morph(place, fresh.content.children, {
    morphStyle: "innerHTML", ignoreActiveValue: true,
    callbacks: {
      beforeAttributeUpdated: (name, node) => !(node.tagName === "INPUT" && name === "value" && node.type === "text"),
    },
  });
}

async function renew() {
  if (document.hidden) return;
  try {
    show(await read());
    place.classList.remove("is-stale");
  } catch {
    // The session has ended, or the server does not respond: say that the figures are old.
    place.classList.add("is-stale");
  }
}

if (place) {
  setInterval(renew, EVERY_MS);
  document.addEventListener("visibilitychange", renew);
}
