// The socket of a wall screen. It reconnects forever: nobody stands in front of a wall to reload it.

const BACK_OFF_S = [0, 2, 5, 10];
const REFUSED_S = 60; // a login elsewhere, or a new address, may bring the screen back
const REFUSED = { 4401: "logged-out", 4403: "refused" };
const CONNECT_S = 20;

export class Link extends EventTarget {
  #socket = null;
  #timer = 0;
  #tries = 0;
  #openedAt = 0;
  #heartbeat_s = 10;

  constructor(url) {
    super();
    this.url = url;
    this.seenAt = Date.now();
    this.refusal = "";
    this.isConnected = false;
  }

  start() {
    this.#connect();
    setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#openedAt = Date.now();
    // An abandoned socket may still deliver messages, which must be ignored.
    socket.onmessage = ({ data }) => socket === this.#socket && this.#take(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.#socket && this.#lost(code);
  }

  #take(message) {
    this.seenAt = Date.now();
    this.refusal = "";
    this.isConnected = true;
    this.#tries = 0;
    if (message.heartbeat_s) this.#heartbeat_s = message.heartbeat_s;
    this.dispatchEvent(new CustomEvent("message", { detail: message }));
  }

  #lost(code) {
    this.isConnected = false;
    this.#socket = null;
    this.refusal = REFUSED[code] ?? "";
    // The jitter spreads out screens that all lost the server at the same moment.
    const pause = this.refusal ? REFUSED_S : BACK_OFF_S[Math.min(this.#tries, BACK_OFF_S.length - 1)];
    this.#tries += 1;
    this.#timer = setTimeout(() => this.#connect(), (pause + Math.random()) * 1000);
    this.dispatchEvent(new CustomEvent("lost"));
  }

  #hurry() {
    if (this.#timer) this.#connect();
  }

  #watch() {
    if (!this.#isSilent()) return;
    const socket = this.#socket;
    // Does not wait for the close event: on a dead connection, the browser waits for the other side first.
    this.#lost(0);
    socket.close();
  }

  #isSilent() {
    if (!this.#socket) return false;
    const now = Date.now();
    if (!this.isConnected) return now - this.#openedAt > CONNECT_S * 1000;
    // Two heartbeats and a half: one may be late, two mean that nothing arrives any more.
    return now - this.seenAt > this.#heartbeat_s * 2500;
  }
}
