// Acknowledging without leaving the page: the form is sent, and the answer is the page anew.

import { fetchPart } from "./feed.js";
import { localise } from "./times.js";

// Returns the page that the server answers with; null if the session has ended.
export async function submit(form, submitter, feed) {
  const page = await fetchPart(form.action, feed, new FormData(form, submitter));
  if (page) localise(page);
  return page;
}

// What the server has to say of it, once for the eye and once for a screen reader.
export function tell(page, announce) {
  const said = [...page.querySelectorAll(".message:not(#found *)")]
    .filter((node) => node.closest(".messages"))
    .map((node) => node.textContent.trim());
  if (said.length) announce(said.join(" "));
  return said.join(" ");
}
