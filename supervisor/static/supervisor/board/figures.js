// Shows the figures above the rows whenever the feed sends new ones.

import { addNow } from "./chart.js";
import { spanText } from "../times.js";

const tiles = document.getElementById("figures");

export function showFigures(figures) {
  for (const cell of document.querySelectorAll("[data-figure]")) {
    const text = textOf(figures[cell.dataset.figure], "span" in cell.dataset);
    if (cell.textContent !== text) cell.textContent = text;
  }
  for (const figure of tiles.querySelectorAll("[data-calm]")) {
    figure.classList.toggle("is-calm", !figures[figure.dataset.calm]);
  }
  addNow(figures);
}

function textOf(value, isSpan) {
  if (value === null || value === undefined) return "–";
  if (isSpan) return spanText(value);
  const places = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return Number(value.toFixed(places)).toLocaleString("en-US");
}
