// The wall screen: takes what it shows from its socket, counts durations, and says when it is not live.

import { Link } from "./link.js";
import { Rotation } from "./rotation.js";
import { spanText } from "../times.js";
import { Idiomorph } from "../vendor/idiomorph.esm.js";

const LOST_AFTER_MS = 4000; // a server that is restarted is back by then
const RENEW_MS = 24 * 3600 * 1000; // the cookie of a display; browsers keep it for 400 days at most
const RELOAD_MS = 60_000;

const { body } = document;
const byId = (id) => document.getElementById(id);
const [main, steps, clock, lost, feed] = ["main", "steps", "clock", "lost", "feed"].map(byId);
// Clocks of displays are often wrong, so time is that of the server, in the time zone of the site.
let ahead = Date.parse(body.dataset.at) - Date.now();
let reloadAt = 0;

const clockFormat = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", timeZone: body.dataset.zone,
});
const rotation = new Rotation({
  main, steps, progress: byId("progress"), button: byId("pause"), seconds: Number(body.dataset.seconds),
});
const link = new Link(socketAddress());
link.addEventListener("message", ({ detail }) => take(detail));
link.addEventListener("lost", showStatus);
link.start();
tick();
setInterval(tick, 1000);
setInterval(() => fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(() => null), RENEW_MS);

function socketAddress() {
  const url = new URL(`feed${location.search}`, location.href.split(/[?#]/)[0]);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

function take(message) {
  ahead = Date.parse(message.at) - Date.now();
  if (message.type === "hello" && message.release !== body.dataset.release) reloadSoon(message.release);
  if (message.type === "wall") show(message);
  showStatus();
}

function show(message) {
  rotation.seconds = message.seconds;
  const [screen, list] = [parse(message.screen), parse(message.steps)];
  rotation.prepare(screen, list);
  count(screen);
  Idiomorph.morph(main, screen.childNodes, { morphStyle: "innerHTML" });
  Idiomorph.morph(steps, list.childNodes, { morphStyle: "innerHTML" });
  rotation.merged();
}

function parse(html) {
  return new DOMParser().parseFromString(html, "text/html").body;
}

// Another process may still serve the old page during a release, so ask before reloading.
async function reloadSoon(release) {
  if (Date.now() < reloadAt) return;
  reloadAt = Date.now() + RELOAD_MS;
  const page = await fetch(location.href, { cache: "no-store" }).then((answer) => answer.text()).catch(() => "");
  if (page.includes(`data-release="${release}"`)) location.reload();
  else setTimeout(() => reloadSoon(release), RELOAD_MS);
}

// Clocks and status ----------------------------------------------------------------------------------

function tick() {
  write(clock, clockFormat.format(Date.now() + ahead));
  count(main);
  showStatus();
}

function count(root) {
  const now = Date.now() + ahead;
  for (const node of root.querySelectorAll("[data-since]")) {
    write(node, spanText((now - Date.parse(node.dataset.since)) / 1000));
    if (node.dataset.length) node.dataset.length = node.textContent.length;
  }
}

function showStatus() {
  const isLive = link.isConnected;
  const isLost = !isLive && (link.refusal || Date.now() - link.seenAt > LOST_AFTER_MS);
  body.dataset.feed = isLive ? "live" : isLost ? "lost" : "connecting";
  write(feed, isLive ? "Live" : isLost ? "Not live" : "Connecting");
  if (isLost) write(byId("lost-text"), lostText());
  lost.hidden = !isLost;
  // A display that was revoked shows nothing any more.
  if (link.refusal === "refused") main.replaceChildren();
}

function lostText() {
  if (link.refusal === "refused") return "This screen was revoked. Ask for a new address.";
  const since = `Not live since ${clockFormat.format(link.seenAt + ahead)}.`;
  return link.refusal ? `${since} Log in again.` : `${since} Reconnecting.`;
}

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
