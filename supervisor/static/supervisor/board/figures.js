// Shows the figures above the rows whenever the feed sends new ones.

import { addNow } from "./chart.js";
import { spanText, tick } from "../times.js";

const BEHIND_FROM_S = 2;

const tiles = document.getElementById("figures");
const strip = document.getElementById("strip");

export function showFigures(figures) {
  for (const cell of document.querySelectorAll("[data-figure]")) {
    const count = textOf(figures[cell.dataset.figure], "span" in cell.dataset);
    write(cell, figures[cell.dataset.figure] >= Number(cell.dataset.most) ? `${count}+` : count);
  }
  for (const figure of document.querySelectorAll("[data-calm]")) {
    figure.classList.toggle("is-calm", !figures[figure.dataset.calm]);
  }
  tiles.querySelector("[data-level]").dataset.level = figures.worst_alert;
  showLongest(tiles.querySelector("[data-longest]"), figures.longest_since);
  write(strip.querySelector("[data-heard]"), heardText(figures.live_transcription) || "–");
  addNow(figures);
}

// The page's clock keeps it up to date.
function showLongest(cell, since) {
  if (since === (cell.dataset.since ?? null)) return;
  if (since) cell.dataset.since = since;
  else {
    delete cell.dataset.since;
    write(cell, "–");
  }
  tick(cell.parentElement);
}

// The same text as in supervisor/templatetags/look.py.
function heardText(found) {
  const calls = found.calls + found.waiting;
  if (!calls) return "";
  const text = found.waiting ? `${found.calls} of ${calls} calls` : "all calls";
  return found.behind_s >= BEHIND_FROM_S ? `${text}, ${Math.round(found.behind_s)} s behind` : text;
}

function textOf(value, isSpan) {
  if (value === null || value === undefined) return "–";
  if (isSpan) return spanText(value);
  const places = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return Number(value.toFixed(places)).toLocaleString("en-US");
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
