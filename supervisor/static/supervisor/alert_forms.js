// Sends the forms of alerts without leaving the page. The server returns the new page.

import { fetchPart } from "./feed.js";
import { localise } from "./times.js";

// Sends the form. Returns the page in the response, or null if the session has ended.
export async function submit(form, submitter, feed) {
  const address = submitter?.hasAttribute("formaction") ? submitter.formAction : form.action;
  const page = await fetchPart(address, feed, new FormData(form, submitter));
  if (page) localise(page);
  return page;
}

// Shows the server's messages, and announces them to screen readers.
export function tell(page, announce) {
  // Only Django's messages: other notes on the page have the same style.
  const said = [...page.querySelectorAll(".messages .message")].map((node) => node.textContent.trim());
  if (said.length) announce(said.join(" "));
  return said.join(" ");
}
