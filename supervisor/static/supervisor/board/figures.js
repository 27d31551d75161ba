// Shows the figures above the rows whenever the feed sends new ones.

import { addNow } from "./chart.js";
import { spanText } from "../times.js";

const BEHIND_FROM_S = 2;

const tiles = document.getElementById("figures");

export function showFigures(figures) {
  for (const cell of document.querySelectorAll("[data-figure]")) {
    const text = textOf(figures[cell.dataset.figure], "span" in cell.dataset);
    if (cell.textContent !== text) cell.textContent = text;
  }
  for (const figure of tiles.querySelectorAll("[data-calm]")) {
    figure.classList.toggle("is-calm", !figures[figure.dataset.calm]);
  }
  const heard = tiles.querySelector("[data-heard]");
  const text = heardText(figures.live_transcription);
  if (heard.textContent !== text) heard.textContent = text;
  addNow(figures);
}

// supervisor/templatetags/look.py writes the same.
function heardText(found) {
  const calls = found.calls + found.waiting;
  if (!calls) return "";
  const text = found.waiting ? `${found.calls} of ${calls} heard` : "all heard";
  return found.behind_s >= BEHIND_FROM_S ? `${text}, ${Math.round(found.behind_s)} s behind` : text;
}

function textOf(value, isSpan) {
  if (value === null || value === undefined) return "–";
  if (isSpan) return spanText(value);
  const places = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return Number(value.toFixed(places)).toLocaleString("en-US");
}
