// Listening to a live call: a socket that reconnects, and the audio thread that plays what it sends.
// docs/listening.md describes the protocol.

const BACK_OFF_S = [0.3, 1, 2, 5, 10];
const PING_MS = 4000;
const LOST_MS = 12_000; // without a message from the server
const SILENT_MS = 1500;
const DRAIN_MS = 3000;
const FADE_S = 0.02;
const FLOOR_DB = -50;
const FINAL = new Set([1011, 4401, 4403, 4404, 4410, 4415]);
const SIDES = ["agent", "customer"];
const INSECURE = "Listening needs HTTPS: the browser plays live sound only on secure pages.";
const BLOCKED = "The sound cannot be started.";

// The sound of one call, from the click on Listen to the click on Stop or the end of the call.
class Listening {
  #context = new AudioContext();
  #player = null;
  #gains = {};
  #socket = null;
  #timer = 0;
  #pulse = 0;
  #tries = 0;
  #heardAt = 0; // the last message of the server
  #frameAt = 0; // the last sound
  #pingAt = 0;
  #way_s = 0; // transit time from the server
  #isOver = false;

  constructor(box, tell) {
    this.box = box;
    this.tell = tell;
  }

  async start() {
    this.tell("Connecting");
    if (!this.#context.audioWorklet) return this.end(INSECURE);
    try {
      await this.#context.resume();
      await this.#context.audioWorklet.addModule(this.box.dataset.worklet);
    } catch {
      return this.end(BLOCKED);
    }
    if (this.#isOver) return;
    this.#wire();
    this.#connect();
    this.#pulse = setInterval(() => this.#watch(), 500);
  }

  end(words = "") {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearInterval(this.#pulse);
    const socket = this.#socket;
    this.#socket = null; // its close event must not open another one
    socket?.close();
    this.tell(words, { isOver: true });
    // Sound that has arrived is played to its end, unless the user stopped it.
    setTimeout(() => this.#context.close(), words ? DRAIN_MS : 0);
  }

  setVolume(side, volume) {
    const gain = this.#gains[side]?.gain;
    gain?.setTargetAtTime(volume, this.#context.currentTime, FADE_S);
  }

  // Worklet, then a volume for each side, then both ears.
  #wire() {
    this.#player = new AudioWorkletNode(this.#context, "listen", {
      numberOfInputs: 0,
      outputChannelCount: [2],
    });
    this.#player.port.onmessage = ({ data }) => this.#report(data);
    const splitter = new ChannelSplitterNode(this.#context, { numberOfOutputs: 2 });
    const merger = new ChannelMergerNode(this.#context, { numberOfInputs: 2 });
    this.#player.connect(splitter);
    SIDES.forEach((side, ear) => {
      const gain = new GainNode(this.#context, { gain: volumeOf(this.box, side) });
      splitter.connect(gain, ear).connect(merger, 0, ear);
      this.#gains[side] = gain;
    });
    merger.connect(this.#context.destination);
  }

  #connect() {
    const url = new URL(this.box.dataset.socket, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#heardAt = performance.now();
    this.#frameAt = 0;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket === this.#socket && this.#take(data);
    socket.onclose = ({ code, reason }) => socket === this.#socket && this.#lost(code, reason);
  }

  #take(data) {
    this.#heardAt = performance.now();
    if (typeof data === "string") {
      if (JSON.parse(data).type === "pong") this.#way_s = (this.#heardAt - this.#pingAt) / 2000;
      return;
    }
    this.#tries = 0;
    this.#frameAt = this.#heardAt;
    this.#player.port.postMessage(data, [data]);
  }

  #lost(code, reason) {
    this.#socket = null;
    if (FINAL.has(code)) return this.end(reason.replace(/\.$/, "") || "The connection was refused");
    // A new connection starts with the present, and with its own timeline.
    this.#player.port.postMessage("reset");
    this.tell("Connecting");
    const pause = BACK_OFF_S[Math.min(this.#tries, BACK_OFF_S.length - 1)];
    this.#tries += 1;
    this.#timer = setTimeout(() => this.#connect(), (pause + pause * Math.random()) * 1000);
  }

  #watch() {
    const now = performance.now();
    const socket = this.#socket;
    if (!socket) return;
    // Does not wait for the close event: on a dead connection, the browser waits for the other side first.
    if (now - this.#heardAt > LOST_MS) {
      this.#lost(0, "");
      socket.close();
      return;
    }
    if (socket.readyState === WebSocket.OPEN && now - this.#pingAt > PING_MS) {
      this.#pingAt = now;
      socket.send('{"type":"ping"}');
    }
    const isSilent = now - (this.#frameAt || this.#heardAt) > SILENT_MS;
    if (socket.readyState === WebSocket.OPEN && isSilent) this.tell("Silence: no packets arrive");
  }

  #report({ isPlaying, delay, levels }) {
    SIDES.forEach((side, ear) => showLevel(this.box, side, this.#isOver ? 0 : levels[ear]));
    const isFresh = this.#frameAt && performance.now() - this.#frameAt < SILENT_MS;
    if (this.#isOver || !isFresh || !isPlaying) return;
    const behind_s = delay + this.#way_s + (this.#context.outputLatency || this.#context.baseLatency);
    this.tell("Listening", { behind_s });
  }
}

function volumeOf(box, side) {
  const slider = box.querySelector(`[data-volume="${side}"]`);
  const mute = box.querySelector(`[data-mute="${side}"]`);
  // Squared, so that the middle of the slider sounds like half as loud.
  return mute.getAttribute("aria-pressed") === "true" ? 0 : (slider.value / 100) ** 2;
}

function showLevel(box, side, level) {
  const decibels = level > 0 ? 20 * Math.log10(level) : FLOOR_DB;
  box.querySelector(`[data-level="${side}"]`).value = Math.max(0, 1 - decibels / FLOOR_DB);
}

let listening = null;
let shownAt = 0;

function show(box, words, { behind_s = null, isOver = false } = {}) {
  const [state, delay] = [box.querySelector("[data-state]"), box.querySelector("[data-behind]")];
  // Announced only when the words change; the delay changes all the time.
  if (state.textContent !== words) state.textContent = words;
  else if (behind_s !== null && performance.now() - shownAt < 1000) return;
  shownAt = performance.now();
  delay.textContent = behind_s === null ? "" : `, ${behind_s.toFixed(1)} s behind`;
  box.dataset.delay = behind_s === null ? "" : behind_s.toFixed(2);
  if (isOver) stopped(box);
}

function stopped(box) {
  listening = null;
  box.querySelector("[data-listen]").textContent = "Listen";
  for (const side of SIDES) showLevel(box, side, 0);
}

function toggle(box, button) {
  if (listening) return listening.end();
  button.textContent = "Stop listening";
  listening = new Listening(box, (words, more) => show(box, words, more));
  listening.start();
}

document.addEventListener("click", ({ target }) => {
  const [box, button] = [target.closest("#listen"), target.closest("button")];
  if (!box || !button) return;
  if ("listen" in button.dataset) return toggle(box, button);
  const side = button.dataset.mute;
  const isMuted = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(isMuted));
  listening?.setVolume(side, volumeOf(box, side));
});

document.addEventListener("input", ({ target }) => {
  const box = target.closest("#listen");
  if (box && target.dataset.volume) {
    listening?.setVolume(target.dataset.volume, volumeOf(box, target.dataset.volume));
  }
});
