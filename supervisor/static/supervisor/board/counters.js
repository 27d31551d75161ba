// The counters of live calls. They change far more often than the rest of their rows.

import { body } from "./rows.js";

let counters = new Map();

// Several samples may arrive before the next paint. Only the last one of each call is shown.
export function gather(calls) {
  if (!counters.size) requestAnimationFrame(count);
  for (const call of calls) counters.set(call.call_id, call);
}

function count() {
  const known = counters;
  counters = new Map();
  for (const row of body.children) {
    const call = known.get(row.dataset.call);
    if (call) patch(row, call);
  }
}

function patch(row, call) {
  // Texts are written directly: merging the row would compare every node of it once a second.
  for (const cell of row.querySelectorAll("[data-count]")) {
    write(cell, call[cell.dataset.count].toLocaleString("en-US"));
  }
  for (const cell of row.querySelectorAll("[data-zero]")) {
    cell.classList.toggle("is-zero", call[cell.dataset.zero] === 0);
  }
  const loss = row.querySelector("[data-loss]");
  if (!loss) return;
  write(loss, lossText(call));
  const title = `${call.missing_count.toLocaleString("en-US")} missing, ${call.late_count.toLocaleString("en-US")} late`;
  if (loss.parentElement.title !== title) loss.parentElement.title = title;
}

function lossText({ packet_count, missing_count }) {
  const expected = packet_count + missing_count;
  return expected ? brief((100 * missing_count) / expected) : "0";
}

function brief(number) {
  return String(Number(number.toFixed(number >= 10 ? 1 : 2)));
}

function write(node, text) {
  // Writing the same text would still make the browser lay out the cell again.
  if (node.textContent !== text) node.textContent = text;
}
