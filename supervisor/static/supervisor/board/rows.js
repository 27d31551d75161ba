// The rows: merged with the server's response, moved smoothly, and marked if only a few changed.

import { localise } from "../times.js";
import { Idiomorph } from "../vendor/idiomorph.esm.js";

const MARKED_AT_ONCE = 6; // more marks help nobody, and each animation costs paint time
const GLIDE = { duration: 260, easing: "ease-out" };

export const body = document.getElementById("rows");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const keep = {
  beforeNodeMorphed: (old) => !(old.dataset && "keep" in old.dataset),
  beforeAttributeUpdated: (name) => name !== "open", // what the user has unfolded stays open
};

export function rowOf(callId) {
  return document.getElementById(`call-${callId}`);
}

export function mergeParts(part, names) {
  for (const id of names) {
    Idiomorph.morph(document.getElementById(id), part.getElementById(id), { callbacks: keep });
  }
}

// Shows exactly these rows, in this order.
export function showRows(part) {
  localise(part);
  const fresh = [...part.getElementById("rows").children];
  const wanted = new Set(fresh.map((row) => row.id));
  const focused = document.activeElement?.closest("#rows > tr")?.dataset.call;
  const marks = [];
  glide(() => {
    for (const row of [...body.children]) if (!wanted.has(row.id)) row.remove();
    let next = body.firstElementChild;
    for (const row of fresh) {
      const old = rowOf(row.dataset.call);
      if (!old) {
        body.insertBefore(row, next);
        marks.push([row, "is-new"]);
        continue;
      }
      if (old === next) next = next.nextElementSibling;
      else body.insertBefore(old, next);
      if (replace(old, row)) marks.push([rowOf(row.dataset.call), "is-changed"]);
    }
  });
  mark(marks);
  // Moving a node in the document takes the focus away from it.
  if (focused && !body.contains(document.activeElement)) {
    rowOf(focused)?.querySelector(".c-call a")?.focus({ preventScroll: true });
  }
}

// Updates these rows in place. A row that no longer matches the filter is removed. While rows may
// not move, it stays and is dimmed instead.
export function updateRows(asked, part, { mayMove }) {
  localise(part);
  const fresh = new Map([...part.querySelectorAll("tr")].map((row) => [row.dataset.call, row]));
  const [gone, marks] = [[], []];
  for (const id of asked) {
    const [old, row] = [rowOf(id), fresh.get(id)];
    if (old && row && replace(old, row)) marks.push([rowOf(id), "is-changed"]);
    else if (old && !row) gone.push(old);
  }
  if (mayMove) glide(() => gone.forEach((row) => row.remove()));
  else gone.forEach((row) => row.classList.add("is-gone"));
  mark(marks);
  return gone.length;
}

// Morphs a row. Returns true if its state or its alert changed.
function replace(old, row) {
  // Most rows have not changed. Comparing is much cheaper than merging.
  if (old.isEqualNode(row)) return false;
  const [before, now] = [kindOf(old), kindOf(row)];
  Idiomorph.morph(old, row, { callbacks: keep });
  return before !== now;
}

function kindOf(row) {
  return [...row.classList].filter((name) => !name.startsWith("is-")).join(" ");
}

function mark(marks) {
  if (marks.length > MARKED_AT_ONCE) return;
  for (const [row, name] of marks) {
    row.classList.remove("is-new", "is-changed");
    row.classList.add(name);
    row.addEventListener("animationend", () => row.classList.remove(name), { once: true });
  }
}

// Slides rows from their old to their new place, so that the eye can follow.
function glide(change) {
  if (still.matches || document.hidden) return change();
  const places = new Map();
  // All places are read before anything moves: reading between writes would lay the page out each time.
  for (const row of body.children) {
    const { top, bottom } = row.getBoundingClientRect();
    // Rows outside the window need no animation.
    if (top > innerHeight) break;
    if (bottom > 0) places.set(row, top);
  }
  change();
  const moves = [];
  for (const [row, top] of places) {
    if (row.isConnected) moves.push([row, top - row.getBoundingClientRect().top]);
  }
  for (const [row, by] of moves) {
    if (by) row.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], GLIDE);
  }
}
