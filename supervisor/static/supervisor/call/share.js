// Links to a moment, and notes about one: from the position of the player, or from a turn.

import { momentText } from "../times.js";

const SAID_MS = 3000;
const TURN = ".turns > .turn[data-begin]";

const main = document.getElementById("main");
const tools = makeTools();
let now = () => 0;

// position: returns the moment that buttons outside turns are about, in ms.
export function startSharing(position) {
  now = position;
  for (const type of ["pointerover", "focusin"]) {
    main.addEventListener(type, ({ target }) => showTools(target.closest(TURN)), { passive: true });
  }
  main.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-comment], [data-copy-link]");
    if (!button) return;
    const turn = button.closest(TURN);
    const ms = turn ? Number(turn.dataset.begin) : now();
    if ("comment" in button.dataset) comment(ms);
    else copyLink(ms);
  });
}

// Opens the form of notes for this moment. Returns whether the user may write notes.
export function comment(ms = now()) {
  const form = document.getElementById("noting");
  if (!form) return false;
  form.elements.at.value = momentText(ms);
  form.elements.text.focus({ preventScroll: true });
  form.scrollIntoView({ block: "nearest" });
  return true;
}

// Without the query string: people who open the link have their own list, and may see less.
async function copyLink(ms) {
  const seconds = Math.round(ms / 100) / 10;
  const link = `${location.origin}${location.pathname}#t=${seconds}`;
  say((await copied(link)) ? `Link to ${momentText(seconds * 1000)} copied` : link);
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // without HTTPS there is no clipboard: show the link, so that it can be copied by hand
  }
}

let timer = 0;

function say(text) {
  const line = main.querySelector("[data-copied]");
  if (!line) return;
  line.textContent = text;
  clearTimeout(timer);
  if (text.endsWith("copied")) timer = setTimeout(() => (line.textContent = ""), SAID_MS);
}

// The tools of a turn -----------------------------------------------------------------------------

// One set of buttons for all turns, because an hour of talk has hundreds of them.
function makeTools() {
  const box = document.createElement("span");
  box.className = "turn__tools";
  box.append(tool("comment", "note", "Comment on this turn"), tool("copyLink", "link", "Copy link to this turn"));
  return box;
}

function tool(deed, icon, label) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "turn__tool";
  button.dataset[deed] = "";
  button.title = label;
  button.setAttribute("aria-label", label);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${icon}`);
  svg.append(use);
  button.append(svg);
  return button;
}

function showTools(turn) {
  if (!turn) {
    if (!tools.contains(document.activeElement)) tools.remove();
    return;
  }
  if (tools.parentNode === turn) return;
  tools.firstChild.hidden = !document.getElementById("noting");
  // After the head, so that Tab goes from the time of the turn to its tools.
  turn.querySelector(".turn__head").after(tools);
}
