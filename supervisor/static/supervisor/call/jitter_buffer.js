// The jitter buffer of a listener: takes frames as they arrive, and returns steady audio at the
// context's rate. It uses neither sockets nor the page, so tests run it without a browser's audio.

export const HEADER_BYTES = 16;
const TARGET_S = 0.65; // buffered before the sound starts
const MARGIN_S = 0.2; // kept in the buffer at its lowest point
const MAX_MARGIN_S = 4; // for senders of long packets
const GROWTH_S = 0.3; // at most, each time the buffer runs dry
const WINDOW_S = 2.5; // over which the lowest point is taken
const BLOCK_S = 0.1;
const CALM_S = 20; // without running dry before the margin shrinks again
const SPARE_S = 0.1; // above the margin: played faster
const EXCESS_S = 0.7; // above the margin: skipped
const CATCH_UP = 1.015; // speed during speech: nobody notices it
const CATCH_UP_SILENCE = 1.6;
const SILENCE = 0.004; // of full scale: -48 dB
const QUIET_S = 0.03; // ahead of the place that is played
const MOST_S = 15; // kept while nothing is played
const FADE_S = 0.006;
const TAPS = 16;
const PHASES = 128;
const HALF = TAPS / 2;

// Reads a frame of the server. docs/listening.md describes it.
export function readFrame(data) {
  const view = new DataView(data);
  return {
    channels: view.getUint8(1),
    age: view.getUint16(2, true) / 1000,
    rate: view.getUint32(4, true),
    number: view.getUint32(8, true),
    position: view.getUint32(12, true),
    samples: new Int16Array(data, HEADER_BYTES),
  };
}

// A windowed sinc for each fraction of a sample. Each row adds up to 1, so that levels stay exact.
function makeKernel(cutoff) {
  const rows = [];
  for (let phase = 0; phase <= PHASES; phase += 1) {
    const row = new Float32Array(TAPS);
    let sum = 0;
    for (let tap = 0; tap < TAPS; tap += 1) {
      const x = tap - HALF + 1 - phase / PHASES;
      const window = Math.abs(x) < HALF ? 0.5 + 0.5 * Math.cos((Math.PI * x) / HALF) : 0;
      const angle = Math.PI * x * cutoff;
      row[tap] = window * (angle ? Math.sin(angle) / angle : 1);
      sum += row[tap];
    }
    rows.push(row.map((value) => value / sum));
  }
  return rows;
}

export class JitterBuffer {
  dry = 0; // how often the sound stopped because too little had arrived in time
  skips = 0; // how often it jumped forward because too much had arrived
  levels = [0, 0]; // the peaks since they were last read
  #rate; // of the output
  #inRate = 0;
  #sides = [new Float32Array(0), new Float32Array(0)];
  #at = 0; // the place that is played, in samples of the input
  #length = 0;
  #kernel = [];
  #isPlaying = false;
  #gain = 0;
  #goal = 0;
  #margin = MARGIN_S;
  #expected = null; // the position that continues the last frame
  #isDry = false; // has run dry, and nothing has arrived since
  #dryFor = 0;
  #low = []; // the lowest fill of each block: [time, seconds]
  #clock = 0;
  #calmSince = 0;
  #skipTo = 0;

  constructor(rate) {
    this.#rate = rate;
  }

  get isPlaying() {
    return this.#isPlaying;
  }

  // Seconds of sound that have arrived and not been played.
  get buffered() {
    return this.#inRate ? Math.max(0, this.#length - this.#at) / this.#inRate : 0;
  }

