// What holds up the analysis: fetched again when the figures show that it has changed.

import { fetchPart } from "../feed.js";
import { localise } from "../times.js";

export function followAnalysisStatus(main, feed) {
  let isBusy = false;
  feed.addEventListener("figures", ({ detail }) => {
    const section = document.getElementById("analysis-status");
    const held = section.querySelector('[data-figure="held"]');
    if (held) held.textContent = detail.held.toLocaleString("en-US");
    // `standing` identifies the status, so the HTML is fetched only when it has changed.
    if (detail.standing === section.dataset.mark || isBusy) return;
    isBusy = true;
    fetchPart(main.dataset.analysisStatus, feed)
      .then((part) => part && show(section, part))
      .catch(() => {}) // the next figures trigger another try
      .finally(() => {
        isBusy = false;
      });
  });
}

function show(section, part) {
  localise(part);
  const fresh = part.getElementById("analysis-status");
  section.replaceChildren(...fresh.children);
  section.dataset.mark = fresh.dataset.mark;
}
