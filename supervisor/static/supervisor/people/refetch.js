// Fetches the page again when something has happened: at most once per pause, and not while hidden.

import { fetchPart } from "../feed.js";
import { localise } from "../times.js";

const notice = document.getElementById("notice");

// Returns a function that fetches the page soon, or after `wait` ms. `show` gets each new page.
export function startRefetching(feed, show, { batchMs, pauseMs, retryMs }) {
  let timer = 0;
  let fetchedAt = Date.now();

  function fetchSoon(wait = Math.max(batchMs, fetchedAt + pauseMs - Date.now())) {
    timer ||= setTimeout(fetchPage, wait);
  }

  async function fetchPage() {
    timer = 0;
    fetchedAt = Date.now();
    if (document.hidden) return document.addEventListener("visibilitychange", () => fetchSoon(0), { once: true });
    try {
      const page = await fetchPart(location.href, feed);
      if (!page) return;
      localise(page);
      show(page);
      notice.hidden = true;
    } catch (error) {
      notice.textContent = `Could not load the latest figures (${error.message}). Trying again.`;
      notice.hidden = feed.status !== "live";
      fetchSoon(retryMs);
    }
  }

  feed.addEventListener("refetch", () => fetchSoon());
  return fetchSoon;
}