  push({ rate, channels, position, samples }) {
    const count = Math.floor(samples.length / channels);
    if (rate !== this.#inRate) this.#changeRate(rate);
    // Sound that arrived late needs a larger margin. After a pause, nothing was late.
    if (this.#isDry && position === this.#expected) {
      this.#margin = Math.min(MAX_MARGIN_S, this.#margin + Math.min(GROWTH_S, this.#dryFor));
    }
    this.#isDry = false;
    this.#expected = position + count;
    if (this.buffered > MOST_S) this.#at = this.#length;
    this.#compact(count);
    for (let side = 0; side < 2; side += 1) {
      const from = Math.min(side, channels - 1);
      const to = this.#sides[side];
      for (let n = 0; n < count; n += 1) to[this.#length + n] = samples[n * channels + from] / 32768;
    }
    this.#length += count;
  }

  // Starts again with the next frame: a new connection does not continue the old one.
  reset() {
    this.#expected = null;
    this.#isDry = false;
    this.#low = [];
    if (this.#isPlaying) this.#goal = 0;
    else this.#at = this.#length;
  }

  // Fills two arrays of one length with the next samples.
  read(left, right) {
    const size = left.length;
    const seconds = size / this.#rate;
    this.#clock += seconds;
    if (this.#isDry) this.#dryFor += seconds;
    if (!this.#isPlaying && !this.#start()) {
      left.fill(0);
      right.fill(0);
      return;
    }
    const step = (this.#inRate / this.#rate) * this.#speed();
    const fade = 1 / (FADE_S * this.#rate);
    const last = this.#length - HALF - FADE_S * this.#inRate;
    for (let n = 0; n < size; n += 1) {
      const goal = this.#at < last ? this.#goal : 0;
      this.#gain = goal ? Math.min(1, this.#gain + fade) : Math.max(0, this.#gain - fade);
      if (!this.#gain && !goal && this.#turn()) {
        left.fill(0, n);
        right.fill(0, n);
        break;
      }
      left[n] = this.#gain * this.#sample(0);
      right[n] = this.#gain * this.#sample(1);
      this.#at += step;
    }
    this.#measure(left, right);
  }

  // Starts the sound once enough has arrived. Returns whether it plays.
  #start() {
    if (this.buffered < Math.max(TARGET_S, this.#margin + 0.2)) return false;
    this.#isPlaying = true;
    this.#goal = 1;
    this.#gain = 0;
    this.#low = [];
    this.#calmSince = this.#clock;
    return true;
  }

  // The sound has faded out: to jump forward, or because the buffer is empty. Returns whether it stops.
  #turn() {
    if (this.#skipTo > this.#at) {
      this.#at = this.#skipTo;
      this.#skipTo = 0;
      this.#goal = 1;
      return false;
    }
    this.#isPlaying = false;
    if (this.#goal) {
      this.dry += 1;
      this.#isDry = true;
      this.#dryFor = 0;
    } else {
      this.#at = this.#length; // after a reset, the rest of the old connection is not played
    }
    return true;
  }

  #sample(side) {
    const place = Math.floor(this.#at);
    const row = this.#kernel[Math.round((this.#at - place) * PHASES)];
    const from = this.#sides[side];
    const first = place - HALF + 1;
    let sum = 0;
    for (let tap = 0; tap < TAPS; tap += 1) {
      const at = first + tap;
      if (at >= 0 && at < this.#length) sum += row[tap] * from[at];
    }
    return sum;
  }

  // Decides how fast to play, by the lowest recent fill, and where to jump if that is far too much.
  #speed() {
    const last = this.#low.at(-1);
    if (last && this.#clock - last[0] < BLOCK_S) last[1] = Math.min(last[1], this.buffered);
    else this.#low.push([this.#clock, this.buffered]);
    while (this.#low[0][0] < this.#clock - WINDOW_S) this.#low.shift();
    if (this.#clock - this.#calmSince > CALM_S) {
      this.#calmSince = this.#clock;
      this.#margin = Math.max(MARGIN_S, this.#margin * 0.8);
    }
    const spare = Math.min(...this.#low.map(([, fill]) => fill)) - this.#margin;
    const isMeasured = this.#clock - this.#low[0][0] > 0.9 * WINDOW_S;
    if (isMeasured && spare > EXCESS_S && this.#goal) {
      this.#skipTo = this.#at + (spare - SPARE_S) * this.#inRate;
      this.#goal = 0;
      this.skips += 1;
      this.#low = [];
      return 1;
    }
    if (spare < SPARE_S || !isMeasured) return 1;
    return this.#isQuiet() ? CATCH_UP_SILENCE : CATCH_UP;
  }

  #isQuiet() {
    const end = Math.min(this.#length, Math.floor(this.#at + QUIET_S * this.#inRate));
    for (let n = Math.floor(this.#at); n < end; n += 1) {
      if (Math.abs(this.#sides[0][n]) > SILENCE || Math.abs(this.#sides[1][n]) > SILENCE) return false;
    }
    return true;
  }

  #measure(...sides) {
    sides.forEach((samples, side) => {
      for (const value of samples) this.levels[side] = Math.max(this.levels[side], Math.abs(value));
    });
  }

  #changeRate(rate) {
    this.#inRate = rate;
    this.#kernel = makeKernel(0.95 * Math.min(1, this.#rate / rate));
    this.#sides = [new Float32Array(rate * 4), new Float32Array(rate * 4)];
    this.#at = HALF;
    this.#length = HALF;
    this.#isPlaying = false;
  }

  // Forgets what was played, and makes room.
  #compact(count) {
    const old = Math.max(0, Math.floor(this.#at) - HALF);
    const room = this.#length - old + count;
    for (let side = 0; side < 2; side += 1) {
      const from = this.#sides[side];
      const to = room > from.length ? new Float32Array(2 * room) : from;
      to.set(from.subarray(old, this.#length));
      this.#sides[side] = to;
    }
    this.#length -= old;
    this.#at -= old;
    if (this.#skipTo) this.#skipTo -= old;
  }
}
