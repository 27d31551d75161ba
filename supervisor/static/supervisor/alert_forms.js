// Acknowledges alerts without leaving the page. The server answers with the new page.

import { fetchPart } from "./feed.js";
import { localise } from "./times.js";

// Sends the form. Returns the page in the answer, or null if the session has ended.
export async function submit(form, submitter, feed) {
  const page = await fetchPart(form.action, feed, new FormData(form, submitter));
  if (page) localise(page);
  return page;
}

// Shows the server's messages, and announces them to screen readers.
export function tell(page, announce) {
  // Only Django's messages: other notes on the page have the same style.
  const said = [...page.querySelectorAll(".message:not(#found *)")]
    .filter((node) => node.closest(".messages"))
    .map((node) => node.textContent.trim());
  if (said.length) announce(said.join(" "));
  return said.join(" ");
}
