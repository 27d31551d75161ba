// The player of the recording: waveform, clickable words and keys. The transcript follows it.

import { isTaken, wantsKeys } from "./page_keys.js";
import { showPlayhead } from "./sentiment_chart.js";
import { spanText } from "../times.js";
import { Transcript } from "./words.js";
import WaveSurfer from "../vendor/wavesurfer.esm.js";

const SHORT_S = 5;
const LONG_S = 15;
const SILENT_S = 1.5; // "skip silence" skips longer silences only
// A skip ends this long before the sound starts again, so that its start is not cut off.
const LEAD_S = 0.3;
const SILENT_LEVEL = 5; // of 255
const TROUBLE = "Could not load the recording. It may have been removed, or your session may have ended. Reload the page.";

const main = document.getElementById("main");
const transcript = new Transcript(main);
let player = null;

// Attaches to the player on the page. Call it after every merge.
export function mountPlayer() {
  const section = main.querySelector("[data-sound]");
  const audio = document.getElementById("player");
  if (player && player.section !== section) player.unmount();
  transcript.read();
  if (!audio) return (player = null);
  if (player?.section !== section) player = new Player(section, audio);
  player.show();
}

export function seek(ms) {
  player?.seek(ms / 1000, true);
}

// Moves the playback position to a time in ms.
export function place(ms) {
  player?.seek(ms / 1000, false);
}

// The playback position in ms; null before the recording was played or moved.
export function position() {
  return player?.isStarted ? player.audio.currentTime * 1000 : null;
}

class Player {
  #wave = null;
  #frame = 0;
  #silences = [];
  #stop = new AbortController();

  constructor(section, audio) {
    this.section = section;
    this.audio = audio;
    this.clock = section.querySelector("[data-now]");
    const signal = { signal: this.#stop.signal };
    for (const type of ["play", "pause", "ended", "seeked", "timeupdate"]) {
      audio.addEventListener(type, () => this.show(), signal);
    }
    audio.addEventListener("error", () => this.#tell(TROUBLE), signal);
    section.querySelector("[data-speed]").addEventListener("change", (event) => {
      audio.playbackRate = Number(event.target.value);
    }, signal);
    this.#draw();
  }

  unmount() {
    this.#stop.abort();
    cancelAnimationFrame(this.#frame);
    this.#wave?.destroy();
  }

  get duration() {
    // NaN until the browser has read the header of the file.
    const known = this.audio.duration;
    return Number.isFinite(known) ? known : Number(this.section.querySelector("[data-duration]")?.dataset.duration ?? 0) / 1000;
  }

  get isStarted() {
    return this.audio.currentTime > 0 || !this.audio.paused;
  }

  seek(seconds, isPlaying = !this.audio.paused) {
    this.audio.currentTime = Math.max(0, Math.min(seconds, this.duration || seconds));
    if (isPlaying) this.play();
    this.show();
  }

  play() {
    this.#tell("");
    // A pause right after play() rejects its promise with AbortError, which is harmless.
    this.audio.play().catch((error) => error.name !== "AbortError" && this.#tell(TROUBLE));
  }

  toggle() {
    if (this.audio.paused) this.play();
    else this.audio.pause();
  }

  move(seconds) {
    this.seek(this.audio.currentTime + seconds);
  }

  turn(step) {
    const begin = transcript.neighbour(this.audio.currentTime * 1000, step);
    if (begin !== null) this.seek(begin / 1000);
  }

  faster(step) {
    const speed = this.section.querySelector("[data-speed]");
    speed.selectedIndex = Math.max(0, Math.min(speed.options.length - 1, speed.selectedIndex + step));
    this.audio.playbackRate = Number(speed.value);
  }

  // Draws the playback position, and again for each frame while the sound plays.
  show() {
    cancelAnimationFrame(this.#frame);
    const { audio, isStarted } = this;
    const now = spanText(audio.currentTime);
    if (this.clock.textContent !== now) this.clock.textContent = now;
    this.#showButton(audio.paused ? "play" : "pause");
    transcript.show(isStarted ? audio.currentTime * 1000 : -1, !audio.paused);
    showPlayhead(isStarted ? audio.currentTime : null);
    if (audio.paused) return;
    this.#skip();
    // "timeupdate" fires about four times a second, too rarely for single words.
    this.#frame = requestAnimationFrame(() => this.show());
  }

  #showButton(state) {
    const button = this.section.querySelector("[data-do='toggle']");
    if (button.dataset.state === state) return;
    button.dataset.state = state;
    button.setAttribute("aria-label", state === "play" ? "Play" : "Pause");
    button.querySelector("[data-icon]").setAttribute("href", `#i-${state}`);
  }

  #skip() {
    // Another seek before the first has ended would start it over, and again in the next frame.
    if (!this.section.querySelector("[data-skip]").checked || this.audio.seeking) return;
    const now = this.audio.currentTime;
    const silence = this.#silences.find(([begin, end]) => now >= begin && now < end - LEAD_S);
    if (silence) this.audio.currentTime = silence[1] - LEAD_S;
  }

  #tell(text) {
    this.section.querySelector("[data-trouble]").textContent = text;
  }

  async #draw() {
    const box = this.section.querySelector("[data-wave]");
    if (!box) return;
    const response = await fetch(this.section.dataset.waveform, { signal: this.#stop.signal }).catch(() => null);
    if (!response?.ok) return; // the speaker timeline stays, and playback still works
    const { peaks, duration_ms } = await response.json();
    const sides = [peaks.agent, peaks.customer].map(bytes);
    this.section.querySelector("[data-whole]").textContent = spanText(duration_ms / 1000);
    const step_s = duration_ms / 1000 / sides[0].length;
    this.#silences = findSilences(sides, step_s);
    this.#wave = WaveSurfer.create({
      container: box,
      media: this.audio,
      url: this.audio.src,
      // With peaks and a duration, the browser does not decode an hour of audio to draw it.
      peaks: sides.map(scaled),
      duration: duration_ms / 1000,
      height: "auto",
      cursorWidth: 2,
      dragToSeek: true,
      // The content security policy allows only styles with this nonce.
      cspNonce: document.querySelector("script[nonce]").nonce,
      ...this.#colours(),
    });
    this.#wave.on("interaction", () => this.show());
    this.section.classList.add("has-wave");
    this.#hint(box, duration_ms / 1000);
    const restyle = () => this.#wave.setOptions(this.#colours());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle, { signal: this.#stop.signal });
    const watch = new MutationObserver(restyle);
    watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.#stop.signal.addEventListener("abort", () => watch.disconnect());
  }

  #colours() {
    const of = (name) => getComputedStyle(this.section.querySelector(name)).color;
    const [agent, customer, quiet] = [of(".who-agent"), of(".who-customer"), of(".legend")];
    const side = (color) => ({ waveColor: faded(color), progressColor: color, height: 40 });
    return { splitChannels: [side(agent), side(customer)], cursorColor: quiet };
  }

