// The keyboard shortcuts of the wallboard: rows, alerts and search.

import { openAlerts } from "./alerts.js";
import { showFilters } from "./menus.js";
import { startKeys } from "../keys.js";

export function startBoardKeys(body) {
  startKeys({
    j: () => step(body, 1),
    ArrowDown: (event) => isInRows(event) && step(body, 1),
    k: () => step(body, -1),
    ArrowUp: (event) => isInRows(event) && step(body, -1),
    a: ({ target }) => openAlerts(target.closest("#rows > tr")),
    "/": () => search(),
  });
}

// Arrow keys scroll the page as usual unless a row has the focus.
function isInRows(event) {
  return Boolean(event.target.closest("#rows"));
}

function search() {
  showFilters(true);
  document.querySelector(".search [name=q]").select();
  return true;
}

function step(body, by) {
  const rows = [...body.children];
  const here = rows.indexOf(document.activeElement?.closest("#rows > tr"));
  const next = rows[here < 0 ? (by > 0 ? 0 : rows.length - 1) : here + by];
  const link = next?.querySelector(".c-call a");
  link?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return Boolean(link);
}
