// The live feed: one socket that reconnects by itself, and detects every gap in the events.
// docs/feed.md describes its protocol.

import { showOpenAlerts } from "./nav_alerts.js";
import { clockText } from "./times.js";

const BACK_OFF_S = [0, 2, 5, 10];
const STALE_AFTER_S = 30;
const LOGGED_OUT = 4401;
const FORBIDDEN = 4403;
const RESYNC = 4408;
const CONNECT_S = 20;
const SETTLED_S = 5;

export class Feed extends EventTarget {
  #socket = null;
  #tries = 0;
  #timer = 0;
  #ended = "";
  #heartbeat_s = 10;
  #followed = new Map(); // by call id: a function that returns the revision of its live transcript
  #since = 0; // when the socket was opened; once it is live, when it went live

  // position: the epoch and offset in the event log at which the page was read.
  constructor(url, position) {
    super();
    this.url = url;
    this.epoch = position.epoch;
    this.offset = position.offset;
    this.seenAt = Date.now();
    this.isConnected = false;
  }

  get status() {
    if (this.#ended) return this.#ended;
    if (this.isConnected) return "live";
    return Date.now() - this.seenAt > STALE_AFTER_S * 1000 ? "stale" : "reconnecting";
  }

  start() {
    this.#connect();
    setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
  }

  // Asks for the live transcript of a call from a revision on, now and after every reconnection. It
  // comes as "live_transcript" events.
  follow(callId, revision) {
    this.#followed.set(callId, revision);
    if (this.isConnected) this.#subscribe();
  }

  end(status) {
    this.#ended = status;
    this.isConnected = false;
    this.#socket?.close();
    this.#tell("status");
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#since = Date.now();
    // An abandoned socket may still deliver messages, which must be ignored.
    socket.onmessage = ({ data }) => socket === this.#socket && this.#take(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.#socket && this.#lost(code);
  }

  #lost(code) {
    const wasLive = this.isConnected;
    this.isConnected = false;
    this.#socket = null;
    if (code === LOGGED_OUT) return this.end("logged-out");
    if (code === FORBIDDEN) return this.end("forbidden");
    if (this.#ended) return;
    // RESYNC: this client was too slow, but the server is fine, so connect at once. A connection that
    // was live only briefly backs off, or a page that stays too slow would reconnect in a loop.
    const isAtOnce = wasLive && code === RESYNC && Date.now() - this.#since > SETTLED_S * 1000;
    this.#timer = setTimeout(() => this.#connect(), isAtOnce ? 0 : this.#pause() * 1000);
    this.#tell("status");
  }

  // The jitter spreads out wallboards that all lost the server at the same moment.
  #pause() {
    const base = BACK_OFF_S[Math.min(this.#tries, BACK_OFF_S.length - 1)];
    this.#tries += 1;
    return base + Math.random();
  }

  #hurry() {
    if (this.#timer) this.#connect();
  }

  // A page that becomes visible checks at once, because the machine may have been asleep.
  #look() {
    this.#watch();
    this.#hurry();
  }

  #watch() {
    if (this.#isSilent()) {
      const socket = this.#socket;
      // Does not wait for the close event: on a dead connection, the browser waits for the other side first.
      this.#lost(0);
      socket.close();
    }
    this.#tell("status");
  }

  #isSilent() {
    const now = Date.now();
    // Two heartbeats and a half: one may be late, two mean that nothing arrives any more.
    if (this.isConnected) return now - this.seenAt > this.#heartbeat_s * 2500;
    return this.#socket !== null && now - this.#since > CONNECT_S * 1000;
  }

  #take(message) {
    this.seenAt = Date.now();
    switch (message.type) {
      case "hello":
        this.#heartbeat_s = message.heartbeat_s;
        return this.#resume();
      case "replay": // goes back, so that events sent since the greeting are taken again, in order
        this.offset = message.after;
        return;
      // Only now is the page up to date, and the next loss starts with the shortest pause again.
      case "resumed":
        if (!this.isConnected) {
          this.#since = Date.now();
          this.#subscribe();
        }
        this.isConnected = true;
        this.#tries = 0;
        return this.#tell("status");
      case "snapshot":
        this.epoch = message.epoch;
        this.offset = message.head;
        return this.#tell("refetch");
      case "heartbeat":
        // A head beyond our offset means that an event was missed: request it.
        return message.head > this.offset ? this.#resume() : undefined;
      case "counters":
        return this.#tell("counters", message.calls);
      case "figures":
        return this.#tell("figures", message);
      case "live_transcript":
        return this.#tell("live_transcript", message);
    }
    if (message.offset > this.offset) {
      this.offset = message.offset;
      this.#tell("change", message);
    }
  }

  #resume() {
    this.#socket.send(JSON.stringify({ type: "resume", epoch: this.epoch, offset: this.offset }));
  }

  #subscribe() {
    if (!this.#followed.size) return;
    const after = Object.fromEntries([...this.#followed].map(([callId, revision]) => [callId, revision()]));
    this.#socket.send(JSON.stringify({ type: "subscribe", call_ids: Object.keys(after), after }));
  }

  #tell(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

const WORDS = {
  live: "Live",
  reconnecting: "Reconnecting",
  stale: "Stale",
  "logged-out": "Logged out",
  forbidden: "Not allowed",
};

function showStatus(feed, badge) {
  const [text, time] = [badge.querySelector(".feed__text"), badge.querySelector(".feed__time")];
  if (badge.dataset.feed !== feed.status) {
    badge.dataset.feed = feed.status;
    text.textContent = WORDS[feed.status];
    if (feed.status === "logged-out") text.replaceChildren(loginLink(badge));
  }
  time.textContent = `as of ${clockText(feed.seenAt)}`;
}

function loginLink(badge) {
  const link = document.createElement("a");
  link.href = `${badge.dataset.login}?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = "Log in again";
  return link;
}

// Opens the feed at the position of the page, and shows its status in the badge.
export function openFeed() {
  const [badge, main] = [document.getElementById("feed"), document.getElementById("main")];
  const url = new URL(badge.dataset.socket, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const feed = new Feed(url, { epoch: main.dataset.epoch, offset: Number(main.dataset.offset) });
  feed.addEventListener("status", () => showStatus(feed, badge));
  feed.addEventListener("figures", ({ detail }) => showOpenAlerts(detail));
  feed.start();
  return feed;
}

// Fetches a page or part of one, or sends a form to it. If the session has ended or the permission
// is lost, returns null and shows that in the badge.
export async function fetchPart(url, feed, form = null) {
  const sent = form ? { method: "POST", body: form } : {};
  const response = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-store", ...sent });
  const login = document.getElementById("feed").dataset.login;
  if (response.redirected && new URL(response.url).pathname === login) {
    feed.end("logged-out");
    return null;
  }
  if (response.status === 403) {
    feed.end("forbidden");
    return null;
  }
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}