  // Shows the time under the pointer.
  #hint(box, duration) {
    const hint = this.section.querySelector("[data-hint]");
    box.addEventListener("pointermove", (event) => {
      const { left, width } = box.getBoundingClientRect();
      const share = Math.max(0, Math.min(1, (event.clientX - left) / width));
      hint.hidden = false;
      hint.textContent = spanText(share * duration);
      hint.style.left = `${share * 100}%`;
    });
    box.addEventListener("pointerleave", () => (hint.hidden = true));
  }
}

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// Scales a quiet side up to full height, but leaves a silent one flat.
function scaled(side) {
  const loudest = Math.max(32, side.reduce((most, level) => Math.max(most, level), 0));
  return Float32Array.from(side, (level) => level / loudest);
}

function faded(color) {
  return color.replace(/^rgb\((.*)\)$/, "rgba($1, 0.55)");
}

function findSilences(sides, step_s) {
  const found = [];
  let begin = 0;
  const { length } = sides[0];
  for (let at = 0; at <= length; at += 1) {
    if (at < length && sides.every((side) => side[at] <= SILENT_LEVEL)) continue;
    if ((at - begin) * step_s >= SILENT_S) found.push([begin * step_s, at * step_s]);
    begin = at + 1;
  }
  return found;
}

// Buttons and keys ------------------------------------------------------------------------------

const DEEDS = {
  toggle: () => player.toggle(),
  back: () => player.move(-SHORT_S),
  forward: () => player.move(SHORT_S),
};

const KEYS = {
  " ": DEEDS.toggle,
  k: DEEDS.toggle,
  arrowleft: DEEDS.back,
  arrowright: DEEDS.forward,
  j: () => player.move(-LONG_S),
  l: () => player.move(LONG_S),
  p: () => player.turn(-1),
  n: () => player.turn(1),
  "<": () => player.faster(-1),
  ">": () => player.faster(1),
};

main.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button && player) DEEDS[button.dataset.do]();
  const word = player && event.target.closest(".turn__text") && transcript.at(event);
  if (word) player.seek(word.begin / 1000, true);
});

document.addEventListener("keydown", (event) => {
  const deed = KEYS[event.key.toLowerCase()];
  if (!deed || !player || !wantsKeys() || event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
  event.preventDefault();
  deed();
});
