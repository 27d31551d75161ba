// Acknowledging without leaving the page: the form is sent, and the answer is the page anew.

import { localise } from "./times.js";

// Returns the page that the server answers with; null if the session has ended.
export async function submit(form, submitter, feed) {
  const body = new URLSearchParams(new FormData(form, submitter));
  const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
  const login = document.getElementById("feed").dataset.login;
  if (response.redirected && new URL(response.url).pathname === login) {
    feed.end("logged-out");
    return null;
  }
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  localise(page);
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
